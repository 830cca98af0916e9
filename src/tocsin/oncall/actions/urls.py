"""Webhooks that are targets of a step: whether one is still to be told, and that it was."""

from msgspec import Struct

from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.orders import TellUrl
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.effects import StaleReason
from tocsin.oncall.core.fence import fenced
from tocsin.oncall.model import Brief, Page, Target, WebhookTarget


class UrlDue(Struct, frozen=True, kw_only=True):
    """A webhook that is to be told of a page."""

    page: Page
    brief: Brief
    target: WebhookTarget


async def url_is_due(unit: Unit, job: TellUrl) -> UrlDue | None:
    """Return what to tell; None once the page has moved on, or its policy names it no more."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, job.page_id)
    target = _target(unit.config(Directory), page, job)
    # a page that waits for support hours has told what stood before them
    is_void = page.epoch != job.epoch or fenced(page, job.epoch) not in (None, StaleReason.HELD)
    if is_void or not isinstance(target, WebhookTarget):
        return None
    return UrlDue(page=page, brief=await store.brief(unit.conn, page.id), target=target)


def _target(directory: Directory, page: Page, job: TellUrl) -> Target | None:
    policy = directory.policy_of(page)
    targets = policy.catch_all
    if not job.catch:
        targets = policy.steps[job.step].targets if job.step < len(policy.steps) else ()
    return targets[job.target] if job.target < len(targets) else None


async def url_told(unit: Unit, job: TellUrl, reason: str) -> None:
    """Record that a webhook was told; with a reason, that it could not be."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, job.page_id)
    unit.record(
        events.WebhookTold(
            page_id=page.id, incident_id=page.incident_id,
            step=-1 if job.catch else job.step, is_told=not reason, reason=reason,
        )
    )  # fmt: skip
