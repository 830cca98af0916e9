"""What the push channel needs of the database: whose browsers there are, and what became of them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import NotificationId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.core.receipt import ReceiptKind
from tocsin.oncall.model import MethodKind, PushDevice
from tocsin.oncall.ports import Pushed

TEST = "test/"


class Devices:
    """The browsers of people, each question in a unit of its own."""

    def __init__(self, units: Callable[[], Units], make_key: Callable[[], bytes]) -> None:
        """`units` is asked late, since the channels are made before it."""
        self._units = units
        self._make_key = make_key
        self._key: bytes | None = None

    async def _run(self, act: Callable[[Unit], Awaitable[Any]]) -> Any:
        return await self._units().run(SYSTEM, act)

    async def of(self, person_id: UUID) -> Sequence[PushDevice]:
        """Return a person's browsers."""
        found: Sequence[PushDevice] = await self._run(
            lambda unit: actions.push_devices(unit, PersonId(person_id))
        )
        return found

    async def ended(self, person_id: UUID, pushed: Pushed) -> None:
        """Keep what came of a message."""
        await self._run(lambda unit: actions.push_ended(unit, PersonId(person_id), pushed))

    async def key(self) -> bytes:
        """Return the private key of this Tocsin; the first who asks makes it."""
        if self._key is None:
            made = self._make_key()
            self._key = await self._run(lambda unit: actions.keep_push_key(unit, made))
        assert self._key is not None  # noqa: S101 - for the type checker
        return self._key

    async def received(self, device_id: UUID, key: str, receipt: str) -> None:
        """Note that a browser has the message of this idempotency key.

        `receipt` names the attempt that it was, as `notification/number`; "" for none.
        """

        async def note(unit: Unit) -> None:
            person_id = await actions.push_received(unit, device_id)
            if person_id is None:
                return
            await actions.note_receipt(
                unit, person_id, MethodKind.PUSH, str(person_id), _test_of(key)
            )
            found = _receipt_of(receipt)
            if found is not None:
                with suppress(NotFound):
                    await actions.receive(unit, found)

        await self._run(note)


def _test_of(key: str) -> UUID | None:
    return _uuid(key.removeprefix(TEST)) if key.startswith(TEST) else None


def _receipt_of(text: str) -> actions.Receipt | None:
    notification, _, number = text.partition("/")
    found = _uuid(notification)
    if found is None or not number.isdigit():
        return None
    return actions.Receipt(
        notification_id=NotificationId(found), attempt=int(number), kind=ReceiptKind.DELIVERED
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
