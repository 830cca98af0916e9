"""One attempt by whatever channel a method needs, with no secret in what comes back."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from tocsin.kernel.logs import Log
from tocsin.kernel.unit import Unit
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
Elsewhere = Callable[[Unit, MethodKind], Awaitable[bool]]
"""Says whether another process has a channel of a kind, or had one a moment ago."""

SETTINGS = {
    MethodKind.EMAIL: "TOCSIN_SMTP_URL",
    MethodKind.SMS: "TOCSIN_SMS_URL or TOCSIN_TWILIO_ACCOUNT",
    MethodKind.VOICE: "TOCSIN_TWILIO_ACCOUNT",
    MethodKind.MATRIX: "TOCSIN_MATRIX_URL",
    MethodKind.SLACK: "TOCSIN_SLACK_BOT_TOKEN",
}
"""What sets up the kinds of channel that are not there by themselves."""


class ForAnother(Exception):
    """This process has no channel for it and another one has: nothing may be saved of it here."""


async def nowhere(_unit: Unit, _kind: MethodKind) -> bool:
    """Say that there is no other process."""
    return False


async def require_here(
    unit: Unit, channels: Channels, kind: MethodKind, elsewhere: Elsewhere
) -> None:
    """Leave it to another process where only that one has a channel. Raises ForAnother."""
    if kind not in channels and await elsewhere(unit, kind):
        raise ForAnother(kind)


async def send(channels: Channels, method: Method, message: Outgoing) -> Outcome:
    """Send once by a method's channel; whatever goes wrong there is an outcome."""
    channel = channels.get(method.kind)
    if channel is None:
        setting = SETTINGS.get(method.kind, "the settings")
        return PermanentFailure(f"no {method.kind} is set up here; see {setting}")
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
