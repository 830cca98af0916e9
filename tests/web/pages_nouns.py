"""Two people, one policy, one incident with its page: what the pure tests of screens show."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from tocsin.command.model import Calling, Incident, IncidentStatus
from tocsin.command.reads import IncidentRow
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId, uuid7
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import (
    Method,
    MethodKind,
    Page,
    PageState,
    Person,
    PersonTarget,
    Policy,
    Step,
)
from tocsin.web.forecasts import TIMER

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
MAYA, JONAS, POLICY, INCIDENT = PersonId(uuid7()), PersonId(uuid7()), PolicyId(uuid7()), uuid7()
EMAIL = Method(kind=MethodKind.EMAIL, address="maya@example.org")
DIRECTORY = Directory(
    {
        MAYA: Person(id=MAYA, name="maya", display_name="Maya Okafor", methods=(EMAIL,)),
        JONAS: Person(id=JONAS, name="jonas", display_name="Jonas Weber", methods=(EMAIL,)),
    },
    {},
    {
        "default": Policy(
            id=POLICY,
            name="default",
            steps=(Step((PersonTarget(MAYA),), 300), Step((PersonTarget(JONAS),), 300)),
            catch_all=(PersonTarget(MAYA), PersonTarget(JONAS)),
        )
    },
)
THE_INCIDENT = Incident(
    id=IncidentId(INCIDENT),
    number=42,
    title="HighErrorRate on checkout",
    description="6.8 % of requests fail",
    status=IncidentStatus.INVESTIGATING,
    severity=Severity.SEV1,
    urgency=Urgency.HIGH,
    policy="",
    labels={"service": "checkout", "alertname": "HighErrorRate"},
    opened_at=NOON,
)
CALLED = Page(
    id=PageId(uuid7()),
    incident_id=IncidentId(INCIDENT),
    policy_id=POLICY,
    epoch=1,
    step=0,
    opened_at=NOON,
)
TAKEN = replace(
    CALLED, epoch=2, state=PageState.ACKNOWLEDGED, acknowledged_by=MAYA, acknowledged_at=NOON
)
TAKEN_AGAIN = NOON + timedelta(minutes=30)  # the acknowledgement is good for so long
DUE = NOON + timedelta(minutes=5)
WAITING: dict[UUID, list[tuple[str, datetime]]] = {
    CALLED.id: [("oncall.deliver", NOON), (TIMER, DUE)]
}
LISTED = IncidentRow(
    id=THE_INCIDENT.id,
    number=42,
    title=THE_INCIDENT.title,
    status=IncidentStatus.INVESTIGATING,
    severity=Severity.SEV1,
    priority=None,
    urgency=Urgency.HIGH,
    team=None,
    services=("checkout",),
    opened_at=NOON,
    resolved_at=None,
    merged_into=None,
    version=1,
    restricted=False,
    alert_count=3,
    firing_count=2,
    calling=Calling.CALLING,
    acknowledged_by=None,
    acknowledged_via="",
    responders=(),
)


def actor(role: Role) -> Actor:
    """Return somebody of this role, in no team."""
    return Actor(kind="person", id=uuid7(), name="somebody", role=role)
