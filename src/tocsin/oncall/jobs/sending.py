"""One attempt by whatever channel a method needs, with no secret in what comes back."""

from collections.abc import Mapping

from msgspec.structs import replace

from tocsin.kernel.logs import Log
from tocsin.oncall.core.contacts import scrubbed
from tocsin.oncall.model import Method, MethodKind
from tocsin.oncall.ports import (
    Channel,
    Outcome,
    Outgoing,
    PermanentFailure,
    Sent,
    TransientFailure,
)

log = Log("oncall")
Channels = Mapping[MethodKind, Channel]


async def send(channels: Channels, method: Method, message: Outgoing) -> Outcome:
    """Send once by a method's channel; whatever goes wrong there is an outcome."""
    channel = channels.get(method.kind)
    if channel is None:
        return PermanentFailure(f"no {method.kind} is set up here; see the settings")
    try:
        return _without_secrets(await channel.send(message), method)
    except Exception as error:  # noqa: BLE001 - door: a channel's bug must not cost the next method
        # its words may quote the address, so only its kind is told
        log.error("channel.failed", method=method.kind, error_kind=type(error).__name__)
        return TransientFailure(f"{type(error).__name__} in the {method.kind} channel")


def _without_secrets(outcome: Outcome, method: Method) -> Outcome:
    match outcome:
        case Sent(provider_id=provider_id):
            return replace(outcome, provider_id=scrubbed(provider_id, method))
        case TransientFailure(reason) | PermanentFailure(reason):
            return replace(outcome, reason=scrubbed(reason, method))
