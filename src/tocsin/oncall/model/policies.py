"""Whom a page calls, in which order."""

from typing import Annotated

from msgspec import Meta, Struct

from tocsin.kernel.ids import PersonId, PolicyId, ScheduleId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.model.hours import Hours

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


class PersonTarget(Struct, frozen=True, tag="person"):
    """Call this person."""

    person: PersonId


class ScheduleTarget(Struct, frozen=True, tag="schedule"):
    """Call whoever is on call for this schedule at the instant of the call.

    `slot` "" is the schedule's first; `next`: who comes after them instead.
    """

    schedule: ScheduleId
    slot: str = ""
    next: bool = False


class TeamTarget(Struct, frozen=True, tag="team"):
    """Call all members of a team; `on_call`: only who is on call in one of its schedules."""

    team: str
    on_call: bool = False


class WebhookTarget(Struct, frozen=True, tag="webhook"):
    """Tell a URL, signed. A machine answers for nobody: it counts as nobody reached."""

    url: str


Target = PersonTarget | ScheduleTarget | TeamTarget | WebhookTarget


class Step(Struct, frozen=True):
    """Call `targets`, then wait `timeout_s` for an acknowledgement.

    `urgency` is that of its messages; None: the page's. `round_robin`: one of them, in turn. A
    step that is repeated stands `calls` times in its policy, `again` counts those before it.
    """

    targets: tuple[Target, ...]
    timeout_s: Positive
    urgency: Urgency | None = None
    round_robin: bool = False
    again: NotNegative = 0
    calls: Positive = 1


class Policy(Struct, frozen=True, kw_only=True):
    """Who is called, in which order, and who at last when nobody answers.

    `repeat` more rounds follow the first one. `ack_timeout_s` after an acknowledgement the
    page is triggered again unless it is resolved by then; 0 means never. Pages of low urgency
    are held outside of `support_hours`; none means at any hour.
    """

    id: PolicyId
    name: str
    steps: tuple[Step, ...]
    repeat: NotNegative = 0
    catch_all: tuple[Target, ...] = ()
    catch_every_s: Positive = 600
    ack_timeout_s: NotNegative = 1800
    support_hours: tuple[Hours, ...] = ()
    team: str | None = None
