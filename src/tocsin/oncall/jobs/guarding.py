"""Leave a provider alone that fails again and again, and take another one where there is one.

What is known of a provider is this process's own: each sees its own network, and learns it in a
few attempts. A row would cost every attempt a write, and one node's broken network would keep
all others from paging.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import PROVIDER_STATE
from tocsin.oncall.core.breaker import (
    WELL,
    Breaker,
    BreakerState,
    ask,
    failed,
    provider_of,
    wait_s,
)
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import (
    Channel,
    Outcome,
    Outgoing,
    Revised,
    TransientFailure,
    Updates,
)

PROVIDERS_MAX = 500
_GAUGE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
_OURS = frozenset({MethodKind.INBOX})  # stands in Tocsin itself
log = Log("providers")

Changed = Callable[[str, str], Awaitable[None]]
"""Is told a provider's name, and why it is left alone; "" when it is well again."""


class Breakers:
    """What this process knows of all providers. Those that are well are not remembered."""

    def __init__(self, now: Callable[[], datetime], on_change: Changed) -> None:
        self._now = now
        self._troubled: dict[str, Breaker] = {}
        self.on_change = on_change

    def guard(self, channels: Mapping[MethodKind, Channel]) -> dict[MethodKind, Channel]:
        """Put a breaker before each channel, for each provider that it leads to."""
        return {
            kind: channel
            if kind in _OURS or isinstance(channel, Guarded | InOrder)
            else _guarded(Guarded(channel, self, _namer(kind)))
            for kind, channel in channels.items()
        }

    def down(self) -> list[str]:
        """Name the providers that are left alone just now."""
        return sorted(
            name
            for name, breaker in self._troubled.items()
            if breaker.state is not BreakerState.CLOSED
        )

    def admits(self, provider: str) -> bool:
        """Say whether an attempt may go to a provider now."""
        known = self._troubled.get(provider)
        if known is None:
            return True
        asked, is_let = ask(known, self._now())
        self._keep(provider, asked)
        return is_let

    def wait_s(self, provider: str) -> float:
        """Return in how many seconds a provider that is left alone may be asked again."""
        known = self._troubled.get(provider)
        return 0.0 if known is None else wait_s(known, self._now())

    async def ended(self, provider: str, outcome: Outcome) -> None:
        """Learn from how an attempt ended. What is wrong with one address says nothing."""
        known = self._troubled.get(provider, WELL)
        if not isinstance(outcome, TransientFailure):
            self._keep(provider, WELL)
            if known.state is not BreakerState.CLOSED:
                log.info("provider.well", provider=provider)
                await self._tell(provider, "")
        elif not outcome.address_only:
            after = failed(known, self._now(), outcome.retry_after_s)
            self._keep(provider, after)
            if after.state is BreakerState.OPEN and known.state is not BreakerState.OPEN:
                log.error("provider.down", provider=provider, openings=after.openings)
                await self._tell(provider, outcome.reason)

    async def _tell(self, provider: str, reason: str) -> None:
        try:
            await self.on_change(provider, reason)
        except Exception as error:  # noqa: BLE001 - door: to say so must not cost the message
            log.error("provider.untold", provider=provider, error=error)

    def _keep(self, provider: str, breaker: Breaker) -> None:
        if breaker == WELL:
            self._troubled.pop(provider, None)
        elif provider in self._troubled or len(self._troubled) < PROVIDERS_MAX:
            self._troubled[provider] = breaker
        if breaker.state is not BreakerState.CLOSED or breaker == WELL:
            PROVIDER_STATE.labels(provider).set(_GAUGE[breaker.state])


class Guarded:
    """A channel behind the breaker of whomever a message goes by.

    Only pages are held back, since they have another method: a test, a code and what is told at
    last go through, and show how the provider is.
    """

    def __init__(
        self, channel: Channel, breakers: Breakers, provider: Callable[[str], str]
    ) -> None:
        self.inner = channel
        self._breakers = breakers
        self._provider = provider

    async def send(self, message: Outgoing) -> Outcome:
        """Try once; while the provider is left alone, say so at once, and until when it is."""
        provider = self._provider(message.to)
        if message.event == "page" and not self._breakers.admits(provider):
            said = f"{provider} has failed again and again and is left alone for a while"
            wait = self._breakers.wait_s(provider)
            return TransientFailure(said, retry_after_s=wait, skipped=True)
        outcome = await self.inner.send(message)
        await self._breakers.ended(provider, outcome)
        return outcome


class GuardedEdits:
    """A channel behind its breaker that can change what it has sent."""

    def __init__(self, guarded: Guarded, inner: Updates) -> None:
        self._guarded = guarded
        self._inner = inner

    async def send(self, message: Outgoing) -> Outcome:
        """Try once, as the breaker allows."""
        return await self._guarded.send(message)

    async def update(self, message: Revised) -> Outcome:
        """Change one message; nobody is woken by that, so no breaker is asked."""
        return await self._inner.update(message)


class InOrder:
    """Providers of one kind in the order in which they are tried, within one attempt."""

    def __init__(self, channels: Sequence[Guarded]) -> None:
        self._channels = channels

    async def send(self, message: Outgoing) -> Outcome:
        """Return what the first provider says that takes it, or refuses it for good.

        Where none does, it is what the last one said that was asked at all; where all are left
        alone it may work as soon as the first of them may be asked again.
        """
        failures: list[TransientFailure] = []
        for channel in self._channels:
            outcome = await channel.send(message)
            if not isinstance(outcome, TransientFailure):
                return outcome
            failures.append(outcome)
        asked = [one for one in failures if not one.skipped]
        if asked:
            return asked[-1]
        nobody = TransientFailure("there is no provider")
        return min(failures, key=lambda one: one.retry_after_s or 0, default=nobody)


def _guarded(channel: Guarded) -> Channel:
    inner = channel.inner
    return GuardedEdits(channel, inner) if isinstance(inner, Updates) else channel


def _namer(kind: MethodKind) -> Callable[[str], str]:
    return lambda address: provider_of(kind, address)
