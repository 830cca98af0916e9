"""What on-call does outside a transaction: deliver, call the last resort, send a test."""

from tocsin.oncall.jobs.delivery import Delivery
from tocsin.oncall.jobs.devices import Devices
from tocsin.oncall.jobs.guarding import (
    Breakers,
    Guarded,
    InOrder,
)
from tocsin.oncall.jobs.last_resort import LastResort
from tocsin.oncall.jobs.listening import (
    Listening,
)
from tocsin.oncall.jobs.noticing import Noticing
from tocsin.oncall.jobs.phoning import (
    Phones,
)
from tocsin.oncall.jobs.replies import (
    ActorOf,
    Replies,
    WhoIs,
)
from tocsin.oncall.jobs.sending import SETTINGS, Elsewhere
from tocsin.oncall.jobs.subscribed import CalendarLayers
from tocsin.oncall.jobs.trial import Trial
from tocsin.oncall.jobs.updating import (
    Updating,
)
from tocsin.oncall.jobs.urls import UrlTeller
from tocsin.oncall.jobs.verifying import Verifying

__all__ = [
    "SETTINGS",
    "ActorOf",
    "Breakers",
    "CalendarLayers",
    "Delivery",
    "Devices",
    "Elsewhere",
    "Guarded",
    "InOrder",
    "LastResort",
    "Listening",
    "Noticing",
    "Phones",
    "Replies",
    "Trial",
    "Updating",
    "UrlTeller",
    "Verifying",
    "WhoIs",
]
