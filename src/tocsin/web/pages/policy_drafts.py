"""A policy as a form has it, and the document that is meant by it. Pure."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.datastructures import FormMultiDict
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources import Document, Metadata
from tocsin.kernel.resources.model import API_VERSION
from tocsin.kernel.resources.yaml_text import CURES
from tocsin.oncall.core.config.policies import (
    TARGETS_MAX,
    PolicySpec,
    StepMode,
    StepSpec,
)
from tocsin.web.forms import several, text
from tocsin.web.pages import policy_targets as targets
from tocsin.web.pages.policy_hours import hours_of, hours_text

KIND = "EscalationPolicy"
STEPS_MAX = 20
TEXT_MAX = 4000
READ_MAX = TARGETS_MAX + 1
"""One more than there may be is read, so that too many are refused and not cut."""
CATCH_ALL = "c"  # what the catch-all is called where steps have numbers


class StepForm(Struct, frozen=True, kw_only=True):
    """One step as text; `pick` is chosen and not yet added, `url` goes with a webhook."""

    targets: tuple[str, ...] = ()
    pick: str = ""
    url: str = ""
    timeout: str = "5m"
    mode: str = "all"
    repeat: str = "0"
    urgency: str = ""

    @property
    def called(self) -> tuple[str, ...]:
        """Return whom it calls, with who is chosen and not yet added."""
        return (*self.targets, *((one,) if (one := self._picked) else ()))[:READ_MAX]

    @property
    def _picked(self) -> str:
        if self.pick != targets.WEBHOOK:
            return self.pick
        return f"{targets.WEBHOOK}:{self.url}" if self.url else ""


class PolicyForm(Struct, frozen=True, kw_only=True):
    """A policy as text."""

    name: str = ""
    steps: tuple[StepForm, ...] = ()
    catch_all: StepForm = StepForm()
    repeat: str = "1"
    catch_all_every: str = "10m"
    ack_timeout: str = "30m"
    support_hours: str = ""
    team: str = ""
    effective_from: str = ""


class Moved(Struct, frozen=True):
    """A form that was rearranged, and the id of the field in which to go on."""

    form: PolicyForm
    focus: str


def written(name: str, spec: PolicySpec) -> PolicyForm:
    """Show a policy that there is."""
    return PolicyForm(
        name=name, steps=tuple(map(_step_form, spec.steps)),
        catch_all=StepForm(targets=tuple(map(targets.written, spec.catch_all))),
        repeat=str(spec.repeat), catch_all_every=spec.catch_all_every,
        ack_timeout=spec.ack_timeout, team=spec.team or "",
        support_hours="\n".join(map(hours_text, spec.support_hours)),
    )  # fmt: skip


def _step_form(one: StepSpec) -> StepForm:
    return StepForm(
        targets=tuple(map(targets.written, one.targets)), timeout=one.timeout,
        mode=one.mode, repeat=str(one.repeat), urgency=one.urgency or "",
    )  # fmt: skip


def read_form(form: FormMultiDict) -> PolicyForm:
    """Read what was typed, as far as it can be of use; `s0_timeout` is of the first step."""
    steps: list[StepForm] = []
    while len(steps) < STEPS_MAX and f"s{len(steps)}_timeout" in form:
        steps.append(_read_step(form, f"s{len(steps)}"))
    return PolicyForm(
        name=_plain(form, "name"), steps=tuple(steps),
        catch_all=_read_step(form, CATCH_ALL), repeat=_plain(form, "repeat"),
        catch_all_every=_plain(form, "catch_all_every"),
        ack_timeout=_plain(form, "ack_timeout"), support_hours=_plain(form, "support_hours"),
        team=_plain(form, "team"), effective_from=_plain(form, "effective_from"),
    )  # fmt: skip


def _read_step(form: FormMultiDict, at: str) -> StepForm:
    chosen = several(form, f"{at}_target")[:READ_MAX]
    return StepForm(
        targets=tuple(one[: targets.SAID_MAX].strip() for one in chosen),
        pick=_plain(form, f"{at}_pick"), url=_plain(form, f"{at}_url"),
        timeout=_plain(form, f"{at}_timeout"), mode=_plain(form, f"{at}_mode") or "all",
        repeat=_plain(form, f"{at}_repeat") or "0", urgency=_plain(form, f"{at}_urgency"),
    )  # fmt: skip


def _plain(form: FormMultiDict, name: str) -> str:
    return text(form, name)[:TEXT_MAX].replace("\r\n", "\n").strip()


def added(form: PolicyForm) -> PolicyForm:
    """Put who is chosen among those who are called, and the choice back to nobody."""
    return replace(form, steps=tuple(map(_added, form.steps)), catch_all=_added(form.catch_all))


def _added(one: StepForm) -> StepForm:
    if one.pick == targets.WEBHOOK and not one.url:
        return one  # it still asks for the address
    return replace(one, targets=tuple(dict.fromkeys(one.called)), pick="", url="")


def rearranged(form: PolicyForm, verb: str) -> Moved | None:
    """Do what a button says; None for another verb.

    add; remove-N, up-N, down-N of a step; pick-N adds who is chosen in a step, drop-N-M takes
    its target M out. N of the catch-all is c.
    """
    what, *numbers = verb.split("-")
    form = added(form)
    if what == "add" and not numbers:
        steps = (*form.steps, StepForm())[:STEPS_MAX]
        return Moved(replace(form, steps=steps), f"s{len(steps) - 1}_pick")
    where = numbers[0] if numbers else ""
    if what in ("pick", "drop") and (where == CATCH_ALL or _index(where, form.steps) >= 0):
        return _of_step(form, where, numbers[1] if what == "drop" and numbers[1:] else None)
    at = _index(where, form.steps)
    if what not in ("remove", "up", "down") or at < 0 or len(numbers) != 1:
        return None
    return _of_steps(form, what, at)


def _of_steps(form: PolicyForm, what: str, at: int) -> Moved:
    steps = list(form.steps)
    one = steps.pop(at)
    if what == "remove":
        focus = f"s{min(at, len(steps) - 1)}_pick" if steps else "add"
        return Moved(replace(form, steps=tuple(steps)), focus)
    to = min(max(at + (1 if what == "down" else -1), 0), len(steps))
    steps.insert(to, one)
    is_last = to == (0 if what == "up" else len(steps) - 1)
    again = {"up": "down", "down": "up"}[what] if is_last else what
    return Moved(replace(form, steps=tuple(steps)), f"s{to}_{again}")


def _of_step(form: PolicyForm, where: str, drop: str | None) -> Moved:
    one = form.catch_all if where == CATCH_ALL else form.steps[int(where)]
    at = _index(drop, one.targets) if drop is not None else -1
    if at >= 0:
        one = replace(one, targets=(*one.targets[:at], *one.targets[at + 1 :]))
    focus = f"{where if where == CATCH_ALL else f's{where}'}_"
    focus += "url" if one.pick == targets.WEBHOOK else "pick"
    if where == CATCH_ALL:
        return Moved(replace(form, catch_all=one), focus)
    index = int(where)
    steps = (*form.steps[:index], one, *form.steps[index + 1 :])
    return Moved(replace(form, steps=steps), focus)


def _index(said: str, among: Sequence[object]) -> int:
    """Return a place in a list, -1 for what is none."""
    is_number = said.isascii() and said.isdigit() and len(said) <= len("99")
    return int(said) if is_number and int(said) < len(among) else -1


def document(form: PolicyForm) -> Document:
    """Return the document that a form means. Raises Invalid, naming the field and the cure."""
    if not form.steps:
        raise Invalid("spec.steps: nobody is called; add a step", field="spec.steps")
    spec: dict[str, Any] = {
        "steps": [_step(one, f"spec.steps[{at}]") for at, one in enumerate(form.steps)],
        "repeat": _whole(form.repeat, "spec.repeat"),
    }
    spec["catchAll"] = _targets(form.catch_all, "spec.catchAll")
    spec["catchAllEvery"] = form.catch_all_every
    spec["ackTimeout"] = form.ack_timeout
    spec["supportHours"] = [
        hours_of(line, "spec.supportHours")
        for line in form.support_hours.splitlines()
        if line.strip()
    ]
    spec |= {"team": form.team} if form.team else {}
    kept = {name: value for name, value in spec.items() if value != []}
    return Document(api_version=API_VERSION, kind=KIND, metadata=_metadata(form), spec=kept)


def _metadata(form: PolicyForm) -> Metadata:
    found = {"name": form.name}
    found |= {"effectiveFrom": form.effective_from} if form.effective_from else {}
    try:
        return msgspec.convert(found, Metadata)
    except msgspec.ValidationError as error:
        named = "metadata.effectiveFrom" if "effectiveFrom" in str(error) else "metadata.name"
        raise Invalid(f"{named}: {CURES[named]}", field=named) from error


def _step(one: StepForm, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {"targets": _targets(one, f"{where}.targets")}
    if not found["targets"]:
        raise Invalid(
            f"{where}.targets: this step calls nobody; choose whom to call, or remove the step",
            field=f"{where}.targets",
        )
    found["timeout"] = one.timeout
    found |= {"mode": one.mode} if one.mode != StepMode.ALL else {}
    repeat = _whole(one.repeat, f"{where}.repeat")
    found |= {"repeat": repeat} if repeat else {}
    return found | ({"urgency": one.urgency} if one.urgency else {})


def _targets(one: StepForm, field: str) -> list[dict[str, Any]]:
    if one.pick == targets.WEBHOOK and not one.url:
        raise Invalid(
            f"{field}: a webhook needs its address; write e.g. {targets.EXAMPLE}",
            field=f"{field}.webhook.url",
        )
    return [targets.spec_of(said, field) for said in one.called]


def _whole(said: str, field: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > 1:
        raise Invalid(f"{field}: write a whole number from 0 to 9", field=field)
    return int(said)


_IN_STEP = re.compile(r"spec\.steps\[(\d+)\](?:\.(\w+))?(.*)")
_FIELDS = {
    "spec.steps": "add", "spec.repeat": "repeat", "spec.catchAll": "c_pick",
    "spec.catchAllEvery": "catch_all_every", "spec.ackTimeout": "ack_timeout",
    "spec.supportHours": "support_hours", "spec.timezone": "support_hours",
    "spec.team": "team", "metadata.name": "name", "metadata.effectiveFrom": "effective_from",
}  # fmt: skip


def place_of(field: str | None) -> str:
    """Return the id of the form's field to which a field of the document belongs; "" for none."""
    path = (field or "").rpartition(": ")[2]
    if found := _IN_STEP.fullmatch(path):
        step, name, rest = found.groups()
        if name in ("timeout", "mode", "repeat", "urgency"):
            return f"s{step}_{name}"
        return f"s{step}_{'url' if 'webhook' in rest else 'pick'}"
    if path.startswith("spec.catchAll") and "webhook" in path:
        return "c_url"
    known = (name for name in sorted(_FIELDS, key=len, reverse=True) if path.startswith(name))
    return _FIELDS.get(next(known, ""), "")


def plainly(detail: str) -> str:
    """Return what is wrong without the resource and the path that stand in front of it."""
    said = re.sub(rf"^{KIND}/\S*: ", "", detail)
    said = re.sub(r"^(spec|metadata)[\w.\[\]]*: ", "", said)
    return said.replace("apply it in the same set, or correct the name", "choose another")
