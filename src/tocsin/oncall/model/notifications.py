"""Messages of pages to people, and tests that people send to themselves."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import NotificationId, PageId, PersonId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.model.pages import RungKey
from tocsin.oncall.model.people import MethodKind, Show


class NotificationState(StrEnum):
    """SUPPRESSED: fenced off, or overtaken by a later call. FOLDED: just told that very way."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    FOLDED = "folded"


class Notification(Struct, frozen=True, kw_only=True):
    """One message of a page to one person by one method; many attempts may stand under it.

    `method` indexes the person's methods. `attempt_count` counts claims, so it includes the
    attempt under way. `rule` is the person's own notification rule, counted from 0; it is due
    at `due_at` (None: when it was queued). Messages that left as one carry the `bundle` of the
    one they left with. `tried_at` is when its last attempt began, `again_at` when one that is
    queued again has its next.
    """

    id: NotificationId
    page_id: PageId
    epoch: int
    loop: int
    step: int
    catch: int
    person_id: PersonId
    rule: int = 0
    method: int
    kind: MethodKind
    state: NotificationState = NotificationState.QUEUED
    attempt_count: int = 0
    queued_at: datetime
    due_at: datetime | None = None
    urgency: Urgency = Urgency.HIGH
    bundle: NotificationId | None = None
    tried_at: datetime | None = None
    again_at: datetime | None = None

    @property
    def rung(self) -> RungKey:
        """Name the rung on whose behalf the person is told."""
        return RungKey(epoch=self.epoch, loop=self.loop, step=self.step, catch=self.catch)


class ContactTest(Struct, frozen=True, kw_only=True):
    """An attempt without a page: a message that a person sends to themselves.

    `outcome` is sent, transient or permanent; None: under way, or the process died.
    """

    id: UUID
    person_id: PersonId
    method: int
    kind: MethodKind
    show: Show
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    provider_id: str = ""
    error: str = ""
    fingerprint: str = ""
    seen_at: datetime | None = None


def key(notification: Notification) -> str:
    """Return the idempotency key: the same for every attempt, unlike that of any other row."""
    n = notification
    rung = f"c{n.catch}" if n.catch else f"s{n.step}"
    return f"{n.page_id}/e{n.epoch}/l{n.loop}/{rung}/{n.person_id}/r{n.rule}/m{n.method}"
