"""Services with what goes on around them now: for the API, the screens and the command line."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from tocsin.command import reads as command
from tocsin.command.model import Incident
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.topology.model import Catalogue, Service
from tocsin.triage import reads as triage
from tocsin.triage.core.trying import try_labels
from tocsin.triage.model import Routing
from tocsin.web.ladders import PolicyLine, policy_line


class IncidentRef(Struct, frozen=True):
    """An open incident, by its number."""

    id: UUID
    number: int

    @property
    def reference(self) -> str:
        """Return the name people call it by."""
        return f"INC-{self.number}"


class ServiceNow(Struct, frozen=True, kw_only=True):
    """A service, what fires for it, and whom an urgent alert about it would call."""

    service: Service
    alert_count: int
    incidents: tuple[IncidentRef, ...]
    routes: tuple[str, ...]
    policies: tuple[PolicyLine, ...]

    @property
    def on_call(self) -> tuple[str, ...]:
        """Return who would be called first."""
        first = (line.steps[0].people for line in self.policies if line.steps)
        return tuple(dict.fromkeys(person.name for people in first for person in people))


async def services_now(unit: Unit, services: Sequence[Service]) -> list[ServiceNow]:
    """Gather what goes on around services, in one read for all of them."""
    catalogue = unit.config(Catalogue)
    firing: dict[str, list[triage.FiringAbout]] = {}
    if services and unit.actor.may("alert:read"):
        for one in await triage.firing_about(unit, catalogue.label_names):
            found = catalogue.of(one.about)
            if found is not None:
                firing.setdefault(found.name, []).append(one)
    may_read = services and unit.actor.may("incident:read")
    incidents = await command.open_incidents(unit) if may_read else []
    directory = await oncall.directory(unit) if services else unit.config(Directory)
    return [_now(unit, one, firing.get(one.name, ()), incidents, directory) for one in services]


def sample_labels(service: Service) -> dict[str, str]:
    """Return labels that an alert about this service could carry."""
    return {name: values[0] for name, values in service.labels.items()}


def _now(
    unit: Unit,
    service: Service,
    firing: Iterable[triage.FiringAbout],
    incidents: Iterable[Incident],
    directory: Directory,
) -> ServiceNow:
    placement = try_labels(sample_labels(service), unit.config(Routing)).placement
    policies = {directory.policy(name).id: name for name in placement.policies}
    return ServiceNow(
        service=service,
        alert_count=sum(one.alert_count for one in firing),
        incidents=tuple(
            IncidentRef(one.id, one.number) for one in incidents if service.name in one.services
        ),
        routes=placement.routes,
        policies=tuple(
            policy_line(directory.policy(name), directory, unit.now)
            for name in policies.values()
        ),
    )
