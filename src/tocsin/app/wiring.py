"""Settings in, an application out: every part made once and given to those who need it."""

import asyncio
import getpass
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import cast
from uuid import NAMESPACE_URL, UUID, uuid5

from tocsin.app.readiness import Readiness
from tocsin.command import events as command_events
from tocsin.flows import response, selfwatch
from tocsin.flows.detection import Sorter
from tocsin.governance import actions as governance
from tocsin.governance import events as governance_events
from tocsin.integrations.alertmanager.api import AlertmanagerApi
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound, networks
from tocsin.integrations.smtp.send import Smtp
from tocsin.integrations.webhook.send import Webhook
from tocsin.kernel import parking, resources
from tocsin.kernel import unit as unit_of_work
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.clock import Clock, DatabaseClock, FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Invalid
from tocsin.kernel.events import Catalog, Event
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.jobs import JobKind, JobKinds
from tocsin.kernel.live import Hub
from tocsin.kernel.resources import Kind, Store
from tocsin.kernel.settings import Settings
from tocsin.kernel.unit import Reactions, RetryReaction, Unit, Units
from tocsin.kernel.worker import Worker
from tocsin.oncall import actions as oncall
from tocsin.oncall import events as oncall_events
from tocsin.oncall.core.config import (
    PersonSpec,
    PolicySpec,
    ScheduleSpec,
    compile_directory,
    policy_refs,
    schedule_refs,
)
from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.jobs import Delivery
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel
from tocsin.signals import events as signals_events
from tocsin.signals.actions import Intake
from tocsin.triage import actions as triage
from tocsin.triage import events as triage_events
from tocsin.triage.core.config import RouteSpec, compile_routing, route_refs
from tocsin.web.identity import Identity
from tocsin.web.inbound import FORMAT, App, Inbound
from tocsin.web.services import Services
from tocsin.web.site import build_site

KINDS = (
    Kind(name="Person", spec=PersonSpec, private=frozenset({"displayName", "contact"})),
    Kind(name="Schedule", spec=ScheduleSpec, refs=schedule_refs),
    Kind(name="EscalationPolicy", spec=PolicySpec, refs=policy_refs),
    Kind(name="Route", spec=RouteSpec, refs=route_refs),
)
REACTIONS: Reactions = {**response.REACTIONS, **selfwatch.REACTIONS}
COMPILERS = (compile_directory, compile_routing)
EVENT_MODULES = (
    signals_events, triage_events, command_events, oncall_events, governance_events, resources,
    unit_of_work,
)  # fmt: skip


def catalog() -> Catalog:
    """Collect every kind of event that has a sentence."""
    found = (value for module in EVENT_MODULES for value in vars(module).values())
    return Catalog(
        kind
        for kind in found
        if isinstance(kind, type) and issubclass(kind, Event) and "sentence" in vars(kind)
        if kind is not Event
    )


def local_actor() -> Actor:
    """Return who runs a command on this machine: whoever can read the data directory may do all."""
    name = f"local:{getpass.getuser()}"
    return Actor(kind="local", id=uuid5(NAMESPACE_URL, name), name=name, role=Role.ADMIN)


