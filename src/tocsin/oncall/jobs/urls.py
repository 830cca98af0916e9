"""Tell the webhooks that are targets of steps."""

from datetime import timedelta

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errand import Errand
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.actions import TellUrl, UrlDue
from tocsin.oncall.core.contacts import impersonal
from tocsin.oncall.core.delivery import RETRY_AFTER_S
from tocsin.oncall.jobs.sending import Channels, send
from tocsin.oncall.model import Method, MethodKind
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent, TransientFailure

REASON_MAX = 300


class UrlTeller:
    """Tells webhooks by the channel that persons' own webhooks take."""

    def __init__(self, channels: Channels, base_url: str) -> None:
        self._channels = channels
        self._base_url = base_url

    async def tell(self, errand: Errand, job: TellUrl) -> None:
        """Tell it, three times at most; whoever it tells must bear being told twice."""
        due: list[UrlDue] = []

        async def begin(unit: Unit) -> None:
            due.clear()
            await errand.hold(unit)
            found = await actions.url_is_due(unit, job)
            if found is None:
                await errand.done(unit)
            else:
                due.append(found)

        await errand.units.run(SYSTEM, begin)
        for one in due:
            outcome = await self._send(one, job)
            await self._record(errand, job, outcome)

    async def _record(self, errand: Errand, job: TellUrl, outcome: Outcome) -> None:
        tries = errand.row.attempts

        async def end(unit: Unit) -> None:
            if isinstance(outcome, TransientFailure) and tries <= len(RETRY_AFTER_S):
                wait_s = RETRY_AFTER_S[max(tries, 1) - 1]
                await errand.again(unit, unit.now + timedelta(seconds=wait_s))
                return
            await actions.url_told(unit, job, _reason(outcome))
            await errand.done(unit)

        await errand.save(end)

    async def _send(self, due: UrlDue, job: TellUrl) -> Outcome:
        reference = f"INC-{due.brief.number}"
        url = f"{self._base_url}/incidents/{reference}"
        is_restricted = due.page.visible_to is not None
        title = "" if is_restricted else due.brief.title
        summary = "" if is_restricted else due.brief.summary
        method = Method(kind=MethodKind.WEBHOOK, address=due.target.url)
        message = Outgoing(
            to=due.target.url, subject=f"[{reference}] {title or 'Somebody is called'}",
            text=f"{title}\n{summary}".strip(), thread=str(due.page.incident_id),
            key=f"{job.page_id}/e{job.epoch}/l{job.loop}/s{job.step}/c{job.catch}/t{job.target}",
            incident=reference, link=url,
        )  # fmt: skip
        return await send(self._channels, method, message)


def _reason(outcome: Outcome) -> str:
    match outcome:
        case Sent():
            return ""
        case TransientFailure(reason) | PermanentFailure(reason):
            return impersonal(reason, REASON_MAX) or "refused"
