"""Tell the static contacts that a page reaches nobody."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errand import Errand
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import UNPAGEABLE
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.actions import CallLastResort
from tocsin.oncall.events.pages import UNPAGEABLE_WORDS
from tocsin.oncall.ports import Channel, Outgoing, PermanentFailure, Sent, TransientFailure

log = Log("oncall")
LAST_RESORT_AGAIN = timedelta(minutes=1)


class LastResort:
    """The static contacts, each with its channel; they are told out of band."""

    def __init__(self, contacts: Sequence[tuple[str, Channel]], base_url: str) -> None:
        self._last_resort = contacts
        self._base_url = base_url

    async def call(self, errand: Errand, job: CallLastResort) -> None:
        """Tell every static contact, again every minute until at least one was told."""
        due: list[bool] = []

        async def begin(unit: Unit) -> None:
            await errand.hold(unit)
            due[:] = [await actions.last_resort_is_due(unit, job)]
            if not due[0]:
                await errand.done(unit)

        await errand.units.run(SYSTEM, begin)
        if not due[0]:
            return
        UNPAGEABLE.inc()
        log.error("page.unpageable", page_id=job.page_id, reason=job.reason)
        told = failed = 0
        for address, channel in self._last_resort:
            if await self._tell(address, channel, job):
                told += 1
            else:
                failed += 1

        async def end(unit: Unit) -> None:
            reached = await actions.last_resort_called(
                unit, job.page_id, told=told, failed=failed
            )
            if reached:
                await errand.done(unit)
            else:
                await errand.again(unit, unit.now + LAST_RESORT_AGAIN)

        await errand.save(end)

    async def _tell(self, address: str, channel: Channel, job: CallLastResort) -> bool:
        # of its own for each contact: a gateway drops what comes with a key it has seen
        whose = sha256(address.encode()).hexdigest()[:8]
        message = Outgoing(
            to=address, subject="UNPAGEABLE: nobody answers a Tocsin page",
            text=f"Page {job.page_id}: {UNPAGEABLE_WORDS.get(job.reason, job.reason)}.\n"
            f"Look at {self._base_url}/ and call somebody.\n",
            key=f"{job.page_id}/e{job.epoch}/last-resort/{job.reason}/{whose}",
            event="unpageable",
            link=self._base_url,
        )  # fmt: skip
        try:
            outcome = await channel.send(message)
        except Exception as error:  # noqa: BLE001 - door: one contact's failure must not cost the next
            log.error("last_resort.failed", error=error)
            return False
        match outcome:
            case Sent():
                return True
            case TransientFailure(reason) | PermanentFailure(reason):
                log.error("last_resort.failed", reason=reason)
                return False
