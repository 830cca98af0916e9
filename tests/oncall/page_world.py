"""The real page machine over the tiny tables of the model: effects in, rows out."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid5

from msgspec.structs import replace
from page_tables import DOWN, Org, Row, TinyDb
from typing_extensions import override

from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.effects import (
    Effect,
    MethodFailed,
    MethodSent,
    Notify,
    PullForward,
    Retry,
    SetTimer,
    Unpageable,
)
from tocsin.oncall.core.fence import silenced
from tocsin.oncall.core.inputs import (
    AckExpired,
    Acknowledge,
    AttemptEnded,
    CatchDue,
    Escalate,
    HandBack,
    Input,
    OpeningDue,
    Outcome,
    PermanentFailure,
    Raise,
    Reassign,
    Resolve,
    Retrigger,
    Sent,
    Snooze,
    SnoozeOver,
    StepDue,
    TransientFailure,
    Trigger,
    Unconfirmed,
)
from tocsin.oncall.core.ladder import Ladder, resolve
from tocsin.oncall.core.page import new_page, step
from tocsin.oncall.model import (
    Method,
    MethodKind,
    Notification,
    NotificationState,
    Page,
    Person,
    PersonTarget,
    Policy,
    RungKey,
    Step,
    TimerKind,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
T = TypeVar("T")
SPACE = UUID("00000000-0000-7000-8000-000000000000")
KINDS = (MethodKind.EMAIL, MethodKind.WEBHOOK)


def person_id(name: str) -> PersonId:
    return PersonId(uuid5(SPACE, name))


def ladder_of(org: Org, now: int = 0, assigned: str = "") -> Ladder:
    """What the real resolver makes of the organisation."""

    def targets(names: list[str] | tuple[str, ...]) -> tuple[PersonTarget, ...]:
        return tuple(PersonTarget(person_id(name)) for name in names)

    people = [
        Person(
            id=person_id(name),
            name=name,
            display_name=name.title(),
            methods=tuple(
                Method(kind=KINDS[i % 2], address=f"{name}{i}@example.org") for i in range(n)
            ),
        )
        for name, n in org.methods.items()
    ]
    policy = Policy(
        id=PolicyId(SPACE),
        name="payments",
        steps=tuple(
            Step(
                targets(one.names), one.timeout, Urgency.HIGH if one.urgent else None, one.turns
            )
            for one in org.rungs(assigned)
        ),
        repeat=org.repeat,
        catch_all=targets(org.catch_all),
        catch_every_s=org.catch_every,
        ack_timeout_s=org.ack_timeout,
    )
    found = resolve(policy, {person.id: person for person in people}, {}, NOON)
    is_closed = now < org.opens_at
    return replace(
        found, opens_at=NOON + timedelta(seconds=org.opens_at) if is_closed else None
    )


class World(TinyDb):
    """Loads, lets `step` decide, saves: what the actions do on PostgreSQL."""

    def __init__(
        self, org: Org, mutant: str = "", maybe_crash: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(org, mutant, maybe_crash)
        self.page: Page = new_page(
            page_id=PageId(SPACE),
            incident_id=IncidentId(SPACE),
            policy_id=PolicyId(SPACE),
            now=NOON,
        )
        self.page = replace(
            self.page, urgency=Urgency.LOW if org.low else Urgency.HIGH, ticket=org.ticket
        )
        self.log: list[tuple[int, Effect]] = []

    def feed(self, happened: Input, now: int) -> tuple[Effect, ...]:
        """One transaction."""
        self.page, effects = step(self.page, happened, NOON + timedelta(seconds=now))
        assert effects, "every step says what it did, or why it did nothing"
        for effect in effects:
            self.log.append((now, effect))
            self.carry_out(effect)
        return effects

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case Notify():
                self.enqueue(
                    _rung(effect.rung), self.name(effect.person_id), effect.method,
                    urgent=effect.urgency is Urgency.HIGH,
                )  # fmt: skip
            case SetTimer(kind, due_at, epoch):
                self.timer(kind, _seconds(due_at), epoch)
            case PullForward(kind, due_at, epoch):
                self.pull(kind, _seconds(due_at), epoch)
            case Retry():
                row = self.row(effect.notification_id)
                row.state, row.not_before = "queued", _seconds(effect.due_at)
            case MethodSent():
                self.row(effect.notification_id).state = "sent"
            case MethodFailed():
                self.row(effect.notification_id).state = "failed"
            case Unpageable():
                self.alarms += 1
            case _:
                pass

    def name(self, one: PersonId) -> str:
        return next(name for name in self.org.methods if person_id(name) == one)

    def row(self, notification_id: NotificationId) -> Row:
        return next(row for row in self.rows if _notification(row).id == notification_id)

    @override
    def head(self) -> tuple[object, ...]:
        page = self.page
        return (
            str(page.state), page.epoch, page.loop, page.step, page.catch,
            page.retriggers, page.unpageable, page.urgency is Urgency.HIGH,
        )  # fmt: skip

    def ladder(self, now: int) -> Ladder:
        """Say whom the page reaches now: before the policy whom it was handed to."""
        target = self.page.assigned
        to = self.name(target.person) if isinstance(target, PersonTarget) else ""
        return ladder_of(self.org, now, to)

    @override
    def on_trigger(self, now: int) -> None:
        self.feed(Trigger(self.ladder(now)), now)

    @override
    def on_due(self, kind: str, epoch: int, now: int) -> None:
        ladder = self.ladder(now)
        match TimerKind(kind):
            case TimerKind.STEP:
                self.feed(StepDue(epoch, ladder), now)
            case TimerKind.CATCH:
                self.feed(CatchDue(epoch, ladder), now)
            case TimerKind.ACK_TIMEOUT:
                self.feed(AckExpired(epoch, ladder), now)
            case TimerKind.SNOOZE:
                self.feed(SnoozeOver(epoch, ladder), now)
            case TimerKind.OPENING:
                self.feed(OpeningDue(epoch, ladder), now)

    @override
    def is_fenced(self, row: Row) -> bool:
        return silenced(self.page, _notification(row)) is not None

    @override
    def on_end(
        self, row: Row, outcome: str, now: int, seen: Sequence[Row] | None = None
    ) -> None:
        seen = self.of_rung(row) if seen is None else seen
        outcomes: dict[str, Outcome] = {
            "sent": Sent(),
            "transient": TransientFailure("451 try later"),
            "permanent": PermanentFailure("550 no such mailbox"),
            "unconfirmed": Unconfirmed(),
            **{
                word: TransientFailure("left alone", retry_after_s=wait_s, skipped=True)
                for word, wait_s in DOWN.items()
            },
        }
        ended = AttemptEnded(
            notification=_notification(row),
            outcome=outcomes[outcome],
            siblings=tuple(map(_notification, seen)),
            methods=tuple(KINDS[i % 2] for i in range(self.org.methods[row.user])),
            skipped_count=row.skipped,
        )
        row.skipped += outcome in DOWN
        self.feed(ended, now)

    @override
    def ack(self, who: str, now: int) -> None:
        self.feed(Acknowledge(person_id(who), self.org.ack_timeout), now)

    @override
    def resolve(self, now: int) -> None:
        self.feed(Resolve(), now)

    @override
    def escalate(self, who: str, now: int) -> None:
        self.feed(Escalate(person_id(who), self.ladder(now)), now)

    @override
    def snooze(self, who: str, until: int, now: int) -> None:
        self.feed(Snooze(person_id(who), NOON + timedelta(seconds=until)), now)

    @override
    def hand_back(self, who: str, now: int) -> None:
        self.feed(HandBack(person_id(who), self.ladder(now)), now)

    @override
    def retrigger(self, now: int) -> None:
        self.feed(Retrigger(ladder_of(self.org, now), self.page.urgency), now)

    @override
    def reassign(self, to: str, now: int) -> None:
        happened = Reassign(
            by=None, ladder=ladder_of(self.org, now, to), target=PersonTarget(person_id(to)),
            policy_id=self.page.policy_id, asked_person=None, ticket=self.page.ticket,
        )  # fmt: skip
        self.feed(happened, now)

    @override
    def make_urgent(self, now: int) -> None:
        self.feed(Raise(self.ladder(now)), now)


def two_steps() -> Org:
    return Org(
        steps=[(["ana"], 300), (["ben", "cy"], 600)],
        methods={"ana": 2, "ben": 1, "cy": 1, "boss": 1},
        repeat=0,
        catch_every=600,
        ack_timeout=1800,
    )


def triggered(org: Org) -> World:
    world = World(org)
    world.on_trigger(0)
    return world


def facts(world: World, kind: type[T]) -> list[T]:
    return [effect for _, effect in world.log if isinstance(effect, kind)]


def wait(world: World) -> int:
    """Let the next pending timer of this epoch come due; return its instant."""
    timer = next(
        t for t in sorted(world.timers, key=lambda t: t.due)
        if not t.done and t.epoch == world.page.epoch
    )  # fmt: skip
    world.fire(timer, timer.due)
    return timer.due


def deliver(world: World, user: str, outcome: str, now: int = 0) -> None:
    row = next(r for r in world.rows if r.user == user and r.state in ("queued", "sending"))
    assert world.claim(row, now)
    world.on_end(row, outcome, now)


def _notification(row: Row) -> Notification:
    epoch, loop, at, catch = row.rung
    return Notification(
        id=NotificationId(uuid5(SPACE, repr(row.key))),
        page_id=PageId(SPACE),
        epoch=epoch,
        loop=loop,
        step=at,
        catch=catch,
        person_id=person_id(row.user),
        method=row.method,
        kind=KINDS[row.method % 2],
        state=NotificationState(row.state),
        attempt_count=row.attempts,
        queued_at=NOON,
        again_at=NOON + timedelta(seconds=row.not_before) if row.attempts else None,
        urgency=Urgency.HIGH if row.urgent else Urgency.LOW,
    )


def _rung(rung: RungKey) -> tuple[int, int, int, int]:
    return (rung.epoch, rung.loop, rung.step, rung.catch)


def _seconds(at: datetime) -> int:
    return int((at - NOON).total_seconds())
