"""All schedules of one revision as timelines, each put together when it is asked for. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace
from typing_extensions import override

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.oncall.model import (
    Layer,
    Override,
    OverrideKind,
    Person,
    Schedule,
    TemporaryShift,
    Timeline,
    Version,
)


class Timelines(Mapping[ScheduleId, Timeline]):
    """Every schedule with its versions and overrides; who is not there is absent from `now` on."""

    def __init__(
        self,
        schedules: Mapping[ScheduleId, Schedule],
        people: Mapping[PersonId, Person],
        versions: Mapping[ScheduleId, Sequence[Version]],
        overrides: Sequence[Override],
        now: datetime | None,
    ) -> None:
        self._schedules = schedules
        self._people = people
        self._versions = versions
        self._overrides = overrides
        self._now = now

    @override
    def __getitem__(self, key: ScheduleId) -> Timeline:
        schedule = self._schedules[key]
        versions = tuple(self._versions.get(key, ()))
        overrides = tuple(one for one in self._overrides if one.schedule_id in (key, None))
        said = said_in(overrides)
        if said:
            overrides = tuple(o for o in overrides if o.kind is not OverrideKind.CALENDAR)
            schedule = replace(schedule, layers=told(schedule.layers, said))
            versions = tuple(replace(one, layers=told(one.layers, said)) for one in versions)
        named = {*schedule.people, *_of_versions(versions), *_of_overrides(overrides)}
        absent = frozenset(who for who in named if not self._is_there(who))
        return Timeline(
            schedule=schedule, versions=versions, overrides=overrides, absent=absent,
            absent_from=self._now,
        )  # fmt: skip

    @override
    def __iter__(self) -> Iterator[ScheduleId]:
        return iter(self._schedules)

    @override
    def __len__(self) -> int:
        return len(self._schedules)

    def _is_there(self, who: PersonId) -> bool:
        person = self._people.get(who)
        return person is not None and person.active


def said_in(
    overrides: Sequence[Override], key: ScheduleId | None = None
) -> dict[str, tuple[TemporaryShift, ...]]:
    """Return what calendars say, by the names of the layers; of one schedule, if `key` is given."""
    return {
        one.layer: one.shifts
        for one in overrides
        if one.kind is OverrideKind.CALENDAR and key in (None, one.schedule_id)
    }


def told(
    layers: Sequence[Layer], said: Mapping[str, tuple[TemporaryShift, ...]]
) -> tuple[Layer, ...]:
    """Give layers that are read from calendars the shifts these say."""
    return tuple(
        replace(one, shifts=said[one.name]) if one.source and one.name in said else one
        for one in layers
    )


def _of_versions(versions: Sequence[Version]) -> Iterator[PersonId]:
    for version in versions:
        for layer in version.layers:
            yield from layer.people


def _of_overrides(overrides: Sequence[Override]) -> Iterator[PersonId]:
    for one in overrides:
        if one.person_id is not None:
            yield one.person_id
        for shift in one.shifts:
            yield from shift.people
