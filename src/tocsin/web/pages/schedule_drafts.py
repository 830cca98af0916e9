"""A schedule as a form has it, and the document that is meant by it. Pure."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from litestar.datastructures import FormMultiDict
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources import Document, Metadata
from tocsin.kernel.resources.model import API_VERSION
from tocsin.oncall.core.config import ScheduleSpec
from tocsin.oncall.core.config.schedules import (
    WEEK,
    LayerSpec,
    RotationSpec,
    WindowSpec,
    rotations_of,
)
from tocsin.oncall.model import PRIMARY, TURNS
from tocsin.web.forms import number, several, text

LAYERS_MAX = 50
TEXT_MAX = 4000
FIELDS = (
    "name", "slot", "zone", "start", "end", "handoff_at", "handoff_on", "every", "length",
    "people", "windows", "advance", "holidays", "shifts_of",
)  # fmt: skip
_HOURS = re.compile(
    r"^(?P<days>.*?)\s*(?P<start>\d{2}:\d{2})\s*(?:-|to)\s*(?P<to>\d{2}:\d{2})$"
)
_IN_LAYER = re.compile(r"spec\.layers\[(\d+)\]")


Kept = Mapping[str, Any]  # what a form does not show of a layer, by its name
NO_SHIFTS: Kept = MappingProxyType({})


class LayerForm(Struct, frozen=True, kw_only=True):
    """One layer as text: people a turn a line, windows a stretch a line.

    `shifts_of`: it has no turns, but the shifts of the layer that has this name in the document
    in force; they are not edited here.
    """

    name: str = ""
    slot: str = ""
    zone: str = ""
    start: str = ""
    end: str = ""
    handoff_at: str = ""
    handoff_on: str = ""
    every: str = "week"
    length: str = "1"
    people: str = ""
    windows: str = ""
    advance: str = "calendar"
    holidays: str = "any"
    shifts_of: str = ""


class ScheduleForm(Struct, frozen=True, kw_only=True):
    """A schedule as text; the layers stand as the document has them, the lowest first.

    `version` is the one that its writer has seen, 0: none.
    """

    name: str = ""
    zone: str = ""
    slots: str = PRIMARY
    team: str = ""
    country: str = ""
    subdivision: str = ""
    layers: tuple[LayerForm, ...] = ()
    version: int = 0


def written(name: str, spec: ScheduleSpec, version: int) -> ScheduleForm:
    """Show a schedule that there is."""
    return ScheduleForm(
        name=name, zone=spec.timezone, slots=", ".join(spec.slots), team=spec.team or "",
        country=spec.holidays.country if spec.holidays else "",
        subdivision=(spec.holidays.subdivision or "") if spec.holidays else "",
        layers=tuple(_layer_form(one) for _, one in rotations_of(spec)), version=version,
    )  # fmt: skip


def _layer_form(one: RotationSpec | LayerSpec) -> LayerForm:
    layer = one if isinstance(one, LayerSpec) else None
    return LayerForm(
        name=layer.name if layer else TURNS,
        shifts_of=layer.name if layer and (layer.shifts or layer.calendar) else "",
        slot=(layer.slot or "") if layer else "",
        zone=(layer.timezone or "") if layer else "", start=one.start or "", end=one.end or "",
        handoff_at=one.handoff.at if one.handoff else "",
        handoff_on=(one.handoff.day or "") if one.handoff else "",
        every=one.every or "", length=str(one.length),
        people="\n".join(
            who if isinstance(who, str) else ", ".join(who) for who in one.people
        ),
        windows="\n".join(map(window_text, one.windows)),
        advance=one.advance, holidays=one.holidays,
    )  # fmt: skip


def read_form(form: FormMultiDict) -> ScheduleForm:
    """Read what was typed, as far as it can be of use; the form has the highest layer first."""
    columns = {name: several(form, f"layer_{name}")[:LAYERS_MAX] for name in FIELDS}
    count = min(len(found) for found in columns.values())
    return ScheduleForm(
        name=text(form, "name").strip(), zone=text(form, "zone").strip(),
        slots=text(form, "slots"), team=text(form, "team"),
        country=text(form, "country").strip().upper(),
        subdivision=text(form, "subdivision").strip(), version=number(form, "version") or 0,
        layers=tuple(
            LayerForm(**{name: _plain(columns[name][at]) for name in FIELDS})
            for at in reversed(range(count))
        ),
    )  # fmt: skip


def _plain(said: str) -> str:
    return said[:TEXT_MAX].replace("\r\n", "\n").strip()


def rearranged(form: ScheduleForm, verb: str) -> ScheduleForm | None:
    """Add, remove or move a layer: add, remove-N, up-N; None for another verb.

    Up hides more: the last layer of the document is the highest.
    """
    layers = list(form.layers)
    what, _, where = verb.partition("-")
    if verb == "add":
        layers.append(LayerForm(name=_free_name(layers), zone="", start=_start(layers)))
        return replace(form, layers=tuple(layers[:LAYERS_MAX]))
    at = int(where) if where.isdigit() and len(where) <= len("50") else -1
    if what not in ("remove", "up") or not 0 <= at < len(layers):
        return None
    one = layers.pop(at)
    if what == "up":
        layers.insert(at + 1, one)
    return replace(form, layers=tuple(layers))


def _free_name(layers: Sequence[LayerForm]) -> str:
    names = {one.name for one in layers}
    return next(name for at in range(1, LAYERS_MAX + 2) if (name := f"layer-{at}") not in names)


def _start(layers: Sequence[LayerForm]) -> str:
    return layers[-1].start if layers else ""


def document(form: ScheduleForm, kept: Kept = NO_SHIFTS) -> Document:
    """Return the document that a form means; `kept` are shifts that the form does not show.

    Raises Invalid, naming the field.
    """
    spec: dict[str, Any] = {"timezone": form.zone}
    slots = _names(form.slots)
    if slots and slots != [PRIMARY]:
        spec["slots"] = slots
    layers = [_layer(one, at, kept) for at, one in enumerate(form.layers)]
    is_short = len(layers) == 1 and not {"slot", "timezone"} & set(layers[0])
    if is_short and layers[0]["name"] == TURNS:
        spec["rotation"] = {name: one for name, one in layers[0].items() if name != "name"}
    elif layers:
        spec["layers"] = layers
    if form.country:
        spec["holidays"] = {"country": form.country} | (
            {"subdivision": form.subdivision} if form.subdivision else {}
        )
    if form.team:
        spec["team"] = form.team
    return Document(
        api_version=API_VERSION, kind="Schedule", metadata=Metadata(name=form.name), spec=spec
    )


def _layer(one: LayerForm, at: int, kept: Kept) -> dict[str, Any]:
    where = f"spec.layers[{at}]"
    if one.shifts_of:
        found = {"name": one.name, "slot": one.slot, "timezone": one.zone}
        found |= kept.get(one.shifts_of, {})
        return {name: value for name, value in found.items() if value}
    return _turns(one, where)


def _turns(one: LayerForm, where: str) -> dict[str, Any]:
    if not one.length.isascii() or not one.length.isdigit() or len(one.length) > len("366"):
        raise Invalid(
            f"{where}.length: write a whole number, at least 1", field=f"{where}.length"
        )
    found: dict[str, Any] = {"name": one.name, "slot": one.slot, "timezone": one.zone}
    found |= {"start": one.start, "every": one.every}
    found |= {"length": int(one.length)} if one.length != "1" else {}
    found["people"] = [
        names[0] if len(names) == 1 else names
        for line in one.people.splitlines()
        if (names := _names(line))
    ]
    if one.handoff_at:
        on = {"day": one.handoff_on} if one.handoff_on else {}
        found["handoff"] = {"at": one.handoff_at} | on
    found["end"] = one.end
    found["windows"] = [
        window(line, f"{where}.windows") for line in one.windows.splitlines() if line.strip()
    ]
    found["advance"] = one.advance if one.advance != "calendar" else ""
    found["holidays"] = one.holidays if one.holidays != "any" else ""
    keep = ("name", "start", "every", "people")
    return {name: value for name, value in found.items() if value or name in keep}


def _names(said: str) -> list[str]:
    return [name for one in said.split(",") if (name := one.strip())]


def window(line: str, field: str) -> dict[str, Any]:
    """Read "monday-friday 09:00-17:00"; without days, every day. Raises Invalid."""
    found = _HOURS.match(line.strip())
    days = _days(found["days"]) if found else None
    if found is None or days is None:
        raise Invalid(
            f"{field}: {line.strip()!r}: write e.g. monday-friday 09:00-17:00", field=field
        )
    return {"days": days, "from": found["start"], "to": found["to"]}


def _days(said: str) -> list[str] | None:
    if said.strip(" ,").lower() in ("", "daily", "every day"):
        return [str(one) for one in WEEK]
    found: list[str] = []
    for part in said.lower().split(","):
        first, _, last = part.strip().partition("-")
        start, end = _day(first), _day(last or first)
        if start is None or end is None:
            return None
        found += [str(WEEK[(start + at) % 7]) for at in range((end - start) % 7 + 1)]
    return list(dict.fromkeys(found))


def _day(word: str) -> int | None:
    said = word.strip()
    full = (at for at, one in enumerate(WEEK) if len(said) > 1 and one.startswith(said))
    return next(full, None)


def window_text(one: WindowSpec) -> str:
    """Write a window as it is read."""
    hours = f"{one.start}-{one.to}"
    if len(set(one.days)) == len(WEEK):
        return f"daily {hours}"
    return f"{', '.join(one.days)} {hours}"


def layer_of(field: str | None) -> int | None:
    """Return to which layer of the form a field of the document belongs, if to one."""
    if field is None:
        return None
    if found := _IN_LAYER.search(field):
        return int(found[1])
    return 0 if field.startswith("spec.rotation.") else None
