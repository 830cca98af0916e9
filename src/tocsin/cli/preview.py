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
    from tocsin.oncall.model import Plan, Schedule

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
@output.format_option
def preview(
    *,
    files: tuple[Path, ...],
    start: str | None,
    end: str | None,
    instants: tuple[str, ...],
    as_json: bool | None,
) -> None:
    """Resolve schedules from files: shifts and gaps, or who has them at instants.

    Needs no server and no database. People need not be defined: their names will do.
    """
    from tocsin.cli import documents

    names, schedules = _compiled(documents.read(files))
    for one in schedules:
        for layer in one.layers:
            if layer.source:
                words = (
                    f"{one.name}: layer {layer.name} follows a calendar, which is not read here"
                )
                click.echo(words, err=True)
    if instants:
        found = [_at(one, _instant(text, "at"), names) for text in instants[:INSTANTS_MAX]
                 for one in schedules]  # fmt: skip
        output.show(found, lambda: _draw_instants(found), as_json=as_json)
        return
    begin = _instant(start, "from") if start else _now()
    over = _instant(end, "to") if end else begin + WEEKS_2
    if not begin < over <= begin + timedelta(days=DAYS_MAX):
        raise Invalid(f"--to comes after --from, {DAYS_MAX} days at most", field="to")
    plans = [_plan(one, begin, over, names) for one in schedules]
    output.show(plans, lambda: _draw_plans(plans), as_json=as_json)


def _compiled(placed: "Iterable[Placed]") -> "tuple[Mapping[Any, str], list[Schedule]]":
    """Compile the schedules among documents; whoever they name is there."""
    from uuid import NAMESPACE_URL, uuid5

    from tocsin.kernel.resources import Kind
    from tocsin.kernel.resources.reading import read, refs, typed
    from tocsin.kernel.snapshot import Resource, Resources
    from tocsin.oncall.core.config import ScheduleSpec, schedule_refs
    from tocsin.oncall.core.config.layers import to_schedule
    from tocsin.oncall.core.local_time import use_tzdata_wheel_only

    use_tzdata_wheel_only()
    kind = Kind(name="Schedule", spec=ScheduleSpec, refs=schedule_refs)
    wanted = read([one.document for one in placed if one.document.kind == "Schedule"],
                  {"Schedule": kind})  # fmt: skip
    if not wanted:
        raise Invalid("there is no document of the kind Schedule", field="file")
    found = [
        Resource(uuid5(NAMESPACE_URL, one.name), "Schedule", one.name, typed(kind, one))
        for one in wanted
    ]
    people = {
        name: uuid5(NAMESPACE_URL, f"Person/{name}")
        for one, resource in zip(wanted, found, strict=True)
        for of, name, _ in refs(kind, resource.spec, f"Schedule/{one.name}")  # type: ignore[arg-type]
        if of == "Person"
    }
    known = Resources(
        [*found, *(Resource(uid, "Person", n, None) for n, uid in people.items())]
    )
    return {uid: n for n, uid in people.items()}, [to_schedule(one, known) for one in found]


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
