"""The shape of PagerDuty's events, read tolerantly where its own clients are sloppy.

Wrong fields are collected and answered together, in sentences like PagerDuty's.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from tocsin.integrations import lenient_json
from tocsin.integrations.pagerduty.errors import invalid, unrecognized

BODY_MAX = 512 * 1024
SUMMARY_MAX = 1024
TEXT_MAX = 1024
DEDUP_KEY_MAX = 255
LINKS_MAX = 50
URL_MAX = 2000

_LOOSE_UTC = re.compile(r"(\+00:00|[+-]0000)Z$")  # what some clients write


class Action(StrEnum):
    """What an event asks for."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class Severity(StrEnum):
    """PagerDuty's four."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Link(Struct, frozen=True):
    """Something to open: a page, or an image."""

    href: str
    text: str = ""


class Event(Struct, frozen=True, kw_only=True):
    """One event, checked. A change has neither action, severity nor dedup key.

    `details` is what the sender put into `custom_details`; text becomes {"details": text}.
    """

    routing_key: str = ""
    action: Action = Action.TRIGGER
    dedup_key: str = ""
    summary: str = ""
    source: str = ""
    severity: Severity | None = None
    timestamp: datetime | None = None
    component: str = ""
    group: str = ""
    kind: str = ""  # PagerDuty's `class`
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)
    links: tuple[Link, ...] = ()
    images: tuple[Link, ...] = ()
    client: str = ""
    client_url: str = ""


def load(body: bytes) -> dict[str, Any]:
    """Return the object of a body. Raises EventError."""
    try:
        found = lenient_json.read(body)
    except ValueError:
        raise unrecognized() from None
    if not isinstance(found, dict):
        raise unrecognized()
    return found


def event(found: Mapping[str, Any]) -> Event:
    """Check a trigger, acknowledge or resolve. Raises EventError with all that is wrong."""
    check = _Check()
    action = check.one_of(found, "event_action", Action, needed=True)
    dedup_key = check.text(found, "dedup_key", DEDUP_KEY_MAX)
    payload = check.mapping(found, "payload", needed=action is Action.TRIGGER)
    if action is not None and action is not Action.TRIGGER and not dedup_key:
        check.wrong("'dedup_key' is missing or blank")
    is_trigger = action is Action.TRIGGER and payload is not None
    payload = payload or {}
    read = Event(
        routing_key=key_of(found),
        action=action or Action.TRIGGER,
        dedup_key=dedup_key,
        severity=check.one_of(
            payload, "severity", Severity, needed=is_trigger, where="payload."
        ),
        component=check.text(payload, "component", TEXT_MAX, where="payload."),
        group=check.text(payload, "group", TEXT_MAX, where="payload."),
        kind=check.text(payload, "class", TEXT_MAX, where="payload."),
        client=check.text(found, "client", TEXT_MAX),
        client_url=check.text(found, "client_url", URL_MAX),
        **_shared(check, found, payload, needed=is_trigger),
    )
    check.settle()
    return read


def change(found: Mapping[str, Any]) -> Event:
    """Check a change event. Raises EventError with all that is wrong."""
    check = _Check()
    payload = check.mapping(found, "payload", needed=True) or {}
    fields = _shared(check, found, payload, needed=False)
    if not fields["summary"]:
        check.wrong("'payload.summary' is missing or blank")
    check.settle()
    return Event(routing_key=key_of(found), **fields)


def _shared(
    check: "_Check", found: Mapping[str, Any], payload: Mapping[str, Any], *, needed: bool
) -> dict[str, Any]:
    where = "payload."
    return {
        "summary": check.text(payload, "summary", SUMMARY_MAX, needed=needed, where=where),
        "source": check.text(payload, "source", TEXT_MAX, needed=needed, where=where),
        "timestamp": check.instant(payload, "timestamp"),
        "details": _details(payload.get("custom_details")),
        "links": check.links(found, "links", "href", "text"),
        "images": check.links(found, "images", "src", "alt"),
    }


def key_of(found: Mapping[str, Any]) -> str:
    """Return the routing key that stands in a body, "" for none."""
    key = found.get("routing_key")
    return key.strip() if isinstance(key, str) else ""


def _details(found: object) -> dict[str, Any]:
    if isinstance(found, dict):
        return found
    return {} if found is None or found == "" else {"details": found}


def clean(text: str, length_max: int) -> str:
    """Return text that can be stored, not longer than `length_max` characters."""
    text = lenient_json.storable(text)
    return text if len(text) <= length_max else text[: length_max - 1] + "…"


class _Check:
    """Reads fields and collects what is wrong with them."""

    def __init__(self) -> None:
        self._errors: list[str] = []

    def wrong(self, sentence: str) -> None:
        self._errors.append(sentence)

    def settle(self) -> None:
        if self._errors:
            raise invalid(self._errors)

    def text(
        self,
        found: Mapping[str, Any],
        name: str,
        length_max: int,
        *,
        needed: bool = False,
        where: str = "",
    ) -> str:
        """Read text; numbers are taken as text, and what is too long is cut, save a key."""
        value = found.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is None or (isinstance(value, str) and not value.strip()):
            if needed:
                self.wrong(f"'{where}{name}' is missing or blank")
            return ""
        if not isinstance(value, str):
            self.wrong(f"'{where}{name}' must be a string")
            return ""
        if name == "dedup_key" and len(value) > length_max:
            self.wrong(f"'{name}' is longer than {length_max} characters")
            return ""
        return clean(value, length_max)

    def one_of(
        self,
        found: Mapping[str, Any],
        name: str,
        kind: Any,
        *,
        needed: bool,
        where: str = "",
    ) -> Any:
        value = found.get(name)
        if value is None or value == "":
            if needed:
                self.wrong(f"'{where}{name}' is missing or blank")
            return None
        words = tuple(str(one) for one in kind)
        if isinstance(value, str) and value.strip().lower() in words:
            return kind(value.strip().lower())
        if needed:
            self.wrong(f"'{where}{name}' is invalid (must be one of {', '.join(words)})")
        return None

    def mapping(
        self, found: Mapping[str, Any], name: str, *, needed: bool
    ) -> Mapping[str, Any] | None:
        value = found.get(name)
        if isinstance(value, dict):
            return value
        if needed:
            self.wrong(f"'{name}' is missing or blank")
        return None

    def instant(self, found: Mapping[str, Any], name: str) -> datetime | None:
        """Read a time as leniently as PagerDuty does: what is none is left out."""
        value = found.get(name)
        if not isinstance(value, str):
            return None
        text = _LOOSE_UTC.sub("Z", value.strip())
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        try:
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError:
            return None

    def links(
        self, found: Mapping[str, Any], name: str, href: str, text: str
    ) -> tuple[Link, ...]:
        """Read links; one that no browser should open is left out."""
        value = found.get(name)
        if not isinstance(value, list):
            return ()
        kept = []
        for one in value[:LINKS_MAX]:
            address = one.get(href) if isinstance(one, dict) else None
            if isinstance(address, str) and address.startswith(("https://", "http://")):
                words = one.get(text)
                kept.append(
                    Link(
                        clean(address, URL_MAX),
                        clean(words, TEXT_MAX) if isinstance(words, str) else "",
                    )
                )
        return tuple(kept)
