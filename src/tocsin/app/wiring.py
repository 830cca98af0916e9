"""Settings in, an application out: every part made once and given to those who need it."""

import asyncio
import getpass
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import cast

from tocsin.app import chats, contacts, phones
from tocsin.app.outside import Outside
from tocsin.app.push import Push
from tocsin.app.readiness import Readiness
from tocsin.app.senders import senders
from tocsin.command import events as command_events
from tocsin.flows import leaving, planning, response, rotas, selfwatch, showing
from tocsin.flows.assurance import Assurances, CheckPaths
from tocsin.flows.cautions import cautions
from tocsin.flows.detection import Sorter
from tocsin.flows.scheduling import Schedules
from tocsin.governance import actions as governance
from tocsin.governance import events as governance_events
from tocsin.governance.core.config import TeamSpec, compile_teams, team_refs
from tocsin.governance.jobs import Passwords
from tocsin.integrations.apprise.send import AppriseChannel
from tocsin.integrations.generic.mapping import compile_mappings
from tocsin.integrations.ical.read import BODY_S, BYTES_MAX, Calendars
from tocsin.integrations.outbound import Outbound, networks
from tocsin.integrations.twilio.wire import TwilioWire
from tocsin.kernel import idempotency, ids, parking, reactions, resources
from tocsin.kernel.abilities import Abilities
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor, local_id
from tocsin.kernel.clock import Clock, DatabaseClock, FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.db_guests import Guests
from tocsin.kernel.db_watch import DatabaseWatch
from tocsin.kernel.events import Catalog, Event
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.jobs import JobKind, JobKinds
from tocsin.kernel.live import Hub
from tocsin.kernel.reactions import Reactions, RetryReaction, together
from tocsin.kernel.resources import Kind, Store
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.kernel.settings import Settings
from tocsin.kernel.snapshot import Compiler
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.kernel.worker import Worker
from tocsin.oncall import actions as oncall
from tocsin.oncall import events as oncall_events
from tocsin.oncall.core.config import (
    PersonSpec,
    PolicySpec,
    ScheduleSpec,
    compile_directory,
    person_refs,
    policy_accept,
    policy_refs,
    schedule_refs,
)
from tocsin.oncall.core.contacts import ContactDefaultsSpec
from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.jobs import (
    Breakers,
    CalendarLayers,
    Delivery,
    Elsewhere,
    LastResort,
    Listening,
    Noticing,
    Phones,
    Trial,
    Updating,
    UrlTeller,
    Verifying,
)
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel
from tocsin.signals import events as signals_events
from tocsin.signals.actions import Intake
from tocsin.signals.core import heartbeat_config as beats
from tocsin.signals.core.config import IntegrationSpec, compile_integrations, integration_refs
from tocsin.signals.jobs import Pings
from tocsin.topology import events as topology_events
from tocsin.topology.core.config import ServiceSpec, compile_catalogue, service_refs
from tocsin.triage import actions as triage
from tocsin.triage import events as triage_events
from tocsin.triage.core.config import RouteSpec, compile_routing, route_refs
from tocsin.web.address import proxies
from tocsin.web.identity import Identity
from tocsin.web.inbound import Inbound
from tocsin.web.inbound_body import App
from tocsin.web.services import Services
from tocsin.web.site import build_site
from tocsin.web.visibility import Visibility

