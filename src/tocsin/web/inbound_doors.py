"""The other doors of intake: PagerDuty's events and changes, and JSON webhooks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from tocsin.kernel.errors import Refused, TooMany, Unauthenticated, Unavailable
from tocsin.kernel.unit import Unit
from tocsin.signals.core.config import Integrations
from tocsin.signals.model import Slice, Unreadable
from tocsin.signals.ports import LANES
from tocsin.topology import actions as topology
from tocsin.web.identity import Caller, Lapsed
from tocsin.web.inbound_body import (
    Answer,
    Receive,
    Scope,
    bearer,
    header,
    headers_of,
    length,
    read,
)
from tocsin.web.problems import problem
from tocsin.web.services import Services

PAGERDUTY = "pagerduty.v2"
WEBHOOK = "webhook.v1"
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")

Door = Callable[[Scope, Receive, str | None], Awaitable[Answer]]


def integration_of(caller: Caller) -> str:
    """Return the name of the integration that a caller sends for."""
    return caller.integration or caller.actor.name


class Doors:
    """One function a path; each keeps all of a request before it answers, or nothing."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wire = services.pagerduty
        self.by_path: Mapping[str, Door] = {
            "/v2/enqueue": self._event,
            "/v2/change/enqueue": self._change,
            "/webhook": self._webhook,
        }

    async def caller(self, secret: str, form: str) -> Caller:
        """Return whose token it is; that one has expired stands on the screen of its integration.

        Raises Unauthenticated.
        """
        try:
            return await self._services.identity.by_token(secret)
        except Lapsed as error:
            if error.integration:
                now, status = self._services.clock.now(), error.status
                tally = self._services.intake.tally
                tally.refused(error.integration, form, status, error.detail, now)
            raise

    def admit(self, caller: Caller, size: int) -> Awaitable[None]:
        """Return when a request that says it has `size` bytes is to be read.

        Raises TooMany or Unavailable when it is not: before its body is read, so that a refusal
        costs nearly nothing.
        """
        if caller.bucket is not None and caller.bucket.is_spent():
            return self._refuse_late(caller)
        return self._services.intake.admit(integration_of(caller), size)

    async def _refuse_late(self, caller: Caller) -> None:
        await self._services.intake.hold_off()
        raise TooMany(f"token {caller.actor.name} is over its rate", retry_after_s=1)

    def note(self, caller: Caller, error: Refused | Unreadable, form: str) -> None:
        """Count a refusal, so that the screen of its integration shows it."""
        said = error.detail if isinstance(error, Refused) else _spoken(error.body)
        now = self._services.clock.now()
        name = integration_of(caller)
        self._services.intake.tally.refused(name, form, error.status, said, now)

    async def _event(self, scope: Scope, receive: Receive, key: str | None) -> Answer:
        """PagerDuty's trigger, acknowledge and resolve."""
        found, caller = await self._sender(scope, receive, key)
        try:
            self._may_send(caller)
            await self.admit(caller, length(headers_of(scope)))
            kept, answer = self._wire.event(
                found, integration=integration_of(caller), lanes=LANES
            )
            await self._keep(caller, PAGERDUTY, [kept])
        except Refused as error:
            self.note(caller, error, PAGERDUTY)
            raise self._wire.refused(error) from error
        except Unreadable as error:
            self.note(caller, error, PAGERDUTY)
            raise
        return 202, answer, (_JSON,)

    async def _change(self, scope: Scope, receive: Receive, key: str | None) -> Answer:
        """PagerDuty's change events."""
        found, caller = await self._sender(scope, receive, key)
        services, name = self._services, integration_of(caller)
        try:
            if caller.bucket is not None and not caller.bucket.take(1):
                raise TooMany(f"token {caller.actor.name} is over its rate")
            labels = services.store.current.part(Integrations).extra_labels.get(name, {})
            change = self._wire.change(
                found, integration=name, service=labels.get("service", ""),
                now=services.clock.now(),
            )  # fmt: skip

            async def record(unit: Unit) -> None:
                await topology.record_change(unit, change)

            await services.units.run(caller.actor, record)
        except Refused as error:
            self.note(caller, error, PAGERDUTY)
            raise self._wire.refused(error) from error
        except Unreadable as error:
            self.note(caller, error, PAGERDUTY)
            raise
        services.intake.tally.kept(name, PAGERDUTY, 0, services.clock.now())
        return 202, self._wire.change_accepted(), (_JSON,)

    async def _webhook(self, scope: Scope, receive: Receive, key: str | None) -> Answer:
        """Any JSON, read by the mapping of its integration."""
        services = self._services
        if scope["method"] != "POST":
            said = f"{scope['method']} is not allowed here; send POST"
            body = problem(405, "not-allowed", "Method not allowed", said)
            return 405, body, (_PROBLEM, (b"allow", b"POST"))
        headers = headers_of(scope)
        secret = bearer(headers) or key
        if not secret:
            raise Unauthenticated(
                "send `Authorization: Bearer <token>`, or use /integrations/<token>/webhook"
            )
        caller = await self.caller(secret, WEBHOOK)
        try:
            self._may_send(caller)
            await self.admit(caller, length(headers))
            body = await read(receive, services.webhook.body_max)
            async with services.db.connection() as conn:
                await services.store.refresh(conn)
            kept = services.webhook.map(body, integration=integration_of(caller), lanes=LANES)
            await self._keep(caller, WEBHOOK, kept)
        except Refused as error:
            self.note(caller, error, WEBHOOK)
            raise
        count = sum(part.count for part in kept)
        return 202, msgspec.json.encode({"status": "accepted", "signals": count}), (_JSON,)

    async def _sender(
        self, scope: Scope, receive: Receive, key: str | None
    ) -> tuple[Mapping[str, Any], Caller]:
        """Return PagerDuty's object and whose it is. Raises Unreadable."""
        if scope["method"] != "POST":
            raise self._wire.not_allowed(scope["method"])
        try:
            found = self._wire.load(await read(receive, self._wire.body_max))
            return found, await self._caller(scope, key, self._wire.key_of(found))
        except Refused as error:
            raise self._wire.refused(error) from error

    async def _caller(self, scope: Scope, key: str | None, routing_key: str) -> Caller:
        """Return whose token it is: of several that were sent, the first that is one of ours.

        Who has merely put another URL into a tool still sends PagerDuty's key in the body.
        """
        try:
            sent = bearer(headers_of(scope))
        except Unauthenticated:
            sent = None
        refused = Unauthenticated("put a token made by `tocsin token create` there")
        for secret in (key, routing_key, header(scope, b"x-routing-key"), sent):
            if secret:
                try:
                    return await self.caller(secret, PAGERDUTY)
                except Unauthenticated as error:
                    refused = error
        raise refused

    def _may_send(self, caller: Caller) -> None:
        self._services.intake.require(caller.actor)
        if "accept" not in self._services.settings.roles:
            raise Unavailable("this process does not take alerts; see TOCSIN_ROLES")

    async def _keep(self, caller: Caller, form: str, slices: Sequence[Slice]) -> None:
        """Return once all is on disk. Raises TooMany, Unavailable."""
        count = sum(part.count for part in slices)
        if caller.bucket is not None and not caller.bucket.take(max(1, count)):
            raise TooMany(f"token {caller.actor.name} is over its rate")
        await self._services.intake.accept(caller.actor, form, slices, integration_of(caller))


def _spoken(body: bytes) -> str:
    """Return what a vendor's answer says to people: its errors, else its message."""
    found = msgspec.json.decode(body)
    if isinstance(found, dict):
        errors = found.get("errors")
        return "; ".join(map(str, errors)) if errors else str(found.get("message", found))
    return str(found)
