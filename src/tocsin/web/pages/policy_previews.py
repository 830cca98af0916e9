"""What a policy that nobody has saved would do: whom it pages, and whether that wakes somebody."""

from datetime import UTC, datetime
from uuid import UUID

from litestar.datastructures import FormMultiDict
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid, Refused
from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources import Document, Managed, Store
from tocsin.kernel.resources.reading import read as read_documents
from tocsin.kernel.resources.reading import typed
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.config import CATCH_ALL, Directory
from tocsin.oncall.core.config.policies import to_policies
from tocsin.oncall.model import Policy
from tocsin.web.forms import text
from tocsin.web.pages.assurance_views import LineView, line_views
from tocsin.web.pages.policy_drafts import KIND, place_of, plainly
from tocsin.web.pages.policy_walks import Walk, walk
from tocsin.web.pages.resource_views import PlanView, plan_view
from tocsin.web.services import Services

AT_MAX = 40


class Look(Struct, frozen=True):
    """For which alert it is looked: its local time in UTC as typed, "" for now, and how urgent."""

    at: str = ""
    urgency: Urgency = Urgency.HIGH

    def instant(self, now: datetime) -> datetime:
        """Return when the alert comes. Raises Invalid."""
        if not self.at:
            return now
        try:
            found = datetime.fromisoformat(self.at)
        except ValueError as error:
            raise Invalid("write a time, e.g. 2026-12-24T09:00", field="at") from error
        return max(found.replace(tzinfo=UTC) if found.tzinfo is None else found, now)


class Problem(Struct, frozen=True, kw_only=True):
    """What is wrong: in words with the cure, and the id of the field where it is."""

    words: str
    place: str = ""
    status: int = 422


class Preview(Struct, frozen=True, kw_only=True):
    """Whom it would page, what is wrong with that, and what changes; else why that is not known."""

    now: Walk | None = None
    then: Walk | None = None
    checks: tuple[LineView, ...] = ()
    plan: PlanView | None = None
    problem: Problem | None = None


def look_of(form: FormMultiDict) -> Look:
    """Read which alert is meant; what cannot be read is of high urgency."""
    low = text(form, "look_urgency") == Urgency.LOW
    at = text(form, "look_at").strip()[:AT_MAX]
    return Look(at, Urgency.LOW if low else Urgency.HIGH)


def problem_of(error: Refused, words: str = "") -> Problem:
    """Say what a refusal means for the form."""
    field = getattr(error, "field", None)
    return Problem(
        words=words or plainly(error.detail),
        place="look_at" if field == "at" else place_of(field),
        status=error.status,
    )


async def preview(unit: Unit, services: Services, document: Document, look: Look) -> Preview:
    """Walk and check a policy that is not in force, with all that is. Raises Refused."""
    unit.require("resource:read")
    plan = await services.store.plan(unit, [document], managed_by=Managed.SCREEN)
    policy = compiled(unit.config(Directory), services.store, document)
    at = look.instant(unit.now)
    found = await services.assurances.draft(unit, policy, unit.now, look.urgency)
    shown = Preview(
        now=walk(found.page, policy, found.directory, unit.now), plan=plan_view(plan),
        checks=tuple(
            line_views(found.checked, found.directory, people=unit.actor.may("person:read"))
        ),
    )  # fmt: skip
    if at == unit.now:
        return shown
    later = await services.assurances.draft(unit, policy, at, look.urgency)
    return replace(shown, then=walk(later.page, policy, later.directory, unit.now))


def compiled(known: Directory, store: Store, document: Document) -> Policy:
    """Compile a document whose references were checked, with the catch-all of all policies."""
    [wanted] = read_documents([document], store.kinds)
    before = known.policies.get(wanted.name)
    uid: UUID = before.id if before else uuid7()
    own = Resource(uid, KIND, wanted.name, typed(store.kinds[KIND], wanted))
    named = [Resource(one.id, "Person", one.name, None) for one in known.people.values()]
    named += [Resource(one.id, "Schedule", one.name, None) for one in known.schedules.values()]
    policy = to_policies(Resources([own, *named]))[wanted.name]
    last = known.policies.get(CATCH_ALL)
    if policy.catch_all or last is None:
        return policy
    return replace(policy, catch_all=tuple(one for step in last.steps for one in step.targets))
