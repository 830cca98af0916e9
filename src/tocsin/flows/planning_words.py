"""The sentences of a plan: what is told of one subject is told of all that change alike. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from tocsin.kernel.ids import PersonId

NAMED_MAX = 4  # subjects that one sentence names
WEEK = timedelta(days=7)
Name = Callable[[PersonId], str]


class Span(Struct, frozen=True, kw_only=True):
    """Who is called first in [start_at, end_at), before (None: there was no such thing) and after."""

    start_at: datetime
    end_at: datetime
    before: frozenset[PersonId] | None
    after: frozenset[PersonId]


class Change(Struct, frozen=True, kw_only=True):
    """One service, route or policy over time; `is_quiet`: it is not meant to page anybody."""

    subject: str
    spans: tuple[Span, ...]
    zone: str
    is_quiet: bool


class OffCall(Struct, frozen=True, kw_only=True):
    """People who have no more turns on a schedule."""

    schedule: str
    zone: str
    people: frozenset[PersonId]


class _Told(Struct, frozen=True):
    """A sentence without its subject, for one subject and for many."""

    one: str
    many: str


class _Clock(Struct, frozen=True):
    """How instants are spelled: `now` is when the plan is read."""

    now: datetime

    def since(self, at: datetime, zone: str) -> str:
        return "from now on" if at <= self.now else f"from {self.at(at, zone)}"

    def at(self, at: datetime, zone: str) -> str:
        local = at.astimezone(ZoneInfo(zone))
        day = "" if at - self.now < WEEK else f" {local.day} {local:%B}"
        return f"{local:%A}{day} {local:%H:%M} ({zone})"


def sentences(
    changes: Sequence[Change],
    off_call: Sequence[OffCall],
    *,
    name: Name,
    now: datetime,
    starts_at: datetime,
) -> list[str]:
    """Say what changes, warnings first."""
    clock = _Clock(now)
    warned = {one.subject: gap for one in changes if (gap := _gap(one)) is not None}
    gaps = [(one.subject, _nobody(one, warned[one.subject], clock)) for one in changes
            if one.subject in warned]  # fmt: skip
    moves = [
        (one.subject, told)
        for one in changes
        if (first := _first_difference(one)) is not None
        and not (one.subject in warned and warned[one.subject][0].start_at <= first.start_at)
        and (told := _pages(one, first, clock, name)) is not None
    ]
    return [*_warnings(gaps), *_merged(moves), *_gone(off_call, name, clock, starts_at)]


def _first_difference(change: Change) -> Span | None:
    return next((span for span in change.spans if span.before != span.after), None)


def _gap(change: Change) -> tuple[Span, datetime | None] | None:
    """Return where nobody is called any more, and until when; None: that does not happen."""
    if change.is_quiet:
        return None
    spans = iter(change.spans)
    begin = next((s for s in spans if not s.after and (s.before is None or s.before)), None)
    if begin is None:
        return None
    end = next((span.start_at for span in spans if span.after), None)
    return begin, end


def _nobody(change: Change, gap: tuple[Span, datetime | None], clock: _Clock) -> str:
    begin, end = gap
    until = f" until {clock.at(end, change.zone)}" if end else ""
    return f"{clock.since(begin.start_at, change.zone)}{until}"


def _warnings(gaps: Iterable[tuple[str, str]]) -> Iterator[str]:
    alike: dict[str, list[str]] = {}
    for subject, when in gaps:
        alike.setdefault(when, []).append(subject)
    for when, subjects in alike.items():
        yield f"nobody is paged for {_subjects(subjects)} {when}"


def _pages(change: Change, span: Span, clock: _Clock, name: Name) -> _Told | None:
    since = clock.since(span.start_at, change.zone)
    before, after = span.before, span.after
    if before is None:
        who = _people(after, name)
        return _Told(f"pages {who} {since}", f"page {who} {since}") if after else None
    gained, lost = _people(after - before, name), _people(before - after, name)
    if change.is_quiet:
        why = f"nobody instead of {lost} {since}: low urgency"
        return _Told(f"pages {why}", f"page {why}")
    if not before:
        said = f"{gained} {since}, where nobody was paged"
        return _Told(f"pages {said}", f"page {said}")
    if after > before:
        return _Told(f"also pages {gained} {since}", f"also page {gained} {since}")
    if after < before:
        return _Told(f"no longer pages {lost} {since}", f"no longer page {lost} {since}")
    said = f"{gained} instead of {lost} {since}"
    return _Told(f"pages {said}", f"page {said}")


def _merged(moves: Iterable[tuple[str, _Told]]) -> Iterator[str]:
    alike: dict[_Told, list[str]] = {}
    for subject, told in moves:
        alike.setdefault(told, []).append(subject)
    for told, subjects in alike.items():
        distinct = list(dict.fromkeys(subjects))
        yield f"{_subjects(distinct)} {told.one if len(distinct) == 1 else told.many}"


def _gone(
    off_call: Iterable[OffCall], name: Name, clock: _Clock, starts_at: datetime
) -> Iterator[str]:
    for one in off_call:
        since = "" if starts_at <= clock.now else f" {clock.since(starts_at, one.zone)}"
        for who in sorted(name(person) for person in one.people):
            yield f"{who} is no longer on call for {one.schedule}{since}"


def _subjects(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - NAMED_MAX
    if more > 0:
        return f"{', '.join(distinct[:NAMED_MAX])} and {more} more"
    return _listed(distinct)


def _people(people: Iterable[PersonId], name: Name) -> str:
    return _listed(sorted(name(one) for one in people))


def _listed(words: Sequence[str]) -> str:
    if not words:
        return "nobody"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
