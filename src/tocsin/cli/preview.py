"""`tocsin oncall preview`: resolve schedule documents without any database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli import output
from tocsin.kernel.errors import Invalid

if TYPE_CHECKING:
    from tocsin.kernel.resources.yaml_text import Placed
    from tocsin.oncall.model import Person, Plan, Schedule

INSTANTS_MAX = 1000
DAYS_MAX = 366
WEEKS_2 = timedelta(days=14)


@click.command()
@click.option(
    "-f", "--file", "files", type=click.Path(path_type=Path), multiple=True, required=True,
    help="A YAML file, a folder, or - for standard input; repeatable.",
)  # fmt: skip
@click.option(
    "--from", "start", help="An instant, in UTC if it names no offset; now if left out."
)
@click.option("--to", "end", help="Until just before this instant; else 14 days later.")
@click.option(
    "--at", "instants", multiple=True, help="Say who has it at this instant; repeatable."
)
@click.option(
    "--read-calendars", "reads", is_flag=True,
    help="Read the calendars that layers follow; without it nobody knows who has those.",
)  # fmt: skip
@click.option(
    "--allow-networks", default="", envvar="TOCSIN_ALLOW_NETWORKS", show_envvar=True,
    help="Private networks that calendars may be in, comma-separated.",
)  # fmt: skip
@output.format_option
def preview(  # noqa: PLR0913 - its options
    *,
    files: tuple[Path, ...],
    start: str | None,
    end: str | None,
    instants: tuple[str, ...],
    reads: bool,
    allow_networks: str,
    as_json: bool | None,
) -> None:
    """Resolve schedules from files: shifts and gaps, or who has them at instants.

    Needs no server and no database. People need not be defined: their names will do. Who is
    in a calendar is matched with their documents, or with their names.
    """
    from tocsin.cli import documents, preview_calendars

    people, schedules = _compiled(documents.read(files))
    names = {one.id: one.name for one in people}
    moments = [_instant(text, "at") for text in instants[:INSTANTS_MAX]]
    begin, over = _stretch(moments, start, end)
    if over > begin + timedelta(days=DAYS_MAX) and (reads or not moments):
        raise Invalid(f"{DAYS_MAX} days at most", field="to")
    unknown = {} if reads else preview_calendars.unknown(schedules)
    if reads:
        schedules = preview_calendars.read(schedules, people, (begin, over), allow_networks)
    if moments:
        found = [_at(one, at, names) for at in moments for one in schedules]
        found = [one | {"unknown_layers": unknown.get(one["schedule"], [])} for one in found]
        output.show(found, lambda: _draw_instants(found), as_json=as_json)
        return
    plans = [_plan(one, begin, over, names) for one in schedules]
    plans = [one | {"unknown_layers": unknown.get(one["schedule"], [])} for one in plans]
    output.show(plans, lambda: _draw_plans(plans), as_json=as_json)


def _stretch(
    moments: Sequence[datetime], start: str | None, end: str | None
) -> tuple[datetime, datetime]:
    if moments:
        return min(moments), max(moments) + timedelta(minutes=1)
    begin = _instant(start, "from") if start else _now()
    over = _instant(end, "to") if end else begin + WEEKS_2
    if over <= begin:
        raise Invalid("--to comes after --from", field="to")
    return begin, over


def _compiled(placed: "Iterable[Placed]") -> "tuple[list[Person], list[Schedule]]":
    """Compile the schedules among documents; whoever they name is there."""
    from uuid import NAMESPACE_URL, uuid5

    from tocsin.kernel.resources import Kind
    from tocsin.kernel.resources.reading import read, refs, typed
    from tocsin.kernel.snapshot import Resource, Resources
    from tocsin.oncall.core.config import ScheduleSpec, schedule_refs
    from tocsin.oncall.core.config.layers import to_schedule
    from tocsin.oncall.core.local_time import use_tzdata_wheel_only

    use_tzdata_wheel_only()
    placed = list(placed)
    kind = Kind(name="Schedule", spec=ScheduleSpec, refs=schedule_refs)
    wanted = read([one.document for one in placed if one.document.kind == "Schedule"],
                  {"Schedule": kind})  # fmt: skip
    if not wanted:
        raise Invalid("there is no document of the kind Schedule", field="file")
    found = [
        Resource(uuid5(NAMESPACE_URL, one.name), "Schedule", one.name, typed(kind, one))
        for one in wanted
    ]
    named = {
        name
        for one, resource in zip(wanted, found, strict=True)
        for of, name, _ in refs(kind, resource.spec, f"Schedule/{one.name}")  # type: ignore[arg-type]
        if of == "Person"
    }
    people = _people(placed, named)
    known = Resources([*found, *(Resource(one.id, "Person", one.name, None) for one in people)])
    return people, [to_schedule(one, known) for one in found]


def _people(placed: "Iterable[Placed]", named: set[str]) -> "list[Person]":
    """Return those who are defined, and those who are only named."""
    from uuid import NAMESPACE_URL, uuid5

    from tocsin.kernel.ids import PersonId
    from tocsin.kernel.resources import Kind
    from tocsin.kernel.resources.reading import read, typed
    from tocsin.kernel.snapshot import Resource
    from tocsin.oncall.core.config import PersonSpec
    from tocsin.oncall.core.config.people import to_person
    from tocsin.oncall.core.contacts import ContactDefaultsSpec
    from tocsin.oncall.model import Person

    kind = Kind(name="Person", spec=PersonSpec)
    documents = [one.document for one in placed if one.document.kind == "Person"]
    found = []
    for one in read(documents, {"Person": kind}):
        uid = uuid5(NAMESPACE_URL, f"Person/{one.name}")
        resource = Resource(uid, "Person", one.name, typed(kind, one))
        found.append(to_person(resource, ContactDefaultsSpec()))
    known = {one.name for one in found}
    for name in sorted(named - known):
        uid = PersonId(uuid5(NAMESPACE_URL, f"Person/{name}"))
        found.append(Person(id=uid, name=name, display_name=name))
    return found


def _at(schedule: "Schedule", now: datetime, names: Mapping[Any, str]) -> dict[str, Any]:
    from tocsin.oncall.core.schedule import on_call
    from tocsin.oncall.model import Timeline

    timeline = Timeline(schedule=schedule)
    slots = {
        slot: [names[who] for who in on_call(timeline, slot, now)] for slot in schedule.slots
    }
    return {"schedule": schedule.name, "at": now, "slots": slots}


def _plan(
    schedule: "Schedule", start: datetime, end: datetime, names: Mapping[Any, str]
) -> dict[str, Any]:
    from tocsin.oncall.core.schedule import final
    from tocsin.oncall.model import Timeline

    plan: Plan = final(Timeline(schedule=schedule), start, end)
    return {
        "schedule": schedule.name,
        "zone": schedule.zone,
        "start_at": start,
        "end_at": end,
        "shifts": [
            {
                "slot": one.slot, "people": [names[who] for who in one.people],
                "start_at": one.start_at, "end_at": one.end_at, "layer": one.layer,
                "turn": one.k,
            }
            for one in plan.shifts
        ],
        "gaps": [
            {"slot": one.slot, "start_at": one.start_at, "end_at": one.end_at}
            for one in plan.gaps
        ],
    }  # fmt: skip


def _draw_instants(found: Sequence[Mapping[str, Any]]) -> None:
    output.table(
        ("at (UTC)", "schedule", "slot", "on call"),
        (
            (
                output.when(one["at"].isoformat()),
                one["schedule"],
                slot,
                ", ".join(who) or "nobody",
            )
            for one in found
            for slot, who in one["slots"].items()
        ),
    )


def _draw_plans(plans: Sequence[Mapping[str, Any]]) -> None:
    for plan in plans:
        output.heading(f"{plan['schedule']}, {plan['zone']}")
        rows = [(one, ", ".join(one["people"])) for one in plan["shifts"]]
        rows += [(one, "nobody") for one in plan["gaps"]]
        output.table(
            ("from (UTC)", "until (UTC)", "slot", "on call"),
            (
                (output.when(one["start_at"].isoformat()), output.when(one["end_at"].isoformat()),
                 one["slot"], who)
                for one, who in sorted(rows, key=lambda row: row[0]["start_at"])
            ),
        )  # fmt: skip


def _instant(text: str, field: str) -> datetime:
    from tocsin.oncall.core.local_time import typed_instant

    return typed_instant(text, "UTC", field=field)


def _now() -> datetime:
    from tocsin.kernel.clock import DatabaseClock

    return DatabaseClock().now()
