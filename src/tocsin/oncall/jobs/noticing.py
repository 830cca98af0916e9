"""Send low-key messages, outside any transaction: a few tries, and they stay in the inbox anyway."""

from datetime import timedelta

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errand import Errand
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.actions import NoticeToSend, SendNotice
from tocsin.oncall.jobs.sending import (
    Channels,
    Elsewhere,
    ForAnother,
    nowhere,
    require_here,
    send,
)
from tocsin.oncall.ports import Outcome, Outgoing, TransientFailure

TRIES = 5
AGAIN_S = 60
LOW = 2  # of ntfy's priorities: no sound


class Noticing:
    """Messages through the very channels that pages take, at the lowest voice."""

    def __init__(
        self, channels: Channels, base_url: str, elsewhere: Elsewhere = nowhere
    ) -> None:
        self._channels = channels
        self._elsewhere = elsewhere
        self._base_url = base_url

    async def send(self, errand: Errand, job: SendNotice) -> None:
        """Send one message; try again while its provider asks for patience."""

        async def begin(unit: Unit) -> NoticeToSend | None:
            await errand.hold(unit)
            found = await actions.notice_to_send(unit, job.notice_id)
            if found is None:
                await errand.done(unit)
            else:
                await require_here(unit, self._channels, found.method.kind, self._elsewhere)
            return found

        try:
            found = await errand.units.run(SYSTEM, begin)
        except ForAnother:
            await errand.pass_on()
            return
        if found is None:
            return
        outcome: Outcome = await send(self._channels, found.method, self._message(found))

        async def end(unit: Unit) -> None:
            if isinstance(outcome, TransientFailure) and errand.row.attempts < TRIES:
                await errand.again(unit, unit.now + timedelta(seconds=AGAIN_S))
                return
            await actions.notice_ended(unit, found, outcome)
            await errand.done(unit)

        await errand.save(end)

    def _message(self, found: NoticeToSend) -> Outgoing:
        one, method = found.notice, found.method
        link = f"{self._base_url}{one.link or '/oncall'}"
        return Outgoing(
            to=method.address, subject=one.title, text=f"{one.body}\n\n{link}\n",
            key=f"notice/{one.id}", event="notice", link=link, secret=method.secret,
            priority=LOW,
        )  # fmt: skip
