// Live pages: one stream says *what* moved, and the page fetches again the regions that show it.
// No content travels on the stream, so the usual permission check guards every byte.
//
// A region is an element with an id and `data-live="topic …"`. It is fetched from `data-src`, or else
// from the page's own address; regions of one address share one request.
import htmx from 'htmx.org';

const GATHER_MS = 50; // one unit moves several topics at once
const PACE_MS = 500; // an alert storm must not turn every open page into a load test
const RETRY_MS = 3_000;
const SILENCE_MS = 40_000; // the server pings every 15 s
const TICK_MS = 15_000; // for `data-live=tick`: what moves without an event, such as counts of senders

const stale = new Set<string>();
let timer = 0;
let isBusy = false;
let fetchedAt = -PACE_MS;

const regions = () => [...document.querySelectorAll<HTMLElement>('[data-live][id]')];
// `data-here` beside `data-src`: a fragment of its own that follows the filters in the page's address
const addressOf = (region: HTMLElement) =>
  region.dataset.src ? region.dataset.src + ('here' in region.dataset ? location.search : '') : location.pathname + location.search;

/** Fetch again the regions that show one of `topics`; without topics, all. */
export function refresh(topics?: string[]): void {
  for (const region of regions()) {
    const shown = region.dataset.live?.split(' ') ?? [];
    if (!topics || shown.some((topic) => topics.includes(topic))) stale.add(addressOf(region));
  }
  schedule(Math.max(GATHER_MS, PACE_MS - (performance.now() - fetchedAt)));
}

function schedule(wait_ms: number): void {
  if (stale.size && !timer && !isBusy) timer = window.setTimeout(flush, wait_ms);
}

async function flush(): Promise<void> {
  const addresses = [...stale];
  stale.clear();
  timer = 0;
  isBusy = true;
  const results = await Promise.allSettled(addresses.map(fetchAgain));
  isBusy = false;
  fetchedAt = performance.now();
  let wait_ms = PACE_MS;
  results.forEach((result, at) => {
    if (result.status === 'fulfilled') return;
    stale.add(addresses[at] ?? '');
    wait_ms = RETRY_MS;
  });
  schedule(wait_ms);
}

async function fetchAgain(address: string): Promise<void> {
  const response = await fetch(address, { cache: 'no-store' });
  // signed out meanwhile: let the server lead to the sign-in page
  if (response.redirected || response.status === 401) return location.reload();
  if (response.status >= 500 || response.status === 429) throw new Error(`${address} answered ${response.status}`);
  if (!response.ok) return;
  const answer = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const region of regions().filter((one) => addressOf(one) === address)) {
    const same = answer.getElementById(region.id);
    if (same || region.dataset.src) await show(region, (same ?? answer.body).innerHTML);
  }
}

/** Morph a region, so that focus, scroll and open details stay; mark the entries that are new. */
async function show(region: HTMLElement, html: string): Promise<void> {
  const known = new Set([...region.querySelectorAll('[data-new]')].map((el) => el.id));
  const scope = document.activeElement?.closest('[data-keys]');
  await htmx.swap({ text: html, target: region, sourceElement: region, swap: 'innerMorph' });
  for (const el of region.querySelectorAll('[data-new]')) el.classList.toggle('tc-new', !known.has(el.id));
  // the button that had the focus may be gone with its action done: stay at the same row
  if (scope && document.activeElement === document.body) {
    document.getElementById(scope.id)?.querySelector<HTMLElement>('[data-row]')?.focus({ preventScroll: true });
  }
  document.dispatchEvent(new Event('tc:fresh'));
}

setInterval(() => { if (!document.hidden) refresh(['tick']); }, TICK_MS);

/** Go to an address that only shows these regions differently. A link is a step that "back" undoes; typing is not. */
function showAs(url: URL, isStep = false): void {
  if (isStep && url.href !== location.href) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  shownAt = url.pathname + url.search;
  fetchedAt = -PACE_MS;
  refresh();
}

