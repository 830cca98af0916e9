"""What a process notes of the providers that it sends messages by."""

from tocsin.kernel.unit import Unit
from tocsin.oncall import events
from tocsin.oncall.core.contacts import impersonal

REASON_MAX = 300


async def note_provider(unit: Unit, provider: str, reason: str) -> None:
    """Record that a provider is left alone for a while, and why; "": it is well again."""
    unit.require("page:watch")
    if reason:
        said = impersonal(reason, REASON_MAX)
        unit.record(events.ProviderFailed(provider=provider, reason=said))
    else:
        unit.record(events.ProviderRecovered(provider=provider))
