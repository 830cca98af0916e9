// Custom elements start themselves wherever a page or a refreshed region inserts them.

const pad = (value: number) => String(value).padStart(2, '0');

/** A duration by its two largest units, which nobody takes for a time of day: 51s, 7m 03s, 2h 11m, 2d 04h. */
function durationText(seconds: number): string {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days}d ${pad(hours)}h`;
  if (hours) return `${hours}h ${pad(minutes)}m`;
  return minutes ? `${minutes}m ${pad(seconds % 60)}s` : `${seconds}s`;
}

/** `<tc-elapsed since="ISO">` counts up; `<tc-elapsed until="ISO">` counts down and then says "now"; `lead` and `tail` stand around. */
class Elapsed extends HTMLElement {
  #timer = 0;

  connectedCallback(): void {
    this.#tick();
    this.#timer = window.setInterval(() => this.#tick(), 1_000);
  }

  disconnectedCallback(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const since = this.getAttribute('since');
    const ms = since ? Date.now() - Date.parse(since) : Date.parse(this.getAttribute('until') ?? '') - Date.now();
    const part = (name: string) => this.getAttribute(name) ?? '';
    const text = !since && ms <= 0 ? 'now' : part('lead') + durationText(Math.max(0, Math.floor(ms / 1_000))) + part('tail');
    if (this.textContent !== text) this.textContent = text;
  }
}

/** `<tc-filter for="ID">` hides the `[data-item]` rows of a region whose text lacks the typed words. */
class Filter extends HTMLElement {
  #again = () => this.#apply();

  connectedCallback(): void {
    this.hidden = false; // without script it would do nothing, so it is not shown
    this.addEventListener('input', this.#again);
    document.addEventListener('tc:fresh', this.#again);
  }

  disconnectedCallback(): void {
    document.removeEventListener('tc:fresh', this.#again);
  }

  #apply(): void {
    const words = (this.querySelector('input')?.value ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...document.querySelectorAll<HTMLElement>(`#${this.getAttribute('for')} [data-item]`)];
    for (const row of rows) {
      const text = (row.textContent ?? '').toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const count = this.querySelector('output');
    if (count) count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : '';
  }
}

customElements.define('tc-elapsed', Elapsed);
customElements.define('tc-filter', Filter);