document.addEventListener('click', (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>('a[data-here]');
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  showAs(new URL(link.href), true);
});
// back and forward: the regions follow the address, and so do the fields of the filters
let shownAt = location.pathname + location.search;
window.addEventListener('popstate', () => {
  const at = location.pathname + location.search;
  if (at === shownAt) return; // only the part behind the # is another
  shownAt = at;
  const asked = new URLSearchParams(location.search);
  for (const field of document.querySelectorAll<HTMLInputElement & HTMLSelectElement>('form[data-here] :is(input, select)')) {
    if (field.type === 'checkbox') field.checked = asked.getAll(field.name).includes(field.value);
    else if (field.type !== 'hidden') field.value = asked.get(field.name) ?? '';
    if (field.selectedIndex < 0) field.selectedIndex = 0;
  }
  fetchedAt = -PACE_MS;
  refresh();
});

function ask(form: HTMLFormElement): void {
  const url = new URL(form.action || location.href);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value) as [string, string][]).toString();
  showAs(url);
}

document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement;
  if (!form.matches('form[data-here]')) return;
  event.preventDefault();
  ask(form);
});
let typing = 0;
document.addEventListener('input', (event) => {
  const form = (event.target as Element).closest<HTMLFormElement>('form[data-here]');
  if (!form) return;
  clearTimeout(typing);
  typing = window.setTimeout(() => ask(form), 200);
});

/** The banner is from before: ask the one address that answers without the database. */
async function tellWhy(): Promise<void> {
  const found = (await (await fetch('/health/ready')).json()) as { database: string; problems: string[] };
  const banner = document.getElementById('banner');
  if (!banner || found.database === 'ok' || !found.problems[0]) return;
  const line = document.createElement('div');
  line.className = 'tc-alarm';
  line.textContent = found.problems[0];
  banner.replaceChildren(line);
}

/** `<tc-live src="/live" after="SEQ">` keeps the stream and shows whether the page is live. */
class Live extends HTMLElement {
  #stream?: EventSource;
  #watchdog = 0;
  #retry = 0;
  #seq = '';
  #hasGap = false;

  connectedCallback(): void {
    if (!this.hasAttribute('src')) return; // the UI kit shows its looks
    this.#seq = this.getAttribute('after') ?? '';
    document.addEventListener('visibilitychange', this.#open);
    window.addEventListener('pageshow', this.#wake);
    window.addEventListener('online', this.#wake);
    window.addEventListener('offline', this.#lost);
    this.#open();
  }

  /** (Re)connect; a hidden tab lets go, since a browser has six connections a host for all its tabs. */
  #open = (): void => {
    this.#close();
    if (document.hidden) {
      this.#hasGap = true;
      return;
    }
    const url = new URL(this.getAttribute('src') ?? '', location.href);
    if (this.#seq) url.searchParams.set('after', this.#seq);
    const stream = new EventSource(url);
    stream.onopen = () => {
      this.#alive();
      if (this.#hasGap) refresh();
      this.#hasGap = false;
    };
    stream.onerror = () => {
      this.#lost();
      // the browser retries a cut connection by itself, but gives up on an answer that is not 200
      if (stream.readyState !== EventSource.CLOSED) return;
      tellWhy().catch(() => undefined); // then nothing answers at all
      this.#retry = window.setTimeout(this.#open, RETRY_MS * (1 + Math.random()));
    };
    stream.addEventListener('ping', () => this.#alive());
    stream.addEventListener('moved', (event) => {
      this.#alive();
      if (event.lastEventId) this.#seq = event.lastEventId;
      refresh(event.data.split(' '));
    });
    this.#stream = stream;
  };

  #close(): void {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    this.#stream?.close();
  }

  #wake = (event: Event): void => {
    if (event.type === 'online' || (event as PageTransitionEvent).persisted) this.#open();
  };

  #alive(): void {
    this.#say('live', 'Live');
    clearTimeout(this.#watchdog);
    this.#watchdog = window.setTimeout(() => {
      this.#lost();
      this.#open();
    }, SILENCE_MS);
  }

  #lost = (): void => {
    this.#hasGap = true;
    this.#say('lost', 'Reconnecting…');
  };

  #say(state: string, text: string): void {
    if (this.dataset.state === state) return;
    this.dataset.state = state;
    this.textContent = text;
  }
}

customElements.define('tc-live', Live);
