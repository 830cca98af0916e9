"""Web push for journeys: a vendor's push service, somebody's phone, and its service worker."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct
from real_browser import Person
from real_tocsin import Tocsin, eventually
from typing_extensions import override

from integrations.push_browser import PushBrowser, checked_token

# Chromium asks its vendor for a subscription, whom nobody can reach here: it answers this one
VENDOR = """(found) => {
    PushManager.prototype.subscribe = async (options) => {
        if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error('refused');
        return { toJSON: () => found };
    };
}"""
# the browser tells its worker that its vendor has moved it
MOVE = """async ([fresh, old]) => {
    const event = new Event('pushsubscriptionchange');
    const work = [];
    Object.assign(event, {
        waitUntil: (one) => work.push(one),
        oldSubscription: { endpoint: old }, newSubscription: { toJSON: () => fresh },
    });
    self.dispatchEvent(event);
    await Promise.all(work);
}"""
SHOWN = """async () => {
    const worker = await navigator.serviceWorker.ready;
    return (await worker.getNotifications()).map((one) => ({
        title: one.title, body: one.body, data: one.data,
        actions: one.actions.map((action) => action.action),
    }));
}"""
# A desktop's tap cannot be made from outside, and without one no window may be opened: the worker
# hears of the tap as it would, and says which page it asks for; the test opens that one.
_TAP = """async (action) => {
    const asked = [];
    Object.defineProperty(self.clients, 'openWindow', {
        configurable: true, value: async (url) => { asked.push(url); return null; },
    });
    const [shown] = await self.registration.getNotifications();
    const event = new NotificationEvent('notificationclick', { notification: shown, action });
    const work = [];
    event.waitUntil = (one) => work.push(one);
    self.dispatchEvent(event);
    await Promise.all(work);
    return asked;
}"""


class PushService(ThreadingHTTPServer):
    """The push service of a browser's vendor, as far as one browser needs it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = PushBrowser()
        self.application_key = ""
        self.arrived: list[Any] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/send/phone"


class _Handler(BaseHTTPRequestHandler):
    server: PushService

    def do_POST(self) -> None:
        checked_token(self.headers["authorization"], self.server.application_key)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.arrived.append(json.loads(self.server.keys.decrypt(body)))
        self.send_response(201)
        self.end_headers()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Room(Struct, frozen=True, kw_only=True):
    """A server, an admin's token, a push service, a slow link, and somebody's phone."""

    tocsin: Tocsin
    token: str
    service: PushService
    base: str
    one: Person
    name: str

    def fire(self) -> str:
        """Let an alert fire for which this person is called; return the incident's reference."""
        labels = {"alertname": "HighErrorRate", "severity": "critical", "service": self.name}
        self.tocsin.fire(self.token, labels, summary="Every fourth order fails.")
        return eventually(self._about, f"an incident of {self.name}")

    def _about(self) -> str:
        for one in self.tocsin.get("/incidents", self.token)["items"]:
            if f"on {self.name}" in one["title"]:
                return str(one["reference"])
        return ""

    def hand_over(self, worker: "Worker") -> Any:
        """Give Chromium the newest message as its push service would; return what it shows."""
        pushed = eventually(lambda: self.service.arrived, "a push message")[-1]
        worker.deliver(json.dumps(pushed))
        found = eventually(lambda: self.one.page.evaluate(SHOWN), "a notification")
        return found[0]


class Worker:
    """Somebody's service worker, as the browser's own tools reach it."""

    def __init__(self, one: Person, origin: str) -> None:
        self._one = one
        self._origin = origin
        self._session = one.context.new_cdp_session(one.page)
        self._registrations: list[str] = []
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._hear)
        self._session.send("ServiceWorker.enable")

    def _hear(self, event: Any) -> None:
        self._registrations += [one["registrationId"] for one in event["registrations"]]

    def deliver(self, text: str) -> None:
        """Hand a message over, as the push service of the browser's vendor does."""
        eventually(self._known, "the worker's registration")
        self._session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self._origin, "registrationId": self._registrations[-1], "data": text},
        )

    def _known(self) -> bool:
        self._one.page.wait_for_timeout(20)
        return bool(self._registrations)

    def tap(self, action: str = "") -> list[str]:
        """Tap the notification, or one of its buttons; return the pages it asks for."""
        found: list[str] = self._one.context.service_workers[0].evaluate(_TAP, action)
        return found
