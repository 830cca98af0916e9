"""Configuration as data with a history: one store, one diff, one way in for every kind."""

from tocsin.kernel.resources.events import (
    ResourcesApplied,
    ResourcesScheduled,
    ScheduledResourcesFailed,
)
from tocsin.kernel.resources.keeping import ComeIntoForce
from tocsin.kernel.resources.model import (
    API_VERSION,
    DOCUMENTS_MAX,
    Applied,
    Change,
    Document,
    FieldChange,
    Kind,
    Managed,
    Metadata,
    Plan,
)
from tocsin.kernel.resources.newest import require_newest
from tocsin.kernel.resources.store import Store

__all__ = [
    "API_VERSION",
    "DOCUMENTS_MAX",
    "Applied",
    "Change",
    "ComeIntoForce",
    "Document",
    "FieldChange",
    "Kind",
    "Managed",
    "Metadata",
    "Plan",
    "ResourcesApplied",
    "ResourcesScheduled",
    "ScheduledResourcesFailed",
    "Store",
    "require_newest",
]
