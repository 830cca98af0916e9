"""What a process asks around a connection that hears replies: its lease, its place, its words."""

import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from tocsin.kernel import held_jobs
from tocsin.kernel.errors import Forbidden
from tocsin.kernel.ids import IncidentId, PageId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.delivery import Claim
from tocsin.oncall.actions.orders import UpdateMessages
from tocsin.oncall.core.standing import EDITED
from tocsin.oncall.model import MethodKind
from tocsin.oncall.store import ReplyWord

EARLIER_MAX = 20
LEASE = timedelta(seconds=20)
RESTORED = "restored"  # why paging is held after a restore, until somebody releases it
WORD_LASTS = timedelta(days=2)
HEARD_KEPT = timedelta(days=7)
_ONCE = frozenset({MethodKind.NTFY})


class AnswerParts(Struct, frozen=True, kw_only=True):
    """Ids of earlier messages about the same incident, oldest first, and a secret to answer with."""

    earlier: tuple[str, ...] = ()
    word: str = ""


async def hold_listener(unit: Unit, name: str, holder: UUID) -> str | None:
    """Take or keep a connection for a process; return where it goes on, None: it may not.

    Another process has it, or this database was restored: what it is a copy of may listen still.
    """
    unit.require("page:watch")
    held = await held_jobs.held(unit.conn)
    if held is not None and held.reason == RESTORED:
        return None
    return await store.hold_listener(unit.conn, name, holder, unit.now, unit.now + LEASE)


async def let_listener_go(unit: Unit, name: str, holder: UUID) -> None:
    """Give a connection up."""
    unit.require("page:watch")
    await store.let_listener_go(unit.conn, name, holder)


async def note_listener(unit: Unit, name: str, holder: UUID, error: str = "") -> None:
    """Note that a connection stands, or why it does not."""
    unit.require("page:watch")
    await store.note_listener(unit.conn, name, holder, unit.now, error)


async def keep_position(unit: Unit, name: str, holder: UUID, position: str) -> None:
    """Remember where a connection goes on."""
    unit.require("page:watch")
    await store.keep_position(unit.conn, name, holder, position)


async def note_heard(unit: Unit, source: str, message: str) -> bool:
    """Note that a message is acted on; False where it was before."""
    unit.require("page:watch")
    digest = sha256(message.encode("utf-8", "replace")).hexdigest()[:40]
    return await store.note_heard(unit.conn, source, digest, unit.now)


async def forget_heard(unit: Unit) -> None:
    """Forget what was heard a week ago, and secrets that have expired."""
    unit.require("page:watch")
    await store.forget_heard(unit.conn, unit.now - HEARD_KEPT)


async def make_word(
    unit: Unit, kind: MethodKind, person_id: PersonId, incident_id: IncidentId
) -> str:
    """Return a secret that leaves with a message and proves an answer to it, for two days."""
    unit.require("link:issue")
    word = secrets.token_hex(16)  # small letters and digits: some mail servers fold case
    made = ReplyWord(
        person_id=person_id, incident_id=incident_id, kind=kind,
        expires_at=unit.now + WORD_LASTS, used_at=None,
    )  # fmt: skip
    await store.add_word(unit.conn, _digest(word), made)
    return word


async def answer_parts(unit: Unit, claim: Claim, hears: Collection[MethodKind]) -> AnswerParts:
    """Return what a message takes along so that it stands in its thread and can be answered.

    `hears` are the kinds by which a word comes back.
    """
    unit.require("link:issue")
    kind, page = claim.notification.kind, claim.page
    earlier, word = [], ""
    if kind in EDITED:
        earlier = await store.posted_about(unit.conn, page.incident_id, kind, EARLIER_MAX)
    if kind in hears:
        person_id = claim.notification.person_id
        word = await make_word(unit, kind, person_id, page.incident_id)
    return AnswerParts(earlier=tuple(earlier), word=word)


async def use_word(unit: Unit, kind: MethodKind, word: str) -> ReplyWord:
    """Return for whom a secret was made. Raises Forbidden for one that is not good (any more)."""
    unit.require("link:issue")
    found = await store.use_word(unit.conn, _digest(word), unit.now)
    if found is None or found.kind != kind:
        raise Forbidden("this answer carries no word of ours")
    if found.expires_at <= unit.now:
        raise Forbidden("this answer comes too late: its word has expired")
    if found.used_at is not None and kind in _ONCE:
        raise Forbidden("this answer was given before: its word works once")
    return found


async def incident_of_posted(
    unit: Unit, kind: MethodKind, provider_ids: Sequence[str]
) -> IncidentId | None:
    """Return the incident that messages of ours are about, by what a provider calls them."""
    unit.require("page:watch")
    if not provider_ids:
        return None
    return await store.incident_of_posted(unit.conn, kind, provider_ids)


async def update_messages(unit: Unit, page_id: PageId, method: str | None = None) -> None:
    """See to it that messages of a page say how it stands now, where they can be changed.

    With `method`, only if that is a kind whose messages can, and the page is not open any more:
    a message that left while somebody acknowledged.
    """
    unit.require("page:step")
    if method is not None:
        if method not in EDITED or (await store.page_for_update(unit.conn, page_id)).is_open:
            return
    elif not await store.posted_of(unit.conn, page_id, sorted(EDITED), 1):
        return
    unit.defer(UpdateMessages(page_id=page_id), key=f"update:{page_id}")


def _digest(word: str) -> bytes:
    return sha256(word.encode("utf-8", "replace")).digest()
