"""Heartbeats on screen: jobs that are to be heard of, how they stand, their addresses and pings."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed, Refused
from tocsin.kernel.resources import API_VERSION, Document, Metadata
from tocsin.kernel.unit import Unit
from tocsin.signals import actions as signals
from tocsin.signals import reads
from tocsin.signals.model import BeatState, Ping, PingKind
from tocsin.web.api.heartbeat_shapes import (
    HeartbeatShape,
    PingShape,
    crontab_line,
    heartbeat_detail,
    heartbeat_shape,
    ping_url,
)
from tocsin.web.api.heartbeats import BY_HAND
from tocsin.web.forms import text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.sign_in import sentence
from tocsin.web.units import AnAsking, AnyRequest, Asking

PAGE = "heartbeats"
FIELDS = ("every", "cron", "timezone", "grace", "severity", "team", "description")
SAMPLE = """\
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: nightly-backup}
spec:
  cron: 30 2 * * *
  timezone: Europe/Berlin
  grace: 1h
  labels: {service: storage}
"""
_WORDS: Mapping[BeatState, tuple[str, str]] = {
    BeatState.NEW: ("Waits for its first ping", ""),
    BeatState.UP: ("Up", "ok"),
    BeatState.LATE: ("Late", "warn"),
    BeatState.DOWN: ("Down", "crit"),
    BeatState.PAUSED: ("Paused", "info"),
}
_SAID: Mapping[PingKind, tuple[str, str, str]] = {
    PingKind.OK: ("Good run", "circle-check", "ok"),
    PingKind.START: ("Began", "play", "info"),
    PingKind.FAIL: ("Failed", "circle-x", "crit"),
}


class Row(Struct, frozen=True, kw_only=True):
    """One heartbeat, with the word for how it stands."""

    one: HeartbeatShape
    word: str
    tone: str


class PingRow(Struct, frozen=True, kw_only=True):
    """One ping in words, with an icon and a tone."""

    one: PingShape
    word: str
    icon: str
    tone: str


class How(Struct, frozen=True, kw_only=True):
    """How to ping: lines to copy."""

    curl: str
    crontab: str
    run: str


@get("/heartbeats")
async def heartbeats(asking: AnAsking, request: AnyRequest) -> Template:
    """Show every job that is to be heard of."""
    return await _listing(asking, request)


@post("/heartbeats", status_code=200)
async def create(posting: AnAsking, request: AnyRequest) -> Template:
    """Make a heartbeat with its key, and show its address, this once."""
    form = await request.form()
    typed = {name: text(form, name).strip() for name in ("name", *FIELDS)}
    store = posting.services.store
    try:
        document = _document(typed)
        await posting.run(lambda unit: store.put(unit, document, seen=0))
        key = await posting.run(lambda unit: signals.make_key(unit, typed["name"]))
    except PreconditionFailed:
        error = Conflict(f"there is a heartbeat {typed['name']!r} already", field="name")
        return await _listing(posting, request, error=error, typed=typed)
    except (Invalid, Conflict, NotFound) as refused:
        return await _listing(posting, request, error=refused, typed=typed)
    return await _detail(posting, request, typed["name"], key=key)


@get("/heartbeats/{name:str}")
async def heartbeat(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show one job: how it stands, how to ping, its newest pings."""
    return await _detail(asking, request, name)


@post("/heartbeats/{name:str}/key", status_code=200)
async def make_key(posting: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Make a key and show the address, this once."""
    key = await posting.run(lambda unit: signals.make_key(unit, name))
    return await _detail(posting, request, name, key=key)


@post("/heartbeats/{name:str}/pause", status_code=303)
async def pause(posting: AnAsking, name: FromPath[str]) -> Redirect:
    """Look after a job no more until it is resumed."""
    await posting.run(lambda unit: signals.pause(unit, name))
    return _back(name)


@post("/heartbeats/{name:str}/resume", status_code=303)
async def resume(posting: AnAsking, name: FromPath[str]) -> Redirect:
    """Look after a job again."""
    await posting.run(lambda unit: signals.resume(unit, name))
    return _back(name)


@post("/heartbeats/{name:str}/ping", status_code=303)
async def ping(posting: AnAsking, name: FromPath[str]) -> Redirect:
    """Ping by hand, as the job would after a good run."""
    one = Ping(kind=PingKind.OK, sender=BY_HAND)
    await posting.run(lambda unit: signals.ping(unit, name, one))
    return _back(name)


async def _listing(
    asking: Asking,
    request: AnyRequest,
    *,
    error: Refused | None = None,
    typed: Mapping[str, str] | None = None,
) -> Template:
    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page=PAGE, title="Heartbeats")
        found = await reads.heartbeats(unit)
        return context | {
            "rows": [row(heartbeat_shape(*one, unit.now)) for one in found],
            "can_create": unit.actor.may("resource:apply") and unit.actor.may("heartbeat:key"),
            "sample": SAMPLE,
            "say": sentence(error),
            "typed": dict(typed or {}),
        }

    context = await asking.run(read)
    status = error.status if error else 200
    return Template("heartbeats.html", context=context, status_code=status)


async def _detail(asking: Asking, request: AnyRequest, name: str, *, key: str = "") -> Template:
    base_url = asking.services.settings.base_url

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page=PAGE, title=name)
        one, standing, pings = await reads.heartbeat(unit, name)
        detail = heartbeat_detail(one, standing, pings, unit.now, base_url)
        url = ping_url(base_url, key or "KEY")
        return context | {
            "row": row(detail),
            "one": detail,
            "pings": [ping_row(ping) for ping in detail.recent],
            "how": _how(detail, url),
            "secret": url if key else "",
            "can_pause": unit.actor.may_on("heartbeat:pause", one.team),
            "can_ping": unit.actor.may_on("heartbeat:ping", one.team),
            "can_key": unit.actor.may_on("heartbeat:key", one.team),
        }

    return Template("heartbeat.html", context=await asking.run(read))


def row(one: HeartbeatShape) -> Row:
    """Show a heartbeat in a line."""
    word, tone = _WORDS[one.state]
    return Row(one=one, word=word, tone=tone)


def ping_row(one: PingShape) -> PingRow:
    """Show a ping in a line."""
    word, icon, tone = _SAID[one.kind]
    code = f" with exit code {one.exit_code}" if one.exit_code else ""
    return PingRow(one=one, word=word + code, icon=icon, tone=tone)


def _how(one: HeartbeatShape, url: str) -> How:
    return How(
        curl=f"curl -fsS -m 10 --retry 5 {url}",
        crontab=crontab_line(one, url),
        run=f"tocsin run --heartbeat {url} -- my-job",
    )


def _document(typed: Mapping[str, str]) -> Document:
    """Return what a form asks for. Raises Invalid."""
    if not typed["name"]:
        raise Invalid("name: say what the job is called", field="name")
    spec: dict[str, Any] = {name: typed[name] for name in FIELDS if typed[name]}
    if "cron" not in spec:
        spec.pop("timezone", None)
    return Document(
        api_version=API_VERSION, kind="Heartbeat", metadata=Metadata(typed["name"]), spec=spec
    )


def _back(name: str) -> Redirect:
    return Redirect(f"/heartbeats/{name}", status_code=303)


ROUTES: Final = (heartbeats, create, heartbeat, make_key, pause, resume, ping)
