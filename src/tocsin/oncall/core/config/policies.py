"""EscalationPolicy, as it is written in YAML, and what it compiles to."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, cast
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.durations import Duration
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PolicyId, ScheduleId
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.config.checks import at_least, person_id, team_ref
from tocsin.oncall.core.config.hours import SupportHoursList, to_support_hours
from tocsin.oncall.model import (
    PersonTarget,
    Policy,
    ScheduleTarget,
    Step,
    Target,
    TeamTarget,
    WebhookTarget,
)

CATCH_ALL = "catch-all"
CALLS_MAX = 60
TARGETS_MAX = 50
"""So many are called at once, by a step or by the catch-all."""
HOOK = "https://hooks.example.org/page"


class WebhookSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A URL that is told, signed with TOCSIN_WEBHOOK_SECRET.

    It stands in the history of the policy, so it holds no key: the signature is the proof.
    """

    url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s@?#]+$",
            max_length=2000,
            examples=[HOOK],
        ),
    ]


class TargetSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One of a person, a schedule, a team or a webhook.

    Of a schedule `slot` says which (its first without one), and `next` who comes after whoever
    is on call. Of a team all members are called, or with `onCall` who is on call in its
    schedules. A webhook is told and answers for nobody.
    """

    person: str | None = None
    schedule: str | None = None
    slot: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    next: bool = False
    team: str | None = None
    on_call: bool = False
    webhook: WebhookSpec | None = None


class StepMode(StrEnum):
    """Whether a step calls all its targets, or one of them, who changes with each new page."""

    ALL = "all"
    ROUND_ROBIN = "round-robin"


class StepSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to call, and how long to wait for an acknowledgement.

    `repeat` calls the step so often again before the next one. `urgency` is that of its
    messages; without it the page's.
    """

    targets: Annotated[tuple[TargetSpec, ...], Meta(min_length=1, max_length=TARGETS_MAX)]
    timeout: Duration = "5m"
    mode: StepMode = StepMode.ALL
    repeat: Annotated[int, Meta(ge=0, le=9)] = 0
    urgency: Urgency | None = None


class PolicySpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Steps in order, `repeat` more rounds, then the catch-all until somebody acknowledges.

    Pages of low urgency are held outside of `supportHours`, and on the public holidays that they
    name; without support hours there is no such time.
    """

    steps: Annotated[tuple[StepSpec, ...], Meta(min_length=1, max_length=20)]
    repeat: Annotated[int, Meta(ge=0, le=9)] = 1
    catch_all: tuple[TargetSpec, ...] = ()
    catch_all_every: Duration = "10m"
    ack_timeout: Duration = "30m"
    support_hours: SupportHoursList = ()
    team: str | None = None


def policy_refs(spec: PolicySpec) -> Iterable[tuple[str, str, str]]:
    """Name the people and schedules a policy points at. Raises Invalid for an empty target."""
    found = []
    for at, step in enumerate(spec.steps):
        found += [_ref(target, f"spec.steps[{at}].targets") for target in step.targets]
    found += [_ref(target, "spec.catchAll") for target in spec.catch_all]
    return [*(one for one in found if one[0] != "webhook"), *team_ref(spec.team)]


def policy_accept(spec: PolicySpec) -> None:
    """Refuse webhooks without a host, and a catch-all that is too long. Raises Invalid."""
    for at, step in enumerate(spec.steps):
        _check_hosts(step.targets, f"spec.steps[{at}].targets")
    _check_hosts(spec.catch_all, "spec.catchAll")
    if len(spec.catch_all) > TARGETS_MAX:
        raise Invalid(
            f"spec.catchAll: {len(spec.catch_all)} are called at once; name at most"
            f" {TARGETS_MAX}, or a team",
            field="spec.catchAll",
        )


def _check_hosts(targets: Sequence[TargetSpec], where: str) -> None:
    for at, one in enumerate(targets):
        if one.webhook is not None and not host_of(one.webhook.url):
            field = f"{where}[{at}].webhook.url"
            raise Invalid(
                f"{field}: {one.webhook.url!r} names no host; write e.g. {HOOK}", field=field
            )


def host_of(url: str) -> str:
    """Return whom a webhook is for; "" where nobody could be asked by it."""
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0
    except ValueError:
        return ""
    return (parts.hostname or "") if is_port else ""


def _ref(target: TargetSpec, field: str) -> tuple[str, str, str]:
    named = {
        "Person": target.person, "Schedule": target.schedule, "Team": target.team,
        "webhook": target.webhook,
    }  # fmt: skip
    found = [(kind, value) for kind, value in named.items() if value is not None]
    if len(found) != 1:
        raise Invalid(
            f"{field}: a target has one of person, schedule, team and webhook", field=field
        )
    if (target.slot or target.next) and target.schedule is None:
        raise Invalid(f"{field}: slot and next belong to a schedule", field=field)
    if target.on_call and target.team is None:
        raise Invalid(f"{field}: onCall belongs to a team", field=field)
    [(kind, value)] = found
    return (kind, value if isinstance(value, str) else "", field)


def to_policies(resources: Resources) -> dict[str, Policy]:
    """Compile all policies, by name. Raises Invalid."""
    found = resources.of("EscalationPolicy")
    last = next((r for r in found if r.name == CATCH_ALL), None)
    shared: tuple[Target, ...] = ()
    if last is not None:
        steps = cast("PolicySpec", last.spec).steps
        shared = tuple(_target(t, resources) for step in steps for t in step.targets)
    return {r.name: _policy(r, resources, shared) for r in found}


def _policy(resource: Resource, resources: Resources, shared: tuple[Target, ...]) -> Policy:
    spec = cast("PolicySpec", resource.spec)
    where = f"EscalationPolicy/{resource.name}: spec"
    calls = sum(step.repeat + 1 for step in spec.steps)
    if calls > CALLS_MAX:
        raise Invalid(
            f"{where}: its steps are {calls} calls; at most {CALLS_MAX}", field="spec"
        )
    return Policy(
        id=PolicyId(cast("UUID", resource.uid)),
        name=resource.name,
        steps=tuple(
            one
            for at, step in enumerate(spec.steps)
            for one in _steps(step, resources, f"{where}.steps[{at}]")
        ),
        repeat=spec.repeat,
        catch_all=tuple(_target(target, resources) for target in spec.catch_all) or shared,
        catch_every_s=at_least(spec.catch_all_every, 1, f"{where}.catchAllEvery"),
        ack_timeout_s=at_least(spec.ack_timeout, 0, f"{where}.ackTimeout"),
        support_hours=tuple(
            to_support_hours(
                one, "UTC", f"EscalationPolicy/{resource.name}", f"spec.supportHours[{at}]"
            )
            for at, one in enumerate(spec.support_hours)
        ),
        team=spec.team,
    )


def _steps(spec: StepSpec, resources: Resources, where: str) -> Iterable[Step]:
    """Write a step down as often as it is called in a row."""
    targets = tuple(_target(target, resources) for target in spec.targets)
    timeout_s = at_least(spec.timeout, 1, f"{where}.timeout")
    for again in range(spec.repeat + 1):
        yield Step(
            targets, timeout_s, spec.urgency, spec.mode is StepMode.ROUND_ROBIN, again,
            spec.repeat + 1,
        )  # fmt: skip


def _target(target: TargetSpec, resources: Resources) -> Target:
    if target.person is not None:
        return PersonTarget(person_id(target.person, resources))
    if target.team is not None:
        return TeamTarget(target.team, target.on_call)
    if target.webhook is not None:
        return WebhookTarget(target.webhook.url)
    uid = resources.uid("Schedule", target.schedule or "")
    return ScheduleTarget(ScheduleId(cast("UUID", uid)), target.slot or "", target.next)
