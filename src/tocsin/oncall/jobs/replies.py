"""Do what people write to Tocsin: find out who they are, act as them, answer in words."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Refused, Unavailable
from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import REPLIES
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.core.reply import Reply, Unclear, Verb, read
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Said

STALE = timedelta(minutes=15)
PER_MINUTE = 20
SENDERS_MAX = 10_000
log = Log("replies")

WhoIs = Callable[[Unit, MethodKind, str], Awaitable[PersonId | None]]
"""Names the person whose verified address this is."""

ActorOf = Callable[[Unit, PersonId], Awaitable[Actor | None]]
"""Says what a person may do; None: they are not a member any more."""

CHANNEL: Mapping[MethodKind, str] = {
    MethodKind.MATRIX: "Matrix",
    MethodKind.SLACK: "Slack",
    MethodKind.NTFY: "ntfy",
    MethodKind.EMAIL: "e-mail reply",
    MethodKind.SMS: "SMS",
}
"""By what somebody has acknowledged, for the timeline."""

_BY_WORD = frozenset({MethodKind.NTFY, MethodKind.EMAIL})
_BROKEN = "Something went wrong here and nothing was done; please use Tocsin itself."
_SILENT = frozenset({MethodKind.NTFY, MethodKind.EMAIL})  # strangers there are not answered


class _Course:
    """How a message fared, and whether who wrote it is known to be somebody here."""

    def __init__(self) -> None:
        self.outcome = ""
        self.is_known = False

    def end(self, outcome: str, words: str) -> str:
        self.outcome = outcome
        return words


class Replies:
    """Hears what was said and does it, with the permissions of whoever said it."""

    def __init__(self, units: Units, who: WhoIs, actor_of: ActorOf) -> None:
        self._units = units
        self._who = who
        self._actor_of = actor_of
        self._lately: dict[tuple[str, str], deque[datetime]] = {}

    async def answer(self, source: str, said: Said) -> str:
        """Act once on a message of the connection `source`; return what to say, "" for nothing.

        Raises Unavailable while the database is away: then nothing was done, and the message is
        to be handed in again.
        """
        try:
            asked = read(said.text, is_direct=said.is_direct)
        except Exception as error:  # noqa: BLE001 - door: one message must not stop those behind it
            log.error("reply.unreadable", error_kind=type(error).__name__, source=source)
            return ""
        if asked is None or not self._is_bearable(said):
            return ""
        course = _Course()
        try:
            words = await self._units.run(
                SYSTEM, lambda unit: self._act(unit, source, said, asked, course)
            )
        except Unavailable:
            raise
        except Refused as refused:
            words = course.end("refused", refused.detail)
        except Exception as error:  # noqa: BLE001 - door: one message must not stop those behind it
            log.error("reply.failed", error=error, source=source)
            words = course.end("failed", _BROKEN)
        REPLIES.labels(source, course.outcome).inc()
        log.info("reply.heard", source=source, outcome=course.outcome)
        # a mail with anybody's sender on it must not make us write to them
        return words if course.is_known or said.kind not in _SILENT else ""

    def _is_bearable(self, said: Said) -> bool:
        """Say whether this sender has said little enough in the last minute."""
        now, key = self._units.clock.now(), (said.kind.value, said.word or said.sender)
        if len(self._lately) >= SENDERS_MAX and key not in self._lately:
            self._lately.clear()
        lately = self._lately.setdefault(key, deque(maxlen=PER_MINUTE))
        if len(lately) == PER_MINUTE and now - lately[0] < timedelta(minutes=1):
            return False
        lately.append(now)
        return True

    async def _act(
        self, unit: Unit, source: str, said: Said, asked: Reply | Unclear, course: _Course
    ) -> str:
        if not await actions.note_heard(unit, source, said.id):
            return course.end("again", "")
        person_id, about = await self._whose(unit, said)
        if person_id is None:
            return course.end("stranger", _stranger(said))
        course.is_known = True
        if isinstance(asked, Unclear):
            return course.end("unclear", asked.words)
        if asked.verb is not Verb.HELP and said.at and unit.now - said.at > STALE:
            minutes = (unit.now - said.at) // timedelta(minutes=1)
            late = f"I heard that {minutes} minutes late and did nothing; say it again."
            return course.end("late", late)
        actor = await self._actor_of(unit, person_id)
        if actor is None:
            return course.end("refused", "You are not a member any more; nothing was done.")
        if said.kind is MethodKind.EMAIL and isinstance(asked, Reply):
            # who was shown the word by a forwarded mail is shown one incident, and opens no other
            asked = replace(asked, number=None, is_all=False)
        unit.actor = unit.asker = actor  # from here on the person acts, not Tocsin
        words = await actions.reply(unit, asked, about=about, channel=CHANNEL[said.kind])
        return course.end("done", words)

    async def _whose(self, unit: Unit, said: Said) -> tuple[PersonId | None, IncidentId | None]:
        """Return who says it, and the incident of the thread it was said in."""
        if said.kind not in _BY_WORD:
            about = await actions.incident_of_posted(unit, said.kind, said.about)
            return await self._who(unit, said.kind, said.sender), about
        word = await actions.use_word(unit, said.kind, said.word)
        if said.kind is MethodKind.NTFY:  # it went to this person's topic, and comes back
            return word.person_id, word.incident_id
        # anybody can write any sender on a mail: it counts only beside the word that went to them
        sender = await self._who(unit, said.kind, said.sender)
        return (sender if sender == word.person_id else None), word.incident_id


def _stranger(said: Said) -> str:
    where = CHANNEL[said.kind]
    return (
        f"I do not know whose {where} account this is, so I did nothing. Add {said.sender} to your"
        " contact methods in Tocsin, verify it there, and say it again."
    )
