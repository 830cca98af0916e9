"""What the calendars say that layers follow, read for a preview that has no database."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid

if TYPE_CHECKING:
    from tocsin.integrations.ical.read import Calendars
    from tocsin.oncall.model import Layer, Person, Schedule


def unknown(schedules: "Sequence[Schedule]") -> dict[str, list[str]]:
    """Return the layers whose shifts stand in calendars, by schedule; say so on standard error."""
    found = {
        schedule.name: [one.name for one in schedule.layers if one.source]
        for schedule in schedules
    }
    for schedule, layers in found.items():
        for name in layers:
            click.echo(
                f"{schedule}: layer {name} follows a calendar: who has it is not known here, and"
                " all of this is without it; --read-calendars reads it",
                err=True,
            )
    return found


def read(
    schedules: "Sequence[Schedule]",
    people: "Sequence[Person]",
    stretch: tuple[datetime, datetime],
    allow_networks: str,
) -> "list[Schedule]":
    """Read the calendars that schedules follow, from outside of our own networks.

    What is left out is said on standard error. Raises Invalid, Unavailable, TooLarge.
    """
    from tocsin.integrations.ical.read import BODY_S, BYTES_MAX, Calendars
    from tocsin.integrations.outbound import Outbound, networks

    reader = Calendars(
        Outbound(
            allowed=networks(allow_networks), response_limit_bytes=BYTES_MAX + 1,
            body_timeout_s=BODY_S,
        )
    )  # fmt: skip

    async def all_of_them() -> "list[Schedule]":
        return [await _read(one, reader, people, stretch) for one in schedules]

    return asyncio.run(all_of_them())


async def _read(
    schedule: "Schedule",
    reader: "Calendars",
    people: "Sequence[Person]",
    stretch: tuple[datetime, datetime],
) -> "Schedule":
    urls = dict(schedule.calendars)
    layers = [
        await _told(one, urls[one.name], reader, people, stretch, schedule.name)
        if one.source
        else one
        for one in schedule.layers
    ]
    return replace(schedule, layers=tuple(layers))


async def _told(
    layer: "Layer",
    url: str,
    reader: "Calendars",
    people: "Sequence[Person]",
    stretch: tuple[datetime, datetime],
    of: str,
) -> "Layer":
    from tocsin.kernel.resources.secret import MASK
    from tocsin.oncall.core.schedule.importing import imported
    from tocsin.oncall.core.schedule.subscribed import as_shifts

    if url.rstrip("0123456789").endswith(MASK):
        raise Invalid(
            f"{of}: layer {layer.name}: {url} stands for a secret that the server keeps; write the"
            " address out to read it here", field="calendar.url",
        )  # fmt: skip
    text = (await reader.fetch(url)).text or b""
    found = await reader.read(text, layer.zone, *stretch)
    known = {one.id: one for one in people}
    matched = imported(found.shifts, known)
    strangers = (f"{words!r} is nobody in these files" for words in matched.unknown)
    for words in (*strangers, *found.left_out):
        click.echo(f"{of}: layer {layer.name}: left out: {words}", err=True)
    return replace(layer, shifts=as_shifts(matched.shifts, known))
