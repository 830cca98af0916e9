"""Which verb each operation of the API asks for, and so which roles may do it, as a table."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from typing_extensions import override

from fakes.things import things, trouble
from fakes.world import ACME, World, running
from tocsin.kernel.access import Role, decide
from tocsin.kernel.actor import Actor
from tocsin.web.api.describe import example, operations

pytestmark = pytest.mark.db

# answers everybody who is signed in with what is their own, or everybody
OPEN = {
    "GET /api/v1/me": "",
    "GET /api/v1/me/contacts": "",
    "POST /api/v1/links/sign-in": "token:create",
    "POST /api/v1/login": "",
    "POST /api/v1/push/received": "",  # sealed by what came with the message
    "GET /errors": "",
    "GET /health/live": "",
    "GET /health/ready": "",
    "GET /health/started": "",
    "GET /metrics": "",  # on loopback; elsewhere log:read
}


class Noting(Actor, frozen=True, kw_only=True):
    """May everything but `denied`, and remembers what was asked."""

    asked: list[str]
    denied: list[str]

    @override
    def may(self, verb: str) -> bool:
        self.asked.append(verb)
        return verb not in self.denied and super().may(verb)

    @override
    def may_on(self, verb: str, team: str | None) -> bool:
        self.asked.append(verb)
        return verb not in self.denied and super().may_on(verb, team)


def body_of(operation: dict[str, Any]) -> Any:
    """Return the example of what an operation takes."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        named = content.get("examples")
        return next(iter(named.values()))["value"] if named else content.get("example")
    return None


async def ask(
    world: World,
    method: str,
    path: str,
    operation: dict[str, Any],
    known: dict[str, list[Any]],
    shapes: dict[str, Any],
) -> httpx.Response:
    """Send an operation what its description gives as an example."""
    template = path
    sent: dict[str, Any] = {"query": {}, "header": {}}
    for one in operation.get("parameters", ()):
        name, schema = one["name"], one.get("schema", {})
        fits = (known.get(name) or [example(schema, shapes, name)])[0]
        if one["in"] == "path":
            path = path.replace(f"{{{name}}}", str(fits))
        elif one.get("required") and one["in"] in sent:
            sent[one["in"]][name] = one.get("example") or schema.get("default") or fits
    body = body_of(operation)
    if isinstance(body, dict) and "metadata" in body and "{name}" in template:
        body = body | {"kind": known["kind"][0], "metadata": {"name": known["name"][0]}}
    return await world.http.request(
        method, path, params=sent["query"], headers=sent["header"], json=body
    )


async def test_who_may_send_what_is_as_agreed(
    dsn: str, golden: Callable[[str, str], None]
) -> None:
    actor = Noting(
        kind="local", id=UUID(int=9), name="n", role=Role.SYSTEM, asked=[], denied=[]
    )
    lines = ["  ".join(["METHOD", "PATH", "verbs", *(role.value for role in Role)])]
    silent = []
    async with running(dsn, actor=actor) as world:
        await world.apply(ACME)
        await trouble(world)
        known = await things(world)
        description = (await world.http.get("/api/v1/openapi.json")).json()
        shapes = description["components"]["schemas"]
        for method, path, operation in operations(description):

            async def answered(denied: str = "") -> httpx.Response:
                actor.asked.clear()
                actor.denied[:] = [denied]
                return await ask(world, method, path, operation, known, shapes)  # noqa: B023

            label = f"{method.upper()} {path}"
            answer = await answered()
            assert answer.status_code < 500, f"{label}: {answer.text}"
            asked = sorted(set(actor.asked))
            # what is asked, but not insisted on, only changes how much is told
            verbs = [verb for verb in asked if (await answered(verb)).status_code == 403]
            if label in OPEN:
                verbs = [OPEN[label]] if OPEN[label] else []
            elif not verbs:
                silent.append(
                    f"{label} asks for no permission: {answer.status_code} {answer.text}"
                )
            marks = ["✔" if all(decide(r, v) for v in verbs) else "✘" for r in Role]
            lines.append("  ".join([label, ",".join(verbs) or "-", *marks]))
    assert not silent, "\n".join(silent)
    golden("routes.txt", "\n".join(lines) + "\n")
