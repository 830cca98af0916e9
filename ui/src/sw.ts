// The service worker: shows what is pushed to this browser, and answers a tap on a notification; it caches nothing.
// The path it posts to is a one-time link's, which is the authorization: no cookie goes with it.

interface Told { url: string; ack: string | null; tag?: string }
interface Pushed extends Told { title: string; body: string; tag: string; event: string; device: string; key: string; receipt: string; seal: string }

// typed by hand: the DOM's and the worker's declarations cannot be loaded together
interface Client { url: string; focus(): Promise<Client> }
interface Tap extends Event {
  action: string; notification: Notification & { data: Told }; waitUntil(work: Promise<unknown>): void;
  data?: { json(): Pushed }; oldSubscription?: PushSubscription | null; newSubscription?: PushSubscription | null;
}
const worker = globalThis as unknown as {
  addEventListener(kind: string, hear: (event: Tap) => void): void;
  skipWaiting(): Promise<void>;
  registration: { showNotification(title: string, options: object): Promise<void>; pushManager: PushManager };
  clients: { claim(): Promise<void>; matchAll(wanted: object): Promise<Client[]>; openWindow(url: string): Promise<Client | null> };
};
const JSON_BODY = { 'content-type': 'application/json' };

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('push', (event) => event.waitUntil(show(event.data?.json())));
worker.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew(event)));
worker.addEventListener('notificationclick', (event) => {
  const told = event.notification.data;
  if (event.action === 'acknowledge' && told.ack) return event.waitUntil(acknowledge(event.notification, told.ack));
  event.notification.close();
  // a tap on a page leads to its button; "Open" leads to the incident, for who is signed in
  event.waitUntil(open(told.tag && told.ack && event.action !== 'open' ? told.ack : told.url));
});

/** A browser takes its push back from who shows nothing, so what cannot be read is said as well. */
async function show(pushed: Pushed | undefined): Promise<void> {
  if (!pushed) return worker.registration.showNotification('Tocsin calls you', { data: { url: '/', ack: null } });
  const isPage = pushed.event === 'page';
  const actions = [...(pushed.ack ? [{ action: 'acknowledge', title: 'Acknowledge' }] : []), { action: 'open', title: 'Open' }];
  const { title, body, tag, url, ack, device, key, receipt, seal } = pushed;
  await worker.registration.showNotification(title, {
    body, tag, actions, renotify: true, requireInteraction: isPage, vibrate: isPage ? [400, 200, 400, 200, 400] : [200],
    data: { url: url || '/', ack: ack || null, tag },
  });
  // so that Tocsin knows: without it the next method follows
  const said = JSON.stringify({ device, key, receipt, seal });
  await fetch('/api/v1/push/received', { method: 'POST', credentials: 'omit', headers: JSON_BODY, body: said }).catch(() => undefined);
}

async function open(url: string): Promise<void> {
  // a tab that shows something else stays as it is: somebody may have typed half a note there
  const opened = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const same = opened.find((one) => new URL(one.url).pathname === new URL(url, location.origin).pathname);
  await (same ? same.focus() : worker.clients.openWindow(url));
}

/** The notification itself says what came of it, in its own place. */
async function acknowledge(told: Notification & { data: Told }, path: string): Promise<void> {
  const answered = await fetch(path, { method: 'POST', credentials: 'omit' }).catch(() => undefined);
  const { tag, data: { url } } = told;
  const data = { url, ack: null };
  if (!tag || !answered?.ok) told.close();
  if (answered?.ok) {
    await worker.registration.showNotification('You have it', { body: told.title, tag, data, silent: true });
    return;
  }
  // the person believes it is done, so it must be said that it is not
  await worker.registration.showNotification('Not acknowledged', {
    body: 'Tocsin did not take it. Open it and try again.', tag, renotify: Boolean(tag), data: { url: path, ack: null },
  });
}

/** The browser's vendor has given it another address. */
async function renew({ oldSubscription, newSubscription }: Tap): Promise<void> {
  const options = oldSubscription?.options;
  const fresh = newSubscription ?? (options && (await worker.registration.pushManager.subscribe(options)));
  if (!fresh) return;
  const { endpoint, keys } = fresh.toJSON();
  const body = JSON.stringify({ endpoint, keys, name: 'renewed browser', ...(oldSubscription && { replaces: oldSubscription.endpoint }) });
  await fetch('/api/v1/me/push', { method: 'POST', headers: JSON_BODY, body });
}