KINDS = (
    Kind(
        name="Person",
        spec=PersonSpec,
        refs=person_refs,
        private=frozenset({"displayName", "contact"}),
    ),
    Kind(name="ContactDefaults", spec=ContactDefaultsSpec, private=frozenset({"contact"})),
    Kind(name="Schedule", spec=ScheduleSpec, refs=schedule_refs),
    Kind(name="EscalationPolicy", spec=PolicySpec, refs=policy_refs, accept=policy_accept),
    Kind(name="Route", spec=RouteSpec, refs=route_refs),
    Kind(name="Service", spec=ServiceSpec, refs=service_refs),
    Kind(name="Integration", spec=IntegrationSpec, refs=integration_refs),
    Kind(name="Heartbeat", spec=beats.HeartbeatSpec, refs=beats.heartbeat_refs),
    Kind(name="Team", spec=TeamSpec, refs=team_refs),
)
GUESTS = 6  # of the pool's 16 connections: screens and the API
LOOKUPS = 2  # whose token it is that somebody sends
LOOKUPS_WAITING = 500  # as many different tokens as may come at once after a start
REACTIONS: Reactions = together(
    response.REACTIONS,
    selfwatch.REACTIONS,
    showing.REACTIONS,
    rotas.REACTIONS,
    leaving.REACTIONS,
)
EVENT_MODULES = (
    signals_events, topology_events, triage_events, command_events, oncall_events,
    governance_events, resources, reactions,
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


def compilers(channels: Iterable[MethodKind] = MethodKind) -> tuple[Compiler, ...]:
    """Return what turns resources into nouns; by `channels` people can be told here."""
    return (
        partial(compile_directory, channels=frozenset(channels)), compile_routing, compile_catalogue,
        compile_teams, compile_integrations, compile_mappings, beats.compile_heartbeats,
    )  # fmt: skip


def local_actor() -> Actor:
    """Return who runs a command on this machine: whoever can read the data directory may do all."""
    user = getpass.getuser()
    return Actor(kind="local", id=local_id(user), name=f"local:{user}", role=Role.ADMIN)


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
        self.guests = Guests(self.db, slots=GUESTS)
        self.database_watch = DatabaseWatch(self.db, self.clock)
        outbound = Outbound(allowed=networks(",".join(settings.allow_networks)))
        apprise = AppriseChannel(outbound, disabled=settings.apprise_disable)
        self.catalog = catalog()
        self.hub = Hub(self.db)
        self.database_watch.on_outage.append(self.hub.restart_streams)
        self.way = RightOfWay()
        self.intake = Intake(self.db, self.clock, self.way)
        self.chats = chats.chats(settings, outbound, self.clock.now)
        self.push = Push(settings, self.clock, lambda: self.units)
        self.breakers = Breakers(self.clock.now, self._note_provider)
        self.telephone = phones.telephone(settings, outbound, self.breakers)
        channels = channels or self.breakers.guard({
            **contacts.channels(settings, outbound, self.clock, apprise),
            **self.chats.channels,
            **self.telephone.channels,
            MethodKind.PUSH: self.push.channel(outbound),
        })  # fmt: skip
        # a command's own settings say nothing of what the server can send
        nouns = compilers(MethodKind if actor else channels)
        self.store = Store(
            contacts.checking(KINDS, apprise), nouns, planning.explain, cautions, Schedules()
        )
        last_resort = contacts.last_resort(settings, outbound, channels)
        kinds = self._kinds(channels, last_resort)
        self.units = Units(self.db, self.clock, self.store.refresh, REACTIONS, kinds)
        self.worker = Worker(self.units, kinds, self.clock, self.way)
        self.senders = senders(self.clock, self.store, settings.base_url)
        self.sorter = self._sorter()
        self.seal_wake = asyncio.Event()
        self.units.on_commit.append(self._sealing_is_due)
        self.readiness = self._readiness(channels)
        self.services = self._services(channels, actor)

    def _kinds(
        self, channels: Mapping[MethodKind, Channel], last_resort: LastResort
    ) -> JobKinds:
        base_url = self.settings.base_url
        able = channels.keys() if "work" in self.settings.roles else ()
        self.abilities = Abilities(self.db, MethodKind, able)
        delivery = Delivery(
            channels, self._issue_link, base_url, contacts.roles_of, hears=self.chats.hears,
            elsewhere=self.abilities.elsewhere,
        )  # fmt: skip
        tellers = _tellers(channels, base_url, self.abilities.elsewhere)
        return _job_kinds(delivery, tellers, last_resort, self.catalog, self.store)

    def _readiness(self, channels: Mapping[MethodKind, Channel]) -> Readiness:
        found = Readiness(
            self.settings, self.database_watch, self.clock, self.store, self.worker, channels
        )
        found.refuses = self.intake.refuses
        found.down = self.breakers.down
        found.listeners = [one.name for one in self.chats.listeners]
        if self.telephone.polls:
            found.listeners = [*found.listeners, TwilioWire.provider]
        return found

    def _calendars(self) -> Calendars:
        allowed = networks(",".join(self.settings.allow_networks))
        return Calendars(
            Outbound(allowed=allowed, response_limit_bytes=BYTES_MAX + 1, body_timeout_s=BODY_S)
        )

    def _services(
        self, channels: Mapping[MethodKind, Channel], actor: Actor | None
    ) -> Services:
        settings, passwords, codes = self.settings, Passwords(), Passwords()
        calendars = self._calendars()
        self.calendar_layers = CalendarLayers(self.units, self.clock, calendars)
        verifying = Verifying(
            self.units, channels, settings.base_url, hashed=codes.hash,
            matches=codes.matches,
        )  # fmt: skip
        return Services(
            settings=settings, db=self.guests, database_watch=self.database_watch,
            clock=self.clock, units=self.units.on(self.guests), store=self.store,
            catalog=self.catalog, hub=self.hub, visibility=Visibility(self.guests),
            intake=self.intake, pings=self.pings, passwords=passwords,
            proxies=proxies(settings.trusted_proxies),
            identity=Identity(
                Guests(self.db, slots=LOOKUPS, waiting_max=LOOKUPS_WAITING),
                self.clock, actor, store=self.store,
            ),
            alertmanager=self.senders.alertmanager, pagerduty=self.senders.pagerduty,
            webhook=self.senders.webhook, calendars=calendars,
            readiness=self.readiness.check, troubles=self.readiness.words,
            reactions=reactions_table, started_at=self.clock.now(),
            try_contact=Trial(self.units, channels, settings.base_url).run,
            ack_link=contacts.AckLinks(self.units, self._issue_link).of,
            phones=self.phones, phone_wire=self.telephone.wire,
            push=self.push, send_code=verifying.send_code, enter_code=verifying.enter,
            assurances=Assurances(self.store),
        )  # fmt: skip

    def _sorter(self) -> Sorter:
        sorter = Sorter(
            self.units,
            self.senders.readers,
            self.clock,
            retention_days=self.settings.retention_days,
            intake_is_busy=self.intake.is_busy,
            pace=self.intake.pace,
        )
        sorter.way = self.way
        self.intake.on_kept.append(sorter.hint)
        self.pings.on_kept.append(sorter.hint)
        return sorter

    @cached_property
    def pings(self) -> Pings:
        """What takes the pings of users' jobs, and misses those that do not come."""
        return Pings(
            self.units,
            lambda: self.store.current.part(beats.Heartbeats),
            self.intake.pulse,
            self.way,
        )

    @cached_property
    def listening(self) -> list[Listening]:
        """The connections by which people answer; made when somebody is to keep them."""
        polling = phones.polling(self.telephone, self.phones, self.clock)
        return chats.listening(self.units, [*self.chats.listeners, *polling])

    @cached_property
    def outside(self) -> Outside:
        """What tells a monitor outside that all is well."""
        settings = self.settings
        outbound = Outbound(allowed=networks(",".join(settings.allow_networks)))
        return Outside(outbound, settings.heartbeat_url, self.clock, self.readiness.check)

    @cached_property
    def phones(self) -> Phones:
        """What people do by telephone."""
        return Phones(self.units, chats.actor_of)

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
            if isinstance(self.clock, DatabaseClock):
                ids.follow(self.clock.now())
            await self.store.refresh(conn)

    async def close(self) -> None:
        """Let the database go."""
        await self.abilities.close()
        await self.database_watch.close()
        await self.db.close()

    def _sealing_is_due(self, unit: Unit) -> None:
        if unit.events:
            self.seal_wake.set()

    async def _note_provider(self, provider: str, reason: str) -> None:
        await self.units.run(SYSTEM, lambda unit: oncall.note_provider(unit, provider, reason))

    async def _issue_link(self, unit: Unit, person_id: PersonId, page_id: PageId) -> str:
        secret = await governance.issue_acknowledge(unit, person_id, page_id)
        return f"{self.settings.base_url}/a/{secret}"

    async def sign_in_link(
        self, role: Role = Role.ADMIN, person_id: PersonId | None = None
    ) -> str:
        """Return the URL of a new one-time sign-in link."""

        async def issue(unit: Unit) -> str:
            return await governance.issue_sign_in(unit, role, person_id)

        secret = await self.units.run(SYSTEM, issue)
        return f"{self.settings.base_url}/sign-in/{secret}"


def _tellers(
    channels: Mapping[MethodKind, Channel], base_url: str, elsewhere: Elsewhere
) -> tuple[JobKind, ...]:
    """Return what tells people, and programs, of things other than a page."""
    updating, noticing = Updating(channels, base_url), Noticing(channels, base_url, elsewhere)
    teller = UrlTeller(channels, base_url)
    return (
        JobKind(job=oncall.TellUrl, mode="errand", run=teller.tell),
        JobKind(job=oncall.UpdateMessages, mode="errand", run=updating.update),
        JobKind(job=oncall.SendNotice, mode="errand", run=noticing.send),
    )


def _job_kinds(
    delivery: Delivery,
    tellers: tuple[JobKind, ...],
    last_resort: LastResort,
    known: Catalog,
    store: Store,
) -> JobKinds:
    retry = parking.retrier(REACTIONS, known)
    return JobKinds(
        (
            JobKind(job=oncall.PageTimer, mode="timer", run=oncall.timer_is_due, shares=True),
            JobKind(job=oncall.ReceiptDue, mode="timer", run=oncall.receipt_is_due),
            JobKind(job=oncall.Deliver, mode="errand", run=delivery.deliver),
            JobKind(job=oncall.CallLastResort, mode="errand", run=last_resort.call),
            *tellers,
            JobKind(job=triage.GroupDue, mode="timer", run=triage.group_is_due),
            JobKind(job=triage.RepeatDue, mode="timer", run=triage.group_repeats),
            JobKind(job=triage.PutOffRepeats, mode="timer", run=triage.repeats_are_put_off),
            JobKind(job=triage.GatherWords, mode="leisure", run=triage.gather_words),
            JobKind(job=RetryReaction, mode="timer", run=retry),
            JobKind(job=resources.ComeIntoForce, mode="timer", run=store.come_into_force),
            JobKind(job=idempotency.ForgetAnswers, mode="timer", run=idempotency.forget),
            JobKind(job=CheckPaths, mode="leisure", run=Assurances(store).check_nightly),
        )
    )


def reactions_table() -> str:
    """Return the story as text: event, then what follows, MUST before MAY."""
    lines = []
    for event, following in REACTIONS.items():
        lines.append(str(event.__struct_config__.tag))
        lines += [f"  {'MUST' if one.must else 'MAY '} {one.name}" for one in following]
    return "\n".join(lines)
