// The service worker: shows nothing by itself and caches nothing; it answers a tap on a notification.
// The path it posts to is a one-time link's, which is the authorization: no cookie goes with it.

interface Told { url: string; ack: string | null }

// typed by hand: the DOM's and the worker's declarations cannot be loaded together
interface Client { url: string; focus(): Promise<Client> }
interface Tap extends Event { action: string; notification: Notification & { data: Told }; waitUntil(work: Promise<unknown>): void }
const worker = globalThis as unknown as {
  addEventListener(kind: string, hear: (event: Tap) => void): void;
  skipWaiting(): Promise<void>;
  registration: { showNotification(title: string, options: NotificationOptions): Promise<void> };
  clients: { claim(): Promise<void>; matchAll(wanted: object): Promise<Client[]>; openWindow(url: string): Promise<Client | null> };
};

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(answer(event.action, event.notification.data));
});

async function answer(action: string, told: Told): Promise<void> {
  if (action === 'acknowledge' && told.ack) await acknowledge(told.ack);
  // a tab that shows something else stays as it is: somebody may have typed half a note there
  const open = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const same = open.find((one) => new URL(one.url).pathname === told.url);
  await (same ? same.focus() : worker.clients.openWindow(told.url));
}

async function acknowledge(path: string): Promise<void> {
  const answered = await fetch(path, { method: 'POST', credentials: 'omit' }).catch(() => undefined);
  if (answered?.ok) return;
  // the person believes it is done, so it must be said that it is not
  await worker.registration.showNotification('Not acknowledged', { body: 'Tocsin did not take it. Open it and try again.' });
}
