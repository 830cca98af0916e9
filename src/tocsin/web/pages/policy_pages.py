"""What the policy editor shows around a draft: who can be called, which tab, what is locked."""

from msgspec import Struct

from tocsin.governance.core.config import Teams
from tocsin.kernel.durations import seconds, written
from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import CATCH_ALL, Directory
from tocsin.web.pages import policy_targets as targets
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.policy_drafts import PolicyForm, StepForm
from tocsin.web.pages.policy_previews import Look, Preview
from tocsin.web.pages.policy_targets import TargetView
from tocsin.web.units import AnyRequest

FORM, YAML = "form", "yaml"


class Page(Struct, frozen=True, kw_only=True):
    """A draft as the editor shows it; `name` None: a new policy.

    `version` is what its writer has seen, `current` what is in force; `outdated`: they differ, and
    saving was refused for it. `owner` is its team as it is in force, `focus` the id of
    the field in which to go on.
    """

    form: PolicyForm
    name: str | None = None
    view: str = FORM
    text: str = ""
    version: int = 0
    current: int = 0
    take_over: bool = False
    by_file: bool = False
    owner: str | None = None
    outdated: bool = False
    focus: str = ""
    look: Look = Look()
    preview: Preview = Preview()


class StepView(Struct, frozen=True, kw_only=True):
    """One step of the form; `at` begins the names of its fields, `after` says when it calls."""

    at: str
    number: str
    title: str
    after: str
    step: StepForm
    targets: list[TargetView]


async def context_of(unit: Unit, request: AnyRequest, page: Page) -> Context:
    """Gather what the editor shows."""
    title = f"Edit policy {page.name}" if page.name else "New policy"
    context = await frame(unit, request, page="policies", title=title)
    directory = unit.config(Directory)
    teams = sorted(unit.config(Teams).by_name)
    may = unit.actor.may("resource:apply")  # the store asks of whose it is
    if page.name is not None:
        may = unit.actor.may_on("resource:apply", page.owner)
    form = page.form
    return context | {
        "editor": page,
        "steps": _steps(form, directory, teams),
        "catch_all": StepView(
            at="c", number="c", title="Catch-all", after="", step=form.catch_all,
            targets=targets.views(form.catch_all.targets, directory, teams),
        ),
        "shared": _shared(page, directory),
        "webhook_example": targets.EXAMPLE,
        "choices": targets.choices(directory, teams),
        "team_options": [("", "nobody"), *((one, one) for one in teams)],
        "may": may,
        "is_locked": (page.by_file and not page.take_over) or not may,
    }  # fmt: skip


def _steps(form: PolicyForm, directory: Directory, teams: list[str]) -> list[StepView]:
    found = []
    after_s: int | None = 0
    for at, one in enumerate(form.steps):
        words = ""
        if after_s is not None:
            words = f"+{written(after_s)}" if after_s else "at once"
        found.append(
            StepView(
                at=f"s{at}", number=str(at), title=f"Step {at + 1}", after=words, step=one,
                targets=targets.views(one.targets, directory, teams),
            )
        )  # fmt: skip
        after_s = _after(after_s, one)
    return found


def _after(so_far_s: int | None, one: StepForm) -> int | None:
    try:
        again = int(one.repeat) if one.repeat.isascii() and one.repeat.isdigit() else 0
        took_s = seconds(one.timeout, field="timeout") * (again + 1)
    except Invalid:
        return None
    return so_far_s + took_s if so_far_s is not None else None


def _shared(page: Page, directory: Directory) -> str:
    """Name the policy that stands in where this one has no catch-all of its own; "" for none."""
    return CATCH_ALL if CATCH_ALL in directory.policies and page.name != CATCH_ALL else ""
