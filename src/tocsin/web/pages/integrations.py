"""Integrations: who sends, how they fare, and a box to try a mapping in."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources import API_VERSION, Document, Metadata
from tocsin.kernel.resources.yaml_text import parse, write
from tocsin.kernel.unit import Unit
from tocsin.signals import actions as signals
from tocsin.signals.core.config import Integrations, IntegrationSpec
from tocsin.signals.model import IntegrationType
from tocsin.web.api.integration_shapes import (
    IntegrationDetail,
    IntegrationShape,
    MistakeShape,
    TriedShape,
    all_integrations,
    curl,
    one_integration,
    tried_shape,
)
from tocsin.web.forms import text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

FORM_MAX = 256 * 1024
SPARK_WIDTH, SPARK_HEIGHT = 120, 24
EXAMPLE_SPEC = """\
apiVersion: tocsin/v1
kind: Integration
metadata: {name: my-sender}
spec:
  type: webhook
  mapping:
    dedupKey: item.id
    firing: item.state == "alerting"
    labels:
      alertname: item.title
      service: '"checkout"'
    severity: item.level
    summary: item.message
"""
EXAMPLE_PAYLOAD = """\
{"id": 7, "title": "Checkout is slow", "state": "alerting",
 "level": "critical", "message": "p99 is 4 s"}
"""


class Row(Struct, frozen=True, kw_only=True):
    """One sender in the list, with the line of its last hour."""

    one: IntegrationShape
    word: str
    tone: str
    spark: str
    last_hour: int


class Box(Struct, frozen=True, kw_only=True):
    """The try-it box: what was written into it, and what came of it."""

    spec: str
    payload: str
    tried: TriedShape | None = None


@get("/integrations")
async def integrations(asking: AnAsking, request: AnyRequest) -> Template:
    """Show every sender that is described or was heard of."""
    return await _listing(asking, request, None)


@get("/integrations/{name:str}")
async def integration(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show one sender: how it fares, how to send, its newest errors."""
    return await _detail(asking, request, name, None)


@post("/integrations", status_code=200)
async def try_here(posting: AnAsking, request: AnyRequest) -> Template:
    """Try what stands in the box of the list."""
    return await _listing(posting, request, await _tried(posting, request))


@post("/integrations/{name:str}", status_code=200)
async def try_there(posting: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Try what stands in the box of one sender."""
    return await _detail(posting, request, name, await _tried(posting, request))


async def _listing(asking: AnAsking, request: AnyRequest, box: Box | None) -> Template:
    base_url = asking.services.settings.base_url

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="integrations", title="Integrations")
        found = [row(one) for one in await all_integrations(unit)]
        return context | {
            "rows": found,
            "curl": curl(IntegrationType.ALERTMANAGER, base_url),
            "can_try": unit.actor.may("integration:try"),
            "box": box or Box(spec=EXAMPLE_SPEC, payload=EXAMPLE_PAYLOAD),
            "action": "/integrations",
        }

    return Template("integrations.html", context=await asking.run(read))


async def _detail(
    asking: AnAsking, request: AnyRequest, name: str, box: Box | None
) -> Template:
    base_url = asking.services.settings.base_url

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="integrations", title=name)
        found = await one_integration(unit, name, base_url)
        return context | {
            "row": row(found),
            "one": found,
            "can_try": unit.actor.may("integration:try"),
            "box": box or Box(spec=_written(unit, found), payload=EXAMPLE_PAYLOAD),
            "action": f"/integrations/{name}",
        }

    return Template("integration.html", context=await asking.run(read))


async def _tried(asking: AnAsking, request: AnyRequest) -> Box:
    form = await request.form()
    spec, payload = text(form, "spec"), text(form, "payload")

    async def act(unit: Unit) -> TriedShape:
        if len(spec) + len(payload) > FORM_MAX:
            raise Invalid(f"more than {FORM_MAX} characters; use `tocsin integration try`")
        tried = await signals.try_out(
            unit, asking.services.webhook, _spec(spec), payload.encode("utf-8", "replace")
        )
        return tried_shape(tried, unit.now)

    try:
        return Box(spec=spec, payload=payload, tried=await asking.run(act))
    except Invalid as error:
        mistakes = (MistakeShape("spec", error.detail),)
        return Box(spec=spec, payload=payload, tried=TriedShape(signals=(), mistakes=mistakes))


def _spec(text: str) -> IntegrationSpec:
    """Read the document of the box. Raises Invalid, naming line, field and cure."""
    found = [one for one in parse("line", text) if one.document.kind == "Integration"]
    if len(found) != 1:
        raise Invalid("write one document of kind Integration", field="spec")
    try:
        return msgspec.convert(found[0].document.spec, IntegrationSpec)
    except msgspec.ValidationError as error:
        raise Invalid(f"spec: {error}", field="spec") from error


def _written(unit: Unit, one: IntegrationDetail) -> str:
    """Write what is known of a sender as the box shows it at first."""
    mapping = unit.config(Integrations).mappings.get(one.name)
    kind = one.type or IntegrationType.WEBHOOK
    if mapping is None and kind is IntegrationType.WEBHOOK:
        return EXAMPLE_SPEC.replace("my-sender", one.name)
    spec: dict[str, Any] = {"type": str(kind)}
    if one.labels:
        spec["labels"] = one.labels
    if mapping is not None:
        written = msgspec.to_builtins(mapping)
        spec["mapping"] = {name: value for name, value in written.items() if value}
    document = Document(
        api_version=API_VERSION, kind="Integration", metadata=Metadata(one.name), spec=spec
    )
    return write([document])


def row(one: IntegrationShape) -> Row:
    """Show a sender in a line: the word for how it is, and its last hour."""
    word, tone = _state(one)
    return Row(
        one=one,
        word=word,
        tone=tone,
        spark=spark(one.per_minute),
        last_hour=sum(one.per_minute),
    )


def _state(one: IntegrationShape) -> tuple[str, str]:
    if one.last_message_at is None and one.last_error_at is None:
        return "Waiting for its first message", ""
    if one.ails:
        return "Refused", "crit"
    if any(one.refused_per_minute):
        return "Some refused", "warn"
    return "Receiving", "ok"


def spark(counts: Sequence[int]) -> str:
    """Draw counts as the points of an SVG polyline, the highest at the top."""
    highest = max(counts, default=0) or 1
    step = SPARK_WIDTH / max(1, len(counts) - 1)
    return " ".join(
        f"{at * step:.1f},{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * count / highest:.1f}"
        for at, count in enumerate(counts)
    )


ROUTES: Final = (integrations, integration, try_here, try_there)
