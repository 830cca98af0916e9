"""Change the messages of a page that were sent, so that they say how it stands."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from msgspec.structs import replace

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errand import Errand
from tocsin.kernel.logs import Log
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.actions import Shown, UpdateMessages
from tocsin.oncall.jobs.sending import Channels
from tocsin.oncall.ports import Outcome, PermanentFailure, Revised, TransientFailure, Updates

AGAIN_S = 5.0
TRIES = 5
log = Log("updating")


class Updating:
    """Edits in the channels that can; what fails for good stays as it was sent."""

    def __init__(self, channels: Channels, base_url: str) -> None:
        self._channels = channels
        self._base_url = base_url

    async def update(self, errand: Errand, job: UpdateMessages) -> None:
        """Change every message of a page; try again where a provider asks for patience."""

        async def begin(unit: Unit) -> tuple[int, list[Shown]]:
            await errand.hold(unit)
            kinds = [k for k, channel in self._channels.items() if isinstance(channel, Updates)]
            return await actions.shown_messages(unit, job.page_id, kinds)

        epoch, found = await errand.units.run(SYSTEM, begin)
        wait_s = await self._all(found)

        async def end(unit: Unit) -> None:
            if not await actions.is_in_epoch(unit, job.page_id, epoch):
                await errand.again(unit, unit.now)  # it has moved on meanwhile
            elif wait_s is None or errand.row.attempts >= TRIES:
                await errand.done(unit)
            else:
                await errand.again(unit, unit.now + timedelta(seconds=wait_s))

        await errand.save(end)

    async def _all(self, found: Sequence[Shown]) -> float | None:
        waits = [await self._one(shown) for shown in found]
        return max((wait for wait in waits if wait is not None), default=None)

    async def _one(self, shown: Shown) -> float | None:
        """Change one message; return how long to wait before it is tried again, None: it is not."""
        channel = self._channels.get(shown.kind)
        if not isinstance(channel, Updates):
            return None
        message = self._revised(shown)
        outcome: Outcome
        try:
            outcome = await channel.update(message)
        except Exception as error:  # noqa: BLE001 - door: a channel's bug must not cost the next message
            log.error("update.failed", method=shown.kind, error_kind=type(error).__name__)
            return None
        match outcome:
            case TransientFailure(reason, retry_after_s):
                log.warning("update.later", method=shown.kind, reason=reason)
                return max(AGAIN_S, retry_after_s or 0.0)
            case PermanentFailure(reason):
                log.warning("update.refused", method=shown.kind, reason=reason)
        return None

    def _revised(self, shown: Shown) -> Revised:
        link = f"{self._base_url}/incidents/{shown.incident}"
        made = Revised(
            provider_id=shown.provider_id, key="", subject=shown.subject, text=shown.text,
            standing=shown.standing, is_open=shown.is_open, incident=shown.incident, link=link,
        )  # fmt: skip
        said = f"{made.provider_id}\0{made.standing}\0{made.subject}\0{made.text}"
        return replace(made, key=sha256(said.encode("utf-8", "replace")).hexdigest()[:40])
