"""What people do in an incident's room: each is one POST, which leads back to the room."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from litestar import Response, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath

from tocsin.command import actions as commands
from tocsin.command import reads as command
from tocsin.command.model import Incident, IncidentStatus, Priority
from tocsin.kernel.access import Role
from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.ids import GroupId, PageId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity
from tocsin.oncall import actions as oncalls
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Brief, Scope
from tocsin.triage import reads as triage
from tocsin.web.forms import lead, number, several, stay, text
from tocsin.web.pages.room import as_id, story
from tocsin.web.units import AnAsking, AnyRequest

T = TypeVar("T")
Form = FormMultiDict
Verb = Callable[[Unit, Incident, Form], Awaitable[Incident | None]]


@post("/incidents/{reference:str}/{verb:str}", status_code=303)
async def act(
    posting: AnAsking, request: AnyRequest, reference: FromPath[str], verb: FromPath[str]
) -> Response[Any]:
    """Do one of VERBS to an incident, and lead to where its outcome is seen. Raises NotFound."""
    if verb not in VERBS:
        raise NotFound(f"an incident cannot be asked to {verb}")
    form = await request.form()

    async def run(unit: Unit) -> Incident:
        incident = await command.incident(unit, reference)
        return await VERBS[verb](unit, incident, form) or incident

    url = f"/incidents/{(await posting.run(run)).reference}"
    return (lead if verb in ("merge", "split") else stay)(request, url)


async def _acknowledge(unit: Unit, incident: Incident, _form: Form) -> None:
    await oncalls.acknowledge_incident(unit, incident.id, channel="web")


async def _escalate(unit: Unit, incident: Incident, _form: Form) -> None:
    await oncalls.escalate(unit, incident.id)


async def _snooze(unit: Unit, incident: Incident, form: Form) -> None:
    lasts = text(form, "other").strip() or text(form, "for")
    until = unit.now + timedelta(seconds=seconds(lasts, field="for"))
    await oncalls.snooze_incident(unit, incident.id, until=until, channel="web")


async def _hand_back(unit: Unit, incident: Incident, _form: Form) -> None:
    await oncalls.hand_back_incident(unit, incident.id)


async def _reassign(unit: Unit, _incident: Incident, form: Form) -> None:
    kind, _, name = text(form, "to").partition(":")
    if kind not in ("person", "schedule", "team", "policy") or not name:
        raise Invalid("choose to whom it goes", field="to")
    name, _, slot = name.partition("/")
    to = oncalls.Assignee(**{kind: name}, slot=slot)
    await oncalls.reassign(unit, PageId(as_id(text(form, "page"), "page")), to)


async def _page(unit: Unit, incident: Incident, form: Form) -> None:
    incident = await commands.hold(unit, incident.id)
    scope = Scope(team=incident.team, visible_to=incident.visible_to)
    brief = await _brief(unit, incident)
    if person := text(form, "person"):
        await oncalls.request_person(unit, incident.id, person, brief, scope)
    elif policy := text(form, "policy"):
        await oncalls.request_policy(unit, incident.id, policy, brief, scope)
    else:
        raise Invalid("choose a person or an escalation policy", field="person")


async def _brief(unit: Unit, incident: Incident) -> Brief:
    found = await story(unit, incident.reference)
    first = next(iter(await triage.alerts_of(unit, found.group_ids, limit=1)), None)
    return Brief(
        number=incident.number,
        title=incident.title,
        summary=incident.description,
        labels=first.labels if first else incident.labels,
        source_url=first.source_url if first else "",
        runbook_url=first.annotations.get("runbook_url", "") if first else "",
    )


async def _update(unit: Unit, incident: Incident, form: Form) -> Incident:
    """Change what the form says differently; another's change in between is refused."""
    seen = number(form, "version")
    wanted = _member(IncidentStatus, text(form, "status"), "status")
    severity = Severity.__members__.get(text(form, "severity"))
    priority = _member(Priority, text(form, "priority"), "priority")
    if wanted is not None and wanted is not incident.status:
        incident = await commands.set_status(unit, incident.id, wanted, if_version=seen)
        seen = None
    if severity is not incident.severity:
        incident = await commands.set_severity(unit, incident.id, severity, if_version=seen)
        seen = None
    if priority is not incident.priority:
        incident = await commands.set_priority(unit, incident.id, priority, if_version=seen)
        seen = None
    return await commands.edit(
        unit, incident.id, title=text(form, "title"),
        description=text(form, "description"), if_version=seen,
    )  # fmt: skip


def _member(kind: Callable[[str], T], word: str, field: str) -> T | None:
    try:
        return kind(word) if word else None
    except ValueError:
        raise Invalid(f"{word!r} is no {field}; choose one of the list", field=field) from None


async def _resolve(unit: Unit, incident: Incident, form: Form) -> Incident:
    if note := text(form, "note"):
        await commands.add_note(unit, incident.id, note)
    return await commands.resolve(unit, incident.id)


async def _reopen(unit: Unit, incident: Incident, _form: Form) -> Incident:
    return await commands.reopen(unit, incident.id)


async def _note(unit: Unit, incident: Incident, form: Form) -> None:
    await commands.add_note(unit, incident.id, text(form, "text"))


async def _merge(unit: Unit, incident: Incident, form: Form) -> Incident:
    into = await command.incident(unit, text(form, "into"))
    return await commands.merge(unit, incident.id, into.id)


async def _split(unit: Unit, incident: Incident, form: Form) -> Incident:
    groups = [GroupId(as_id(one, "group")) for one in several(form, "group")]
    return await commands.split(unit, incident.id, groups, text(form, "title"))


async def _link(unit: Unit, incident: Incident, form: Form) -> None:
    target = text(form, "target").strip()
    if "://" in target:
        await commands.link(unit, incident.id, target, text(form, "title"))
    else:
        other = await command.incident(unit, target)
        await commands.relate(unit, incident.id, other.id)


async def _restrict(unit: Unit, incident: Incident, form: Form) -> Incident:
    people, roles = _audience(unit, form)
    if not people and not roles:
        return await commands.unrestrict(unit, incident.id)
    return await commands.restrict(unit, incident.id, people, roles)


def _audience(unit: Unit, form: Form) -> tuple[Sequence[PersonId], Sequence[Role]]:
    directory = unit.config(Directory)
    people = [directory.person_named(name).id for name in several(form, "person")]
    roles = [_member(Role, name, "role") for name in several(form, "role")]
    return people, [role for role in roles if role is not None]


VERBS: Final[dict[str, Verb]] = {
    "acknowledge": _acknowledge,
    "escalate": _escalate,
    "page": _page,
    "snooze": _snooze,
    "hand-back": _hand_back,
    "reassign": _reassign,
    "update": _update,
    "resolve": _resolve,
    "reopen": _reopen,
    "notes": _note,
    "merge": _merge,
    "split": _split,
    "link": _link,
    "restrict": _restrict,
}
ROUTES: Final = (act,)
