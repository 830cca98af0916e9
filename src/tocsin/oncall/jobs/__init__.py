"""What on-call does outside a transaction: deliver, call the last resort, send a test."""

from tocsin.oncall.jobs.delivery import Delivery
from tocsin.oncall.jobs.last_resort import LastResort
from tocsin.oncall.jobs.trial import Trial

__all__ = ["Delivery", "LastResort", "Trial"]
