// The web inbox in every open tab: a badge, and for who asked for it a sound and the browser's own notification.
// A hidden tab lets go of its live stream, so it asks every 15 s; a visible one asks whenever the page was refreshed.

interface Newest { id: string; title: string; reference: string; url: string; ack_path: string | null; ringing: boolean }
interface Unseen { count: number; items: Newest[] }

const ASK_MS = 15_000;
const SOUND = 'inbox-sound';
const RUNG = 'inbox-rung'; // ids that this browser has rung for, whichever tab it was
const KEPT = 50;

/** The sound needs a gesture of the person in this tab; until then the browser keeps it silent. */
let audio: AudioContext | undefined;

function unlock(): void {
  if (localStorage.getItem(SOUND) !== 'on') return;
  audio ??= new AudioContext();
  void audio.resume();
}

/** Two rising tones, twice: heard across a room, and nobody's ring tone. */
function ring(): void {
  if (!audio || audio.state !== 'running' || localStorage.getItem(SOUND) !== 'on') return;
  [660, 880, 660, 880].forEach((pitch, at) => {
    const start = audio!.currentTime + at * 0.22;
    const tone = audio!.createOscillator();
    const volume = audio!.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.2);
    tone.connect(volume).connect(audio!.destination);
    tone.start(start);
    tone.stop(start + 0.2);
  });
}

async function notify(item: Newest): Promise<void> {
  if (!('serviceWorker' in navigator) || !('Notification' in window) || Notification.permission !== 'granted') return;
  const worker = await navigator.serviceWorker.ready;
  const actions = [...(item.ack_path ? [{ action: 'acknowledge', title: 'Acknowledge' }] : []), { action: 'open', title: 'Open' }];
  await worker.showNotification(item.title || 'Somebody must answer', {
    body: item.reference, tag: item.id, requireInteraction: item.ringing, data: { url: item.url, ack: item.ack_path }, actions,
  } as NotificationOptions);
}

/** `<tc-inbox src="/inbox/unseen">` is the badge in the side bar. */
class Inbox extends HTMLElement {
  #timer = 0;
  #at = -ASK_MS;

  connectedCallback(): void {
    document.addEventListener('tc:fresh', this.#soon);
    document.addEventListener('visibilitychange', this.#soon);
    document.addEventListener('pointerdown', unlock);
    document.addEventListener('keydown', unlock);
    if ('serviceWorker' in navigator && 'Notification' in window && Notification.permission === 'granted') void register();
    void this.#ask();
  }

  disconnectedCallback(): void {
    clearTimeout(this.#timer);
    document.removeEventListener('tc:fresh', this.#soon);
    document.removeEventListener('visibilitychange', this.#soon);
  }

  /** A burst of refreshes is one question. */
  #soon = (): void => {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), Math.max(100, this.#at + 1_000 - performance.now()));
  };

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#at = performance.now();
    this.#timer = window.setTimeout(() => void this.#ask(), ASK_MS);
    try {
      const answer = await fetch(this.getAttribute('src') ?? '', { cache: 'no-store' });
      if (answer.ok && !answer.redirected) this.#show((await answer.json()) as Unseen);
    } catch { /* the page says already that it is not live; the next question comes */ }
  }

  #show({ count, items }: Unseen): void {
    const text = count > 99 ? '99+' : String(count);
    if (this.dataset.count !== text) {
      this.dataset.count = text;
      this.replaceChildren();
      if (count) {
        const badge = Object.assign(document.createElement('b'), { className: 'tc-count', textContent: text });
        badge.append(Object.assign(document.createElement('span'), { className: 'tc-sr', textContent: ' unread' }));
        badge.dataset.tone = items.some((item) => item.ringing) ? 'crit' : '';
        this.append(badge);
      }
    }
    const rung = new Set<string>(JSON.parse(localStorage.getItem(RUNG) ?? '[]') as string[]);
    const fresh = items.filter((item) => item.ringing && !rung.has(item.id));
    if (!fresh.length) return;
    localStorage.setItem(RUNG, JSON.stringify([...fresh.map((item) => item.id), ...rung].slice(0, KEPT)));
    ring();
    for (const item of fresh) void notify(item);
  }
}

const register = () => navigator.serviceWorker.register('/sw.js', { scope: '/' });

/** `<tc-inbox-settings>`: the buttons that ask; a browser lets itself be asked only when one is pressed. */
class Settings extends HTMLElement {
  connectedCallback(): void {
    this.hidden = false; // without script there is nothing to set
    this.addEventListener('click', (event) => void this.#press(event.target as Element));
    this.#draw();
  }

  async #press(target: Element): Promise<void> {
    if (target.closest('[data-sound]')) {
      localStorage.setItem(SOUND, localStorage.getItem(SOUND) === 'on' ? 'off' : 'on');
      unlock();
      window.setTimeout(ring, 50);
    } else if (target.closest('[data-notify]')) {
      if (!('serviceWorker' in navigator) || !('Notification' in window)) return this.#say('This browser has no notifications here; they need HTTPS.');
      if ((await Notification.requestPermission()) === 'granted') await register();
    }
    this.#draw();
  }

  #draw(): void {
    const sound = this.querySelector<HTMLElement>('[data-sound]');
    const isOn = localStorage.getItem(SOUND) === 'on';
    sound?.setAttribute('aria-pressed', String(isOn));
    sound?.querySelector('span')?.replaceChildren(isOn ? 'Sound is on' : 'Sound is off');
    const asked = 'Notification' in window ? Notification.permission : 'default';
    const button = this.querySelector<HTMLButtonElement>('[data-notify]');
    if (button) button.disabled = asked !== 'default';
    button?.querySelector('span')?.replaceChildren(asked === 'granted' ? 'Notifications are on' : 'Allow notifications');
    if (asked === 'denied') this.#say('Notifications are blocked: allow them for this site in the browser.');
  }

  #say(text: string): void {
    this.querySelector('output')?.replaceChildren(text);
  }
}

customElements.define('tc-inbox', Inbox);
customElements.define('tc-inbox-settings', Settings);
