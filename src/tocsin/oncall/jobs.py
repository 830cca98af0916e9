"""What on-call does outside a transaction: deliver a message, call the last resort."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import ATTEMPTS, UNPAGEABLE
from tocsin.kernel.unit import Unit
from tocsin.kernel.worker import Errand
from tocsin.oncall import actions
from tocsin.oncall.actions import CallLastResort, Claim, Deliver
from tocsin.oncall.core.message import compose
from tocsin.oncall.model import Method, MethodKind, key
from tocsin.oncall.ports import (
    Channel,
    Outcome,
    Outgoing,
    PermanentFailure,
    Sent,
    TransientFailure,
)

log = Log("oncall")
LAST_RESORT_AGAIN = timedelta(minutes=1)

IssueLink = Callable[[Unit, PersonId, PageId], Awaitable[str]]
"""Makes a one-time acknowledge link for a person and a page; returns its URL."""


class Delivery:
    """Sends pages. The channels and the link maker are ports, filled by `app.py`."""

    def __init__(
        self,
        channels: Mapping[MethodKind, Channel],
        last_resort: Sequence[tuple[str, Channel]],
        issue_link: IssueLink,
        base_url: str,
    ) -> None:
        self._channels = channels
        self._last_resort = last_resort
        self._issue_link = issue_link
        self._base_url = base_url

    async def deliver(self, errand: Errand, job: Deliver) -> None:
        """Claim, send, record.

        If we die between the send and the record, it is sent again under the same key: that
        is the one window in which a person is told twice.
        """
        outgoing: list[tuple[Claim, str]] = []

        async def begin(unit: Unit) -> None:
            outgoing.clear()
            await errand.hold(unit)
            claim = await actions.claim(unit, job.notification_id)
            if claim is None:
                await errand.done(unit)
                return
            link = await self._issue_link(unit, claim.notification.person_id, claim.page.id)
            outgoing.append((claim, link))

        await errand.units.run(SYSTEM, begin)
        for claim, link in outgoing:
            outcome = await self._send(claim, link)
            ATTEMPTS.labels(claim.notification.kind, type(outcome).__name__).inc()
            log.info(
                "attempt.ended", page_id=claim.page.id, key=key(claim.notification),
                attempt=claim.notification.attempt_count, outcome=type(outcome).__name__,
            )  # fmt: skip
            await self._record(errand, claim, outcome)

    async def _record(self, errand: Errand, claim: Claim, outcome: Outcome) -> None:
        async def end(unit: Unit) -> None:
            retry = await actions.attempt_ended(unit, claim.notification, outcome)
            if retry is None:
                await errand.done(unit)
            else:
                await errand.again(unit, retry.due_at)

        await errand.units.run(SYSTEM, end)

    async def _send(self, claim: Claim, link: str) -> Outcome:
        if claim.method is None:
            return PermanentFailure("the person or the method is not configured any more")
        channel = self._channels.get(claim.method.kind)
        if channel is None:
            return PermanentFailure(
                f"no {claim.method.kind} is set up here; see TOCSIN_SMTP_URL in the settings"
            )
        try:
            return await channel.send(self._message(claim, claim.method, link))
        except Exception as error:  # noqa: BLE001 - door: a channel's bug must not cost the next method
            log.error("channel.failed", error=error, method=claim.method.kind)
            return TransientFailure(
                f"{type(error).__name__} in the {claim.method.kind} channel"
            )

    def _message(self, claim: Claim, method: Method, link: str) -> Outgoing:
        reference = f"INC-{claim.brief.number}"
        url = f"{self._base_url}/incidents/{reference}"
        message = compose(
            claim.brief, claim.page, claim.notification, ack_url=link, incident_url=url
        )
        return Outgoing(
            to=method.address, subject=message.subject, text=message.text,
            key=key(claim.notification), thread=str(claim.page.incident_id),
            incident=reference, link=url, ack_link=link, secret=method.secret,
        )  # fmt: skip

    async def call_last_resort(self, errand: Errand, job: CallLastResort) -> None:
        """Tell every static contact, again every minute until at least one was told."""
        due: list[bool] = []

        async def begin(unit: Unit) -> None:
            await errand.hold(unit)
            due[:] = [await actions.last_resort_is_due(unit, job)]
            if not due[0]:
                await errand.done(unit)

        await errand.units.run(SYSTEM, begin)
        if not due[0]:
            return
        UNPAGEABLE.inc()
        log.error("page.unpageable", page_id=job.page_id, reason=job.reason)
        told = failed = 0
        for address, channel in self._last_resort:
            if await self._tell(address, channel, job):
                told += 1
            else:
                failed += 1

        async def end(unit: Unit) -> None:
            reached = await actions.last_resort_called(
                unit, job.page_id, told=told, failed=failed
            )
            if reached:
                await errand.done(unit)
            else:
                await errand.again(unit, unit.now + LAST_RESORT_AGAIN)

        await errand.units.run(SYSTEM, end)

    async def _tell(self, address: str, channel: Channel, job: CallLastResort) -> bool:
        message = Outgoing(
            to=address, subject="UNPAGEABLE: a Tocsin page reaches nobody",
            text=f"Page {job.page_id}: {job.reason.replace('_', ' ')}.\n"
            f"Look at {self._base_url}/ and call somebody.\n",
            key=f"{job.page_id}/e{job.epoch}/last-resort/{job.reason}", event="unpageable",
            link=self._base_url,
        )  # fmt: skip
        try:
            outcome = await channel.send(message)
        except Exception as error:  # noqa: BLE001 - door: one contact's failure must not cost the next
            log.error("last_resort.failed", error=error)
            return False
        match outcome:
            case Sent():
                return True
            case TransientFailure(reason) | PermanentFailure(reason):
                log.error("last_resort.failed", reason=reason)
                return False
