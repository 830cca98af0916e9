"""An organisation in trouble, with something on every screen, and the table of its screens."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from real_tocsin import Tocsin, eventually, link_in

ACME = Path(__file__).parents[3] / "examples" / "acme"
LONG = "PersistentVolumeFillingUpInLessThanFourHoursAccordingToTheLinearPrediction"
BROKEN = "rpc error: code = Unavailable desc = connection_error_after_" + "9f86d081884c7d65" * 8
SUMMARY = "A quarter of all orders fail since the last release; customers see an error page."


def labels(service: str, **others: str) -> dict[str, str]:
    return {"alertname": "HighErrorRate", "service": service, "severity": "critical"} | others


class Acme(Struct, frozen=True, kw_only=True):
    """A server with something on every screen."""

    tocsin: Tocsin
    token: str

    def incident(self, service: str, **others: str) -> str:
        """Fire an alert and return the reference of its incident."""
        self.tocsin.fire(self.token, labels(service, **others), summary=SUMMARY)
        found = eventually(lambda: self._of(service), f"an incident of {service}")
        reference: str = found[0]["reference"]
        return reference

    def _of(self, service: str) -> list[Any]:
        items = self.tocsin.get("/incidents?status=all", self.token)["items"]
        return [item for item in items if service in item["services"]]

    def state(self, reference: str) -> str:
        """Return the state of an incident's only page."""
        state: str = self.tocsin.page_of(reference, self.token)["state"]
        return state

    def sign_in_url(self) -> str:
        """Return a fresh one-time link."""
        url: str = self.tocsin.post("/links/sign-in", self.token, {})["url"]
        return url

    def ack_link(self, reference: str) -> str:
        """Return the link in the mail about an incident."""

        def look() -> str:
            mails = list(self.tocsin.mailbox.mails)
            about = [mail for mail in mails if mail["Subject"].startswith(f"[{reference}]")]
            return link_in(about[0]) if about else ""

        return eventually(look, f"a mail about {reference}")


def in_trouble(tocsin: Tocsin) -> Acme:
    """Apply the example and let it burn: one incident calls, one is taken, one is over."""
    tocsin.cli("apply", "-f", str(ACME))
    token = tocsin.cli("token", "create", "screens", "--role", "admin")
    found = Acme(tocsin=tocsin, token=token)
    pipeline = tocsin.cli("token", "create", "pipeline", "--role", "integration")
    tocsin.change(pipeline, "checkout", "Deployed checkout 2026.11.3")
    tocsin.fire(
        token,
        *(labels("checkout", site="berlin", instance=f"checkout-{n}") for n in range(3)),
        {"alertname": LONG, "service": "checkout", "site": "berlin", "message": BROKEN},
        {"alertname": "CertificateExpiresSoon", "service": "blog", "severity": "info"},
        summary=SUMMARY,
    )
    taken, over = found.incident("search"), found.incident("mail")
    tocsin.post(f"/incidents/{taken}/acknowledge", token)
    tocsin.post(f"/incidents/{over}/resolve", token)
    return found


# Every screen by its name: the path behind which it is. A new screen is a new line here.
PATHS: dict[str, str] = {
    "now": "/",
    "incidents": "/incidents",
    "incidents-narrowed": "/incidents?status=all&severity=SEV1&q=nothing",
    "incident-form-page": "/incidents/INC-1/page",
    "incident-form-update": "/incidents/INC-1/update",
    "incident-form-resolve": "/incidents/INC-1/resolve",
    "incident-form-merge": "/incidents/INC-1/merge",
    "incident-form-split": "/incidents/INC-1/split",
    "incident-form-link": "/incidents/INC-1/link",
    "incident-form-restrict": "/incidents/INC-1/restrict",
    "declare": "/declare",
    "search": "/search?q=checkout",
    "ui-kit": "/ui-kit",
    "alerts": "/alerts",
    "oncall": "/oncall",
    "oncall-month": "/oncall?span=month",
    "oncall-me": "/oncall/me",
    "oncall-leave": "/oncall/leave",
    "schedule": "/schedules/shop",
    "schedule-override": "/schedules/shop/override",
    "schedule-swap": "/schedules/shop/swap",
    "schedule-layers": "/schedules/shop/edit",
    "schedule-new": "/schedules/new",
    "policy-edit": "/policies/default/edit",
    "policy-new": "/policies/new",
    "policy-yaml": "/policies/default/edit?view=yaml",
    "policy-delete": "/policies/default/delete",
    "inbox": "/inbox",
    "services": "/services",
    "changes": "/changes",
    "policies": "/policies",
    "assurance": "/assurance",
    "integrations": "/integrations",
    "heartbeats": "/heartbeats",
    "heartbeat": "/heartbeats/nightly-backup",
    "people": "/people",
    "tokens": "/tokens",
    "resources": "/resources",
    "account": "/account",
    "sign-in-how": "/sign-in",
}
# and those whose address is only known when the server runs
FOUND: dict[str, Callable[[Acme], str]] = {
    "link": lambda acme: acme.ack_link(_references(acme)[0]),
    "link-used": lambda acme: acme.ack_link(_references(acme)[2]),
    "sign-in": Acme.sign_in_url,
    "incident": lambda acme: _room(acme, 0),
    "incident-low": lambda acme: _room(acme, 1),
    "incident-acknowledged": lambda acme: _room(acme, 2),
    "incident-resolved": lambda acme: _room(acme, 3),
}


def screens(acme: Acme) -> Iterator[tuple[str, str]]:
    """Name every screen with its whole address."""
    for name, path in PATHS.items():
        yield name, acme.tocsin.url + path
    for name, find in FOUND.items():
        yield name, find(acme)


def _references(acme: Acme) -> list[str]:
    return [one["reference"] for one in acme.tocsin.incidents(acme.token, 4)[:4]]


def _room(acme: Acme, at: int) -> str:
    return f"{acme.tocsin.url}/incidents/{_references(acme)[at]}"
