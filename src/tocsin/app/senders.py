"""Whose messages are understood: one vendor a format, and what speaks for each at its door."""

from collections.abc import Mapping

from msgspec import Struct

from tocsin.integrations.alertmanager.api import AlertmanagerApi
from tocsin.integrations.generic import api as generic
from tocsin.integrations.generic.api import GenericWebhook
from tocsin.integrations.generic.mapping import Mappings
from tocsin.integrations.pagerduty import api as pagerduty
from tocsin.integrations.pagerduty.api import PagerdutyApi
from tocsin.kernel.clock import Clock
from tocsin.kernel.resources import Store
from tocsin.signals.core import heartbeat_alert
from tocsin.signals.core.heartbeat_alert import HeartbeatReader
from tocsin.signals.model import IntegrationType
from tocsin.signals.ports import Reader
from tocsin.web.inbound import FORMAT


class Senders(Struct, frozen=True, kw_only=True):
    """Each of them takes messages at the door, and reads what was kept of them."""

    alertmanager: AlertmanagerApi
    pagerduty: PagerdutyApi
    webhook: GenericWebhook
    heartbeats: HeartbeatReader

    @property
    def readers(self) -> Mapping[str, Reader]:
        """Return who reads a receipt, by the format that stands in it."""
        return {
            FORMAT: self.alertmanager,
            pagerduty.FORMAT: self.pagerduty,
            generic.FORMAT: self.webhook,
            heartbeat_alert.FORMAT: self.heartbeats,
        }


def senders(clock: Clock, store: Store, base_url: str) -> Senders:
    """Make them; mappings are those of the configuration in force."""
    alertmanager, events = AlertmanagerApi(clock), PagerdutyApi()
    webhook = GenericWebhook(
        lambda: store.current.part(Mappings),
        {IntegrationType.ALERTMANAGER: alertmanager, IntegrationType.PAGERDUTY: events},
    )
    return Senders(
        alertmanager=alertmanager, pagerduty=events, webhook=webhook,
        heartbeats=HeartbeatReader(base_url),
    )  # fmt: skip
