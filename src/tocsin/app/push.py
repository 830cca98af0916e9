"""Web push put together: people's browsers, the key of this Tocsin, and receipts that come back."""

from collections.abc import Callable
from uuid import UUID

from tocsin.integrations.outbound import Outbound
from tocsin.integrations.webpush import encryption
from tocsin.integrations.webpush.send import WebPush, subject_of
from tocsin.kernel.clock import Clock
from tocsin.kernel.settings import Settings
from tocsin.kernel.units import Units
from tocsin.oncall.jobs import Devices


class Push:
    """What the screens and the service worker ask of web push."""

    def __init__(self, settings: Settings, clock: Clock, units: Callable[[], Units]) -> None:
        """`units` is asked late, since the channels are made before it."""
        self._settings = settings
        self._clock = clock
        self._devices = Devices(units, encryption.new_key)

    def channel(self, outbound: Outbound) -> WebPush:
        """Return the channel by which pages go to browsers."""
        subject = subject_of(self._settings.base_url, self._settings.mail_from)
        return WebPush(outbound, self._devices, subject=subject, now=self._clock.now)

    async def application_key(self) -> str:
        """Return what a browser subscribes with; made when it is first asked for."""
        return encryption.application_key(await self._devices.key())

    async def received(self, device_id: UUID, key: str, receipt: str, seal: str) -> bool:
        """Note that a browser has a message; False where the message was not from us."""
        own = await self._devices.key()
        if not encryption.is_sealed(own, seal, str(device_id), key, receipt):
            return False
        await self._devices.received(device_id, key, receipt)
        return True
