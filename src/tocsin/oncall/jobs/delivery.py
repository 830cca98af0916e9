"""Deliver a page's messages: claim under the page's lock, send outside of it, record."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import ATTEMPTS
from tocsin.kernel.unit import Unit
from tocsin.kernel.worker import Errand
from tocsin.oncall import actions
from tocsin.oncall.actions import Claim, Deliver
from tocsin.oncall.core.message import Redaction, compose, redact, redaction
from tocsin.oncall.jobs.sending import Channels, send
from tocsin.oncall.model import Method, MethodKind, key
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure

log = Log("oncall")
SAY_BY = frozenset({MethodKind.NTFY, MethodKind.APPRISE, MethodKind.INBOX})

IssueLink = Callable[[Unit, PersonId, PageId], Awaitable[str]]
"""Makes a one-time acknowledge link for a person and a page; returns its URL."""

RolesOf = Callable[[Unit, PersonId], Awaitable[Sequence[str]]]
"""Names, as `role:responder`, under which a person may see what is restricted."""


class _Ready(Struct, frozen=True):
    claim: Claim
    link: str
    roles: Sequence[str]


async def _no_roles(_unit: Unit, _person_id: PersonId) -> Sequence[str]:
    return ()


class Delivery:
    """Sends pages. The channels and the link maker are ports, filled by `app.py`."""

    def __init__(
        self,
        channels: Channels,
        issue_link: IssueLink,
        base_url: str,
        roles_of: RolesOf = _no_roles,
    ) -> None:
        self._channels = channels
        self._issue_link = issue_link
        self._base_url = base_url
        self._roles_of = roles_of

    async def deliver(self, errand: Errand, job: Deliver) -> None:
        """Claim, send, record.

        If we die between the send and the record, it is sent again under the same key: that
        is the one window in which a person is told twice. A process that was stopped between
        claim and send for longer than its lease does not send.
        """
        outgoing: list[_Ready] = []

        async def begin(unit: Unit) -> None:
            outgoing.clear()
            await errand.hold(unit)
            claim = await actions.claim(unit, job.notification_id)
            if claim is None:
                await errand.done(unit)
                return
            person_id = claim.notification.person_id
            link = await self._issue_link(unit, person_id, claim.page.id)
            is_restricted = claim.page.visible_to is not None
            roles = await self._roles_of(unit, person_id) if is_restricted else ()
            outgoing.append(_Ready(claim, link, roles))

        await errand.units.run(SYSTEM, begin)
        for ready in outgoing:
            claim = ready.claim
            await errand.still_held()
            outcome, show = await self._send(ready)
            ATTEMPTS.labels(claim.notification.kind, type(outcome).__name__).inc()
            log.info(
                "attempt.ended", page_id=claim.page.id, key=key(claim.notification),
                attempt=claim.notification.attempt_count, outcome=type(outcome).__name__,
            )  # fmt: skip
            await self._record(errand, claim, outcome, show)

    async def _record(self, errand: Errand, claim: Claim, outcome: Outcome, show: str) -> None:
        async def end(unit: Unit) -> None:
            retry = await actions.attempt_ended(unit, claim.notification, outcome, show)
            if retry is None:
                await errand.done(unit)
            else:
                await errand.again(unit, retry.due_at)

        await errand.units.run(SYSTEM, end)

    async def _send(self, ready: _Ready) -> tuple[Outcome, str]:
        claim, method = ready.claim, ready.claim.method
        if method is None:
            gone = "the person or the method is not configured any more"
            return PermanentFailure(gone), ""
        allowed = redaction(claim.page, method, claim.notification, ready.roles)
        message = self._message(ready, method, allowed)
        return await send(self._channels, method, message), allowed.show

    def _message(self, ready: _Ready, method: Method, allowed: Redaction) -> Outgoing:
        claim = ready.claim
        reference = f"INC-{claim.brief.number}"
        url = f"{self._base_url}/incidents/{reference}"
        # the link says by what it was sent, so that the timeline can say by what it was used
        link = ready.link
        if method.kind in SAY_BY:
            link = f"{link}?via={method.kind}"
        message = compose(
            redact(claim.brief, allowed), claim.page, claim.notification,
            ack_url=link, incident_url=url,
        )  # fmt: skip
        return Outgoing(
            to=method.address, subject=message.subject, text=message.text,
            key=key(claim.notification), thread=str(claim.page.incident_id),
            incident=reference, link=url, ack_link=link, secret=method.secret,
            priority=method.priority,
        )  # fmt: skip
