"""One page of a policy that nobody answers, as people read it: who, when, by what. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from tocsin.kernel.durations import written
from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.assurance import Simulated, SimulatedCall
from tocsin.oncall.core.assurance.simulating import SimulatedTell, written_step
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import MethodKind, Policy, Target
from tocsin.web.ladders import missing_words
from tocsin.web.targets import TargetWord, target_word

_BY = {MethodKind.EMAIL: "e-mail", MethodKind.SMS: "SMS", MethodKind.VOICE: "call"}
_ROUND_ROBIN = "one in turn"


class Told(Struct, frozen=True, kw_only=True):
    """Somebody who is told, and by what: "push, then call after 2m"."""

    name: str
    by: str
    wakes: bool


class Call(Struct, frozen=True, kw_only=True):
    """One rung at its instant; `when` is its clock in UTC, `title` names the step.

    `note` says what else there is to know, `targets` whom the step names.
    """

    at: datetime
    when: str
    title: str
    people: tuple[Told, ...]
    targets: tuple[TargetWord, ...]
    note: str
    warnings: tuple[str, ...]


class Walk(Struct, frozen=True, kw_only=True):
    """The first round of a page and its catch-all; `again` says what comes between."""

    at: datetime
    lead: str
    today: str
    calls: tuple[Call, ...]
    again: str
    catch_all: Call | None
    every: str


def walk(page: Simulated, policy: Policy, directory: Directory, now: datetime) -> Walk:
    """Show a page from its alert to the first call of the catch-all."""
    steps = {written_step(policy, at): step for at, step in enumerate(policy.steps)}
    telling = _Telling(directory, page.at)
    first = [one for one in page.calls if one.step and one.round == 1]
    calls = []
    for at, one in enumerate(first):
        again = at > 0 and first[at - 1].step == one.step and not first[at - 1].held_until
        step = steps[one.step]
        note = _ROUND_ROBIN if step.round_robin else ""
        title = f"Step {one.step}{', again' if again else ''}"
        calls.append(telling.call(one, title, step.targets, note))
    last = next((one for one in page.calls if not one.step), None)
    rounds = policy.repeat + 1
    return Walk(
        at=page.at, lead=_lead(page.at, now), calls=tuple(calls), today=_names(calls),
        again=f"again from the top, {rounds} rounds in all" if rounds > 1 else "",
        catch_all=telling.call(last, "Catch-all", policy.catch_all, "")
        if last and policy.catch_all
        else None,
        every=written(policy.catch_every_s),
    )  # fmt: skip


def _lead(at: datetime, now: datetime) -> str:
    return "Today this pages" if at == now else f"On {at:%a %-d %b, %H:%M} UTC this pages"


def _names(calls: Sequence[Call]) -> str:
    named = [" and ".join(one.name for one in call.people) or "nobody" for call in calls]
    return ", then ".join(named) or "nobody"


class _Telling(Struct, frozen=True):
    directory: Directory
    begun_at: datetime

    def call(self, one: SimulatedCall, title: str, named: Iterable[Target], note: str) -> Call:
        missing = tuple(missing_words(each, self.directory) for each in one.missing)
        if one.held_until:
            why = f", because of {one.holiday}" if one.holiday else ""
            note = f"held until {self._clock(one.held_until)}{why}"
        return Call(
            at=one.at, when=self._clock(one.at), title=title, note=note, warnings=missing,
            people=tuple(self._people(one)),
            targets=tuple(target_word(each, self.directory) for each in named),
        )  # fmt: skip

    def _people(self, one: SimulatedCall) -> Iterator[Told]:
        by_person: dict[PersonId, list[SimulatedTell]] = {}
        for tell in one.tells:
            by_person.setdefault(tell.person_id, []).append(tell)
        for person_id, tells in by_person.items():
            yield Told(
                name=self.directory.name_of(person_id), by=_by(tells, one.at),
                wakes=any(tell.wakes for tell in tells),
            )  # fmt: skip

    def _clock(self, at: datetime) -> str:
        is_same_day = at.date() == self.begun_at.date()
        return f"{at:%H:%M}" if is_same_day else f"{at:%a %H:%M}"


def _by(tells: Iterable[SimulatedTell], called_at: datetime) -> str:
    said = []
    last = called_at
    for tell in sorted(tells, key=lambda one: one.at):
        word = _BY.get(tell.kind, str(tell.kind))
        after_s = int((tell.at - called_at).total_seconds())
        later = f" after {written(after_s)}" if tell.at != last else ""
        said.append(f"{word}{later}")
        last = tell.at
    return ", then ".join(said)
