// The command palette. What can be done here and where one can go is in the page already (`data-key`), so it is
// there at once; the server adds what it finds. Without script the same link leads to /search.
import { labelOf } from './dialog';

const WAIT_MS = 120;

const dialog = () => document.getElementById('palette') as HTMLDialogElement | null;

class Palette extends HTMLElement {
  #asking?: AbortController;
  #timer = 0;
  #input = this.querySelector('input') as HTMLInputElement;
  #here = this.querySelector('[data-here]') as HTMLElement;
  #found = this.querySelector('[data-found]') as HTMLElement;

  connectedCallback(): void {
    this.#input.addEventListener('input', () => this.#look(WAIT_MS));
    this.addEventListener('keydown', (event) => this.#key(event));
    this.addEventListener('click', (event) => {
      const option = (event.target as Element).closest<HTMLElement>('[role=option]');
      if (option) this.#run(option, event);
    });
    this.addEventListener('mousemove', (event) => {
      const option = (event.target as Element).closest<HTMLElement>('[role=option]');
      if (option) this.#mark(option);
    });
  }

  start(): void {
    this.#input.value = '';
    this.#look(0);
  }

  /** Show what fits the typed words: the page's own commands now, the server's finds a moment later. */
  #look(wait_ms: number): void {
    const query = this.#input.value.trim();
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const options = commands().filter(([label]) => words.every((word) => label.toLowerCase().includes(word)));
    this.#here.replaceChildren(...options.map(([label, el]) => option(label, el)));
    this.#mark(this.#options()[0]);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(query), wait_ms);
  }

  async #ask(query: string): Promise<void> {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    try {
      const answer = await fetch(`${this.getAttribute('src')}?q=${encodeURIComponent(query)}`, { signal: asking.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      this.#found.replaceChildren(...page.body.childNodes);
      if (!this.#marked()) this.#mark(this.#options()[0]);
    } catch {
      // a newer question, or no network: what the page knows itself stays
    }
  }

  #options = () => [...this.querySelectorAll<HTMLElement>('[role=option]')];
  #marked = () => this.querySelector<HTMLElement>('[aria-selected=true]');

  #mark(option?: HTMLElement): void {
    this.#marked()?.setAttribute('aria-selected', 'false');
    option?.setAttribute('aria-selected', 'true');
    this.#input.setAttribute('aria-activedescendant', option?.id ?? '');
  }

  #key(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      const options = this.#options();
      const at = options.indexOf(this.#marked() as HTMLElement);
      const next = options[(at + by + options.length) % options.length];
      this.#mark(next);
      next?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      const option = this.#marked();
      if (!option) return; // the form leads to /search
      event.preventDefault();
      option.click();
    }
  }

  #run(option: HTMLElement, event: Event): void {
    const target = targets.get(option);
    if (!target) return; // a find is a link
    event.preventDefault();
    dialog()?.close();
    if (target.matches('input')) target.focus();
    else target.click();
  }
}

const targets = new WeakMap<HTMLElement, HTMLElement>();

/** The page's actions first, then the frame's, then where one can go; a row's own actions only when it has the focus. */
function commands(): [string, HTMLElement][] {
  const found = [...document.querySelectorAll<HTMLElement>('[data-key]')].filter(
    (el) => !el.closest('[data-keys=row], dialog') && !el.matches('input[type=checkbox]') && labelOf(el),
  );
  const goes = (el: HTMLElement) => el.dataset.key?.startsWith('g ') ?? false;
  const isHere = (el: HTMLElement) => Number(Boolean(el.closest('main')));
  return [
    ...found.filter((el) => !goes(el)).sort((one, other) => isHere(other) - isHere(one)).map((el): [string, HTMLElement] => [labelOf(el), el]),
    ...found.filter(goes).map((el): [string, HTMLElement] => [`Go to ${labelOf(el)}`, el]),
  ];
}

function option(label: string, el: HTMLElement): HTMLElement {
  const made = document.createElement('div');
  made.role = 'option';
  made.id = `tc-do-${el.dataset.key?.replace(' ', '-')}`;
  const icon = el.querySelector('svg')?.cloneNode(true);
  const key = document.createElement('kbd');
  key.textContent = el.dataset.key?.toUpperCase() ?? '';
  made.append(...(icon ? [icon] : []), label, key);
  targets.set(made, el);
  return made;
}

function open(): void {
  const found = dialog();
  if (!found || found.open || document.querySelector('dialog[open]')) return;
  found.showModal();
  found.querySelector<Palette>('tc-palette')?.start();
}

document.addEventListener('click', (event) => {
  if (!(event.target as Element).closest('[data-palette]')) return;
  event.preventDefault();
  open();
});
document.addEventListener('keydown', (event) => {
  if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open();
});

customElements.define('tc-palette', Palette);
