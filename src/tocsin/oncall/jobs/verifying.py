"""Send a code by the very method that it is to prove, and look at the code that comes back."""

import secrets
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from tocsin.kernel.actor import Actor
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.core import verification
from tocsin.oncall.jobs.sending import Channels, send
from tocsin.oncall.model import ContactCode, Method
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent, TransientFailure

Hash = Callable[[str], Awaitable[str]]
Matches = Callable[[str | None, str], Awaitable[bool]]


class Verifying:
    """Codes through the very channels that pages take; hashed outside of any transaction."""

    def __init__(
        self,
        units: Units,
        channels: Channels,
        base_url: str,
        *,
        hashed: Hash,
        matches: Matches,
    ) -> None:
        """`hashed` is slow on purpose: six digits are guessed at once from a quick hash."""
        self._units = units
        self._channels = channels
        self._base_url = base_url
        self._hashed = hashed
        self._matches = matches

    async def send_code(self, actor: Actor, index: int) -> ContactCode:
        """Send a code by one's own method, counted from 0; the row says how it went.

        Raises NotFound, Invalid, Conflict for what is verified otherwise, TooMany.
        """
        text = verification.spelled(secrets.randbelow(verification.CODES))
        hashed = await self._hashed(text)

        async def begin(unit: Unit) -> tuple[ContactCode, Method]:
            return await actions.begin_code(unit, index, hashed)

        code, method = await self._units.run(actor, begin)
        outcome = await send(self._channels, method, self._message(code, method, text))
        outcome = _without(outcome, text)

        async def end(unit: Unit) -> ContactCode:
            return await actions.end_code(unit, code, outcome)

        return await self._units.run(actor, end)

    def _message(self, code: ContactCode, method: Method, text: str) -> Outgoing:
        message = verification.compose_code(text, method.kind)
        return Outgoing(
            to=method.address, subject=message.subject, text=message.text,
            key=f"code/{code.id}", event="code", link=f"{self._base_url}/account/contacts",
            secret=method.secret, priority=method.priority,
        )  # fmt: skip

    async def enter(self, actor: Actor, index: int, typed: str) -> None:
        """Verify one's own method by the code that was sent to it.

        Raises NotFound, Conflict where there is no code to enter, Invalid for a wrong one.
        """
        text = verification.read(typed)

        async def spend(unit: Unit) -> ContactCode:
            return await actions.spend_try(unit, index)

        code = await self._units.run(actor, spend)
        is_right = await self._matches(code.hash, text)

        async def end(unit: Unit) -> None:
            await (actions.verify if is_right else actions.refuse_try)(unit, code)

        await self._units.run(actor, end)
        if not is_right:
            raise actions.wrong(code)


def _without(outcome: Outcome, text: str) -> Outcome:
    match outcome:
        case Sent():
            return outcome
        case TransientFailure(reason=reason) | PermanentFailure(reason=reason):
            return replace(outcome, reason=verification.without(reason, text))
