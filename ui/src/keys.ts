// Keyboard. The markup says which key does what (`data-key`), so the server owns the list.
// `[data-keys]` is a scope: inside a row, `a` acknowledges that row, not the first one of the page.
// `data-key-focus` asks for the key twice: the first press only puts the focus there.

const PREFIX_MS = 900;

let prefix = '';
let timer = 0;
let lastRow = ''; // where j and k go on from when the focus is nowhere

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function find(key: string): HTMLElement | undefined {
  const wanted = `[data-key="${CSS.escape(key)}"]`;
  // what is selected comes before the row that has the focus
  const many = document.querySelector<HTMLElement>(`form:has(.tc-pick:checked) .tc-bulk ${wanted}`);
  if (many) return many;
  const scope = document.activeElement?.closest('[data-keys]');
  const inScope = scope?.querySelector<HTMLElement>(wanted);
  if (inScope) return inScope;
  return [...document.querySelectorAll<HTMLElement>(wanted)].find((el) => !el.closest('[data-keys=row]'));
}

/** Move the focus through the rows; each row's `[data-row]` takes it. */
function step(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')].filter((row) => row.checkVisibility());
  const scope = document.activeElement === document.body ? document.getElementById(lastRow) : document.activeElement?.closest('[data-keys]');
  const at = rows.findIndex((row) => row === document.activeElement || (scope?.contains(row) ?? false));
  const next = at < 0 ? rows[by > 0 ? 0 : rows.length - 1] : rows[at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function press(el: HTMLElement): void {
  const only = el.matches('input:not([type=checkbox]), select, textarea') || (el.hasAttribute('data-key-focus') && document.activeElement !== el);
  if (only) el.focus();
  else el.click();
}

document.addEventListener('click', (event) => {
  const all = (event.target as Element).closest<HTMLElement>('[data-pick-all]');
  if (!all) return;
  const boxes = [...(all.closest('form')?.querySelectorAll<HTMLInputElement>('.tc-pick') ?? [])].filter((box) => box.checkVisibility());
  const on = boxes.some((box) => !box.checked);
  for (const box of boxes) box.checked = on;
});
// a menu closes when one goes elsewhere
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>('.tc-menu[open]')) {
    if (!(event.target as Element).closest('.tc-menu > summary') || !menu.contains(event.target as Node)) menu.open = false;
  }
});
document.addEventListener('focusin', (event) => {
  lastRow = (event.target as Element).closest('[data-keys]')?.id ?? lastRow;
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    if (isTyping(event.target)) (event.target as HTMLElement).blur();
    document.querySelector<HTMLDetailsElement>('.tc-menu[open]')?.removeAttribute('open');
  }
  if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing || isTyping(event.target)) return;
  if (document.querySelector('dialog[open]')) return;
  const key = prefix + event.key;
  prefix = '';
  const el = find(key);
  if (el) {
    event.preventDefault();
    if (!event.repeat) press(el);
  } else if (key === 'j' || key === 'k') {
    event.preventDefault();
    step(key === 'j' ? 1 : -1);
  } else if (key === '/') { // nothing to filter here: search everything
    event.preventDefault();
    document.querySelector<HTMLElement>('[data-palette]')?.click();
  } else if (key === 'g') {
    prefix = 'g ';
    clearTimeout(timer);
    timer = window.setTimeout(() => { prefix = ''; }, PREFIX_MS);
  }
});
