"""The questions that the room's verbs ask first: plain pages, which script shows as dialogs."""

from typing import Final

from litestar import get
from litestar.params import FromPath
from litestar.response import Template

from tocsin.command import reads as command
from tocsin.command.core.audience import people_in, roles_in
from tocsin.command.model import Incident, IncidentStatus, Priority
from tocsin.kernel.access import Role
from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import PageState
from tocsin.triage import reads as triage
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.incidents import FRAGMENTS, fragment
from tocsin.web.pages.room import Story, head, story
from tocsin.web.units import AnAsking, AnyRequest

# each form's title; the verb that posts it is the word itself
FORMS = {
    "page": "Page somebody",
    "snooze": "Snooze",
    "reassign": "Reassign",
    "update": "Update",
    "resolve": "Resolve",
    "reopen": "Reopen",
    "merge": "Merge into another incident",
    "split": "Split alerts off",
    "link": "Link an incident or a document",
    "restrict": "Restrict who sees it",
}
# what each level means, in words that need no training
SEVERITY_WORDS = {
    Severity.SEV1: "Everything that matters is down, for all or most",
    Severity.SEV2: "Something that matters is down or wrong, for many",
    Severity.SEV3: "Something is degraded; there is a way round",
    Severity.SEV4: "A small fault that few notice",
    Severity.SEV5: "Nobody notices yet",
}
PRIORITY_WORDS = {
    Priority.P1: "P1, before everything else",
    Priority.P2: "P2, today",
    Priority.P3: "P3, this week",
    Priority.P4: "P4, in its turn",
    Priority.P5: "P5, when there is time",
}
STATUS_WORDS = {
    IncidentStatus.INVESTIGATING: "Investigating: the cause is not known",
    IncidentStatus.IDENTIFIED: "Identified: the cause is known",
    IncidentStatus.MITIGATED: "Mitigated: it works again, not for good",
}
ROLES = tuple(role for role in Role if role not in (Role.SYSTEM, Role.INTEGRATION))
TARGETS_SHOWN = 50


def severity_choices() -> list[tuple[str, str]]:
    """Return each level with its plain words."""
    return [(one.name, words) for one, words in SEVERITY_WORDS.items()]


def people_choices(directory: Directory) -> list[tuple[str, str]]:
    """Return the people who can be paged, by name."""
    found = [one for one in directory.people.values() if one.active]
    return sorted(((one.name, one.display_name) for one in found), key=lambda one: one[1])


SNOOZES = [
    ("15m", "15 minutes"), ("30m", "30 minutes"), ("1h", "1 hour"), ("4h", "4 hours"),
    ("12h", "12 hours"), ("24h", "1 day"),
]  # fmt: skip


def assignee_choices(directory: Directory) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return to whom a page can go, by kind; a schedule by each of its slots."""
    people = [(f"person:{name}", words) for name, words in people_choices(directory)]
    schedules = [
        (f"schedule:{one.name}/{slot}", f"{one.name}, {slot}")
        for one in sorted(directory.schedules.values(), key=lambda one: one.name)
        for slot in one.slots
    ]
    teams = [(f"team:{name}", name) for name, members in directory.teams.items() if members]
    policies = [(f"policy:{name}", name) for name in sorted(directory.policies)]
    found = [
        ("A person", people), ("Who is on call", schedules), ("A team, all of it", sorted(teams)),
        ("Another policy", policies),
    ]  # fmt: skip
    return [one for one in found if one[1]]


def page_choices(found: Story, directory: Directory) -> list[tuple[str, str]]:
    """Return the pages of an incident that can be handed on, the newest first."""
    return [
        (str(page.id), f"{directory.policy_of(page).name or 'asked for'}, {page.state}")
        for page in reversed(found.pages)
        if page.state is not PageState.RESOLVED
    ]


def policy_choices(directory: Directory) -> list[tuple[str, str]]:
    """Return the escalation policies."""
    return [(name, name) for name in sorted(directory.policies)]


@get("/incidents/{reference:str}/{part:str}")
async def part_of_room(
    asking: AnAsking, request: AnyRequest, reference: FromPath[str], part: FromPath[str]
) -> Template:
    """Show one part of the room alone, or ask what a verb needs to know. Raises NotFound."""
    if part in FRAGMENTS:
        return await fragment(asking, request, reference, part)
    if part in FORMS:
        return await _form_page(asking, request, reference, part)
    raise NotFound(f"an incident has no {part}")


async def _form_page(
    asking: AnAsking, request: AnyRequest, reference: str, form: str
) -> Template:

    async def read(unit: Unit) -> Context:
        found = await story(unit, reference)
        title = f"{FORMS[form]}, {found.incident.reference}"
        context = await frame(unit, request, page="incident", title=title)
        return context | {
            "form": form,
            "heading": FORMS[form],
            "incident": await head(unit, found),
            "version": found.incident.version,
            **await _choices(unit, found, form),
        }

    return Template("incident_form.html", context=await asking.run(read))


async def _choices(  # noqa: PLR0911 - one a form
    unit: Unit, found: Story, form: str
) -> Context:
    directory = unit.config(Directory)
    match form:
        case "page":
            return {
                "people": people_choices(directory),
                "policies": policy_choices(directory),
            }
        case "snooze":
            return {"snoozes": SNOOZES}
        case "reassign":
            return {
                "assignees": assignee_choices(directory),
                "handed": page_choices(found, directory),
            }
        case "update":
            return _stages(found.incident)
        case "merge":
            return {"targets": await _targets(unit, found.incident)}
        case "split":
            return {"groups": await triage.groups(unit, found.group_ids)}
        case "restrict":
            return _audience(directory, found.incident)
        case _:
            return {}


def _stages(incident: Incident) -> Context:
    """Say how an incident may be judged, and at which stage it is."""
    priorities = [(str(one), words) for one, words in PRIORITY_WORDS.items()]
    return {
        "statuses": [(str(one), words) for one, words in STATUS_WORDS.items()],
        "severities": severity_choices(),
        "priorities": [("", "Not said"), *priorities],
        "status": str(incident.status),
    }


async def _targets(unit: Unit, incident: Incident) -> list[tuple[str, str]]:
    """Return what an incident can become part of."""
    others = await command.open_incidents(unit, limit=TARGETS_SHOWN)
    return [
        (one.reference, f"{one.reference} {one.title}")
        for one in others
        if one.id != incident.id
    ]


def _audience(directory: Directory, incident: Incident) -> Context:
    """Say who could be named to see an incident, and who is."""
    names = incident.visible_to or ()
    known = (directory.people.get(one) for one in people_in(names))
    return {
        "people": people_choices(directory),
        "roles": [(str(role), str(role).capitalize()) for role in ROLES],
        "chosen_people": [one.name for one in known if one is not None],
        "chosen_roles": [str(role) for role in roles_in(names)],
    }


ROUTES: Final = (part_of_room,)