class Application:
    """One process's Tocsin, assembled but not started."""

    def __init__(
        self,
        settings: Settings,
        conninfo: str,
        *,
        clock: Clock | None = None,
        channels: Mapping[MethodKind, Channel] | None = None,
        actor: Actor | None = None,
        database: Callable[[str], Database] = Database,
    ) -> None:
        use_tzdata_wheel_only()
        self.settings = settings
        self.clock = clock or DatabaseClock()
        self.db = database(conninfo)
        self.store = Store(KINDS, COMPILERS)
        self.catalog = catalog()
        self.hub = Hub(self.db)
        self.intake = Intake(self.db, self.clock)
        outbound = Outbound(allowed=networks(",".join(settings.allow_networks)))
        channels = _channels(settings, outbound, self.clock) if channels is None else channels
        delivery = Delivery(
            channels, _last_resort(settings, outbound, channels), self._issue_link,
            settings.base_url,
        )  # fmt: skip
        kinds = _job_kinds(delivery, self.catalog)
        self.units = Units(self.db, self.clock, self.store.refresh, REACTIONS, kinds)
        self.worker = Worker(self.units, kinds, self.clock)
        vendor = AlertmanagerApi(self.clock)
        self.sorter = Sorter(
            self.units,
            {FORMAT: vendor},
            self.clock,
            retention_days=settings.retention_days,
            intake_is_busy=self.intake.is_busy,
            pace=self.intake.pace,
        )
        self.intake.on_kept.append(self.sorter.hint)
        self.seal_wake = asyncio.Event()
        self.units.on_commit.append(self._sealing_is_due)
        self.readiness = Readiness(
            settings, self.db, self.clock, self.store, self.worker, channels
        )
        self.services = Services(
            settings=settings, db=self.db, clock=self.clock, units=self.units, store=self.store,
            catalog=self.catalog, hub=self.hub, intake=self.intake,
            identity=Identity(self.db, self.clock, actor), alertmanager=vendor,
            readiness=self.readiness.check, reactions=reactions_table,
            started_at=self.clock.now(),
        )  # fmt: skip

    @cached_property
    def site(self) -> Inbound:
        """All that answers HTTP; made when it is first asked for."""
        return Inbound(self.services, cast("App", build_site(self.services)))

    async def open(self) -> None:
        """Connect, take over the database's clock and the newest configuration."""
        await self.db.open()
        async with self.db.connection() as conn:
            if isinstance(self.clock, DatabaseClock | FakeClock):
                await self.clock.anchor(conn)
            await self.store.refresh(conn)

    async def close(self) -> None:
        """Let the database go."""
        await self.db.close()

    def _sealing_is_due(self, unit: Unit) -> None:
        if unit.events:
            self.seal_wake.set()

    async def _issue_link(self, unit: Unit, person_id: PersonId, page_id: PageId) -> str:
        secret = await governance.issue_acknowledge(unit, person_id, page_id)
        return f"{self.settings.base_url}/a/{secret}"

    async def sign_in_link(self, role: Role = Role.ADMIN, person_id: UUID | None = None) -> str:
        """Return the URL of a new one-time sign-in link."""

        async def issue(unit: Unit) -> str:
            return await governance.issue_sign_in(unit, role, person_id)

        secret = await self.units.run(SYSTEM, issue)
        return f"{self.settings.base_url}/sign-in/{secret}"


def _job_kinds(delivery: Delivery, known: Catalog) -> JobKinds:
    retry = parking.retrier(REACTIONS, known)
    return JobKinds(
        (
            JobKind(job=oncall.PageTimer, mode="timer", run=oncall.timer_is_due),
            JobKind(job=oncall.Deliver, mode="errand", run=delivery.deliver),
            JobKind(job=oncall.CallLastResort, mode="errand", run=delivery.call_last_resort),
            JobKind(job=triage.GroupDue, mode="timer", run=triage.group_is_due),
            JobKind(job=RetryReaction, mode="timer", run=retry),
        )
    )


def _channels(
    settings: Settings, outbound: Outbound, clock: Clock
) -> dict[MethodKind, Channel]:
    found: dict[MethodKind, Channel] = {
        MethodKind.WEBHOOK: Webhook(outbound, secret=settings.webhook_secret, now=clock.now)
    }
    if settings.smtp_url:
        try:
            found[MethodKind.EMAIL] = Smtp(
                settings.smtp_url, sender=settings.mail_from, now=clock.now
            )
        except ValueError as error:
            raise Invalid(f"TOCSIN_SMTP_URL: {error}", field="TOCSIN_SMTP_URL") from error
    return found


def _last_resort(
    settings: Settings, outbound: Outbound, channels: Mapping[MethodKind, Channel]
) -> Sequence[tuple[str, Channel]]:
    found: list[tuple[str, Channel]] = []
    for contact in settings.last_resort:
        scheme = contact.partition(":")[0]
        if scheme == "mailto" and MethodKind.EMAIL in channels:
            found.append((contact.removeprefix("mailto:"), channels[MethodKind.EMAIL]))
        elif scheme in ("http", "https"):
            found.append((contact, channels[MethodKind.WEBHOOK]))
        elif scheme.startswith("ntfy"):
            found.append((contact, cast("Channel", Ntfy(outbound))))
        else:
            raise Invalid(
                f"TOCSIN_LAST_RESORT: cannot use {contact!r}; write mailto: (with TOCSIN_SMTP_URL"
                " set), https:// or ntfy://", field="TOCSIN_LAST_RESORT",
            )  # fmt: skip
    return found


def reactions_table() -> str:
    """Return the story as text: event, then what follows, MUST before MAY."""
    lines = []
    for event, reactions in REACTIONS.items():
        lines.append(str(event.__struct_config__.tag))
        lines += [f"  {'MUST' if one.must else 'MAY '} {one.name}" for one in reactions]
    return "\n".join(lines)
