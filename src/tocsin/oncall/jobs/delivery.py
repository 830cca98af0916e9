"""Deliver a page's messages: claim under the page's lock, send outside of it, record."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errand import Errand
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import ATTEMPTS
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import actions
from tocsin.oncall.actions import AnswerParts, Claim, Deliver, Gathering
from tocsin.oncall.core.bundle_text import Item, compose_bundle
from tocsin.oncall.core.message import Redaction, compose, redact, redaction
from tocsin.oncall.core.standing import CHAT, EDITED
from tocsin.oncall.jobs.sending import (
    Channels,
    Elsewhere,
    ForAnother,
    nowhere,
    require_here,
    send,
)
from tocsin.oncall.model import Method, MethodKind, key
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, TransientFailure

log = Log("oncall")
SAY_BY = frozenset(
    {
        MethodKind.NTFY, MethodKind.APPRISE, MethodKind.INBOX, MethodKind.PUSH, MethodKind.SMS,
        MethodKind.MATTERMOST, MethodKind.TEAMS,
    }
)  # fmt: skip
CHAT_ACK = "write !ack"

IssueLink = Callable[[Unit, PersonId, PageId], Awaitable[str]]
"""Makes a one-time acknowledge link for a person and a page; returns its URL."""

RolesOf = Callable[[Unit, PersonId], Awaitable[Sequence[str]]]
"""Names, as `role:responder`, under which a person may see what is restricted."""


class _Ready(Struct, frozen=True):
    claim: Claim
    link: str
    roles: Sequence[str]
    parts: AnswerParts = AnswerParts()
    others: tuple["_Ready", ...] = ()


def _counted_as(outcome: Outcome) -> str:
    """Name an outcome for who watches: where nobody was asked, nothing has failed."""
    is_skipped = isinstance(outcome, TransientFailure) and outcome.skipped
    return "Skipped" if is_skipped else type(outcome).__name__


LOW_PRIORITY = 3  # ntfy's default: no sound that cuts through


def _priority(claim: Claim) -> int | None:
    every = (claim, *claim.others)
    is_low = all(one.notification.urgency is Urgency.LOW for one in every)
    return LOW_PRIORITY if is_low else None


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
        hears: Collection[MethodKind] = (),
        elsewhere: Elsewhere = nowhere,
    ) -> None:
        """`hears` are the kinds whose messages can be answered by a word that comes back.

        What has no channel here and has one `elsewhere` is left to that process.
        """
        self._elsewhere = elsewhere
        self._channels = channels
        self._issue_link = issue_link
        self._base_url = base_url
        self._roles_of = roles_of
        self._hears = hears

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
            elif isinstance(claim, Gathering):
                await errand.again(unit, claim.until)
            else:
                if claim.method is not None:
                    kind = claim.method.kind
                    await require_here(unit, self._channels, kind, self._elsewhere)
                outgoing.append(await self._ready(unit, claim))

        try:
            await errand.units.run(SYSTEM, begin)
        except ForAnother as kind:  # the claim is undone with its unit
            ATTEMPTS.labels(str(kind), "Skipped").inc()
            await errand.pass_on()
            return
        for ready in outgoing:
            claim = ready.claim
            await errand.still_held()
            log.debug(
                "attempt.begins", page_id=claim.page.id, key=key(claim.notification),
                method=claim.notification.kind, attempt=claim.notification.attempt_count,
            )  # fmt: skip
            outcome, shown = await self._send(ready)
            ended = _counted_as(outcome)
            ATTEMPTS.labels(claim.notification.kind, ended).inc()
            log.info(
                "attempt.ended", page_id=claim.page.id, key=key(claim.notification),
                attempt=claim.notification.attempt_count, outcome=ended,
                pages=1 + len(claim.others),
            )  # fmt: skip
            await self._record(errand, claim, outcome, shown)

    async def _ready(self, unit: Unit, claim: Claim) -> _Ready:
        person_id = claim.notification.person_id
        parts = await actions.answer_parts(unit, claim, self._hears)
        # where others read along no link may stand that acts as this person, and in the inbox
        # nothing leaves at all
        is_bare = claim.notification.kind in (*CHAT, MethodKind.INBOX)
        link = "" if is_bare else await self._issue_link(unit, person_id, claim.page.id)
        is_restricted = claim.page.visible_to is not None
        roles = await self._roles_of(unit, person_id) if is_restricted else ()
        others = [await self._ready(unit, other) for other in claim.others]
        return _Ready(claim, link, roles, parts, tuple(others))

    async def _record(
        self, errand: Errand, claim: Claim, outcome: Outcome, shown: Sequence[str]
    ) -> None:
        # pages are locked in one order, or two messages could wait for each other
        ended = sorted(
            zip((claim, *claim.others), shown, strict=True), key=lambda one: one[0].page.id
        )

        async def end(unit: Unit) -> None:
            again_at = []
            for one, show in ended:
                retry = await actions.attempt_ended(unit, one.notification, outcome, show)
                again_at += [retry.due_at] if retry else []
            if claim.method is not None:
                person_id = claim.notification.person_id
                await actions.note_delivery(unit, person_id, claim.method, outcome)
            if not again_at:
                await errand.done(unit)
            else:
                await errand.again(unit, min(again_at))

        await errand.save(end, None if claim.others else claim.page.id)

    async def _send(self, ready: _Ready) -> tuple[Outcome, list[str]]:
        """Send it; also return how much of each page's text left."""
        method, every = ready.claim.method, (ready, *ready.others)
        if method is None:
            gone = "the person or the method is not configured any more"
            return PermanentFailure(gone), [""] * len(every)
        allowed = [
            redaction(one.claim.page, method, one.claim.notification, one.roles)
            for one in every
        ]
        message = self._message(ready, method, allowed[0])
        if ready.others:
            message = self._bundle(message, every, allowed)
        return await send(self._channels, method, message), [one.show for one in allowed]

    def _bundle(
        self, first: Outgoing, every: Sequence[_Ready], allowed: Sequence[Redaction]
    ) -> Outgoing:
        """Make one message of several pages; its own button acknowledges all of them."""
        items = [
            Item(redact(one.claim.brief, may), one.link)
            for one, may in zip(every, allowed, strict=True)
        ]
        sign = "&" if "?" in first.ack_link else "?"
        lead = every[0].claim.notification
        all_link = f"{first.ack_link}{sign}all={lead.bundle or lead.id}"
        inbox = f"{self._base_url}/inbox"
        message = compose_bundle(items, all_url=all_link, inbox_url=inbox)
        return replace(
            first, subject=message.subject, text=message.text, link=inbox, ack_link=all_link,
            word="",
        )  # fmt: skip

    def _message(self, ready: _Ready, method: Method, allowed: Redaction) -> Outgoing:
        claim = ready.claim
        reference = f"INC-{claim.brief.number}"
        url = f"{self._base_url}/incidents/{reference}"
        # the link says by what it was sent, so that the timeline can say by what it was used
        link = ready.link
        if link and method.kind in SAY_BY:
            link = f"{link}?via={method.kind}"
        message = compose(
            redact(claim.brief, allowed), claim.page, claim.notification,
            ack_url=link or (CHAT_ACK if method.kind in EDITED else url), incident_url=url,
        )  # fmt: skip
        return Outgoing(
            to=method.address, subject=message.subject, text=message.text,
            key=key(claim.notification), thread=str(claim.page.incident_id),
            incident=reference, link=url, ack_link=link, secret=method.secret,
            receipt=f"{claim.notification.id}/{claim.notification.attempt_count}",
            priority=method.priority or _priority(claim), earlier=ready.parts.earlier,
            word=ready.parts.word,
        )  # fmt: skip
