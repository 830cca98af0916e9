// `<tc-push key="…">`: this browser subscribes to push; it lets itself be asked only when a button is pressed.
import { refresh } from './live';

const bytes = (text: string) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0));

/** What somebody would call this browser, from what it says of itself; they can call it otherwise later. */
function guess(): string {
  const said = navigator.userAgent;
  const kind = /iPhone|iPad/.exec(said)?.[0] ?? (/Android/.test(said) ? 'Android phone' : /Mac/.test(said) ? 'Mac' : /Windows/.test(said) ? 'Windows' : 'Linux');
  const by = /Firefox/.test(said) ? 'Firefox' : /Edg/.test(said) ? 'Edge' : /Chrome/.test(said) ? 'Chrome' : 'Safari';
  return `${kind}, ${by}`;
}

class Push extends HTMLElement {
  connectedCallback(): void {
    this.hidden = false; // without script there is nothing to press
    this.addEventListener('click', (event) => {
      if ((event.target as Element).closest('[data-subscribe]')) void this.#subscribe();
    });
    if (!('serviceWorker' in navigator && 'PushManager' in window)) this.#say(this.dataset.cannot ?? '');
  }

  async #subscribe(): Promise<void> {
    const button = this.querySelector<HTMLButtonElement>('[data-subscribe]')!;
    button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== 'granted') return this.#say('Notifications are blocked: allow them for this site in the browser.');
      await navigator.serviceWorker.register('/sw.js', { scope: '/' });
      const worker = await navigator.serviceWorker.ready;
      const found = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(this.getAttribute('key') ?? '') });
      const { endpoint, keys } = found.toJSON();
      const body = JSON.stringify({ endpoint, keys, name: guess() });
      const answer = await fetch('/api/v1/me/push', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      if (!answer.ok) return this.#say(`Not subscribed: ${((await answer.json()) as { detail?: string }).detail ?? answer.status}`);
      this.#say('This browser is subscribed. Send a test to see it.');
      refresh();
    } catch (error) {
      this.#say(`Not subscribed: ${(error as Error).message}`);
    } finally {
      button.disabled = false;
    }
  }

  #say(text: string): void {
    this.querySelector('output')?.replaceChildren(text);
  }
}

customElements.define('tc-push', Push);
