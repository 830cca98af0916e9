"""People with rules and hours, ladders of theirs, and pages: nouns for tests of the pure step."""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from msgspec.structs import replace

from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.ladder import Ladder, resolve
from tocsin.oncall.core.page import Stepped, new_page
from tocsin.oncall.model import (
    Hours,
    Method,
    MethodKind,
    Notification,
    NotifyRules,
    Page,
    Person,
    PersonTarget,
    Policy,
    Step,
)

T = TypeVar("T")
SPACE = UUID("00000000-0000-7000-8000-000000000000")
NIGHT = datetime(2026, 3, 3, 1, tzinfo=UTC)  # a Tuesday
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
OFFICE = (Hours(zone="UTC", weekdays=(0, 1, 2, 3, 4), start=9 * 60, end=17 * 60),)
ASLEEP = (Hours(zone="UTC", start=22 * 60, end=7 * 60),)
KINDS = (MethodKind.NTFY, MethodKind.SMS, MethodKind.EMAIL)


def id_of(name: str) -> PersonId:
    return PersonId(uuid5(SPACE, name))


def person(name: str, **notify: Any) -> Person:
    methods = tuple(Method(kind=kind, address=f"{kind}:{name}") for kind in KINDS)
    return Person(
        id=id_of(name), name=name, display_name=name, methods=methods,
        notify=NotifyRules(**notify),
    )  # fmt: skip


def ladder(
    people: list[Person], steps: list[Step], now: datetime = NOON, **policy: Any
) -> Ladder:
    values: dict[str, Any] = {"repeat": 0, "catch_all": (PersonTarget(id_of("boss")),)} | policy
    found = Policy(id=PolicyId(SPACE), name="p", steps=tuple(steps), **values)
    everybody = {one.id: one for one in [*people, person("boss")]}
    teams = {"sre": tuple(one.id for one in people)}
    return resolve(found, everybody, {}, now, teams)


def calls(*names: str, **step: Any) -> Step:
    return Step(tuple(PersonTarget(id_of(name)) for name in names), 300, **step)


def page(**values: Any) -> Page:
    made = new_page(
        page_id=PageId(SPACE),
        incident_id=IncidentId(SPACE),
        policy_id=PolicyId(SPACE),
        now=NOON,
    )
    return replace(made, **values)


def low(**values: Any) -> Page:
    return page(urgency=Urgency.LOW, **values)


def of(stepped: Stepped, kind: type[T]) -> list[T]:
    return [one for one in stepped[1] if isinstance(one, kind)]


def row(notify: effects.Notify, **values: Any) -> Notification:
    made = Notification(
        id=NotificationId(uuid5(SPACE, f"{notify.person_id}{notify.rule}{notify.method}")),
        page_id=PageId(SPACE), epoch=notify.rung.epoch, loop=notify.rung.loop,
        step=notify.rung.step, catch=notify.rung.catch, person_id=notify.person_id,
        rule=notify.rule, method=notify.method, kind=notify.kind, queued_at=NOON,
        due_at=notify.due_at, urgency=notify.urgency,
    )  # fmt: skip
    return replace(made, **values)


def ended(who: Person, failed: Notification, rows: list[Notification]) -> inputs.AttemptEnded:
    return inputs.AttemptEnded(
        notification=replace(failed, attempt_count=1), outcome=inputs.PermanentFailure("410"),
        siblings=tuple(rows), methods=KINDS, notify=who.notify,
    )  # fmt: skip
