"""Which event of the log says what a step of a page has brought about."""

from tocsin.oncall import events
from tocsin.oncall.core import effects
from tocsin.oncall.model import Page


def tell(  # noqa: C901, PLR0911, PLR0912 - one case an effect
    page: Page, effect: effects.Effect, channel: str
) -> events.PageEvent | None:
    """Return the event for `effect`; None for what is no news of its own.

    `channel` is by what means an acknowledgement came.
    """
    match effect:
        case effects.Escalated() | effects.NobodyAt() | effects.CatchAllCalled():
            return _called(page, effect)
        case effects.LoopRestarted(loop, repeat):
            return events.LoopRestarted(
                page_id=page.id, incident_id=page.incident_id, loop=loop, repeat=repeat
            )
        case effects.Unpageable(reason):
            return events.PageUnpageable(
                page_id=page.id, incident_id=page.incident_id, reason=reason
            )
        case effects.AcknowledgeExpired(_, count):
            return events.AcknowledgementExpired(
                page_id=page.id, incident_id=page.incident_id, count=count
            )
        case effects.RetriggersSpent(_, count):
            return events.RetriggersSpent(
                page_id=page.id, incident_id=page.incident_id, count=count
            )
        case effects.Held() | effects.Snoozed() | effects.HandedBack():
            return _put_off(page, effect, channel)
        case effects.HoldEnded():
            return events.PageHoldEnded(page_id=page.id, incident_id=page.incident_id)
        case effects.SnoozeEnded():
            return events.SnoozeEnded(page_id=page.id, incident_id=page.incident_id)
        case effects.Raised():
            return events.UrgencyRaised(page_id=page.id, incident_id=page.incident_id)
        case effects.Resolved():
            return events.PageResolved(page_id=page.id, incident_id=page.incident_id)
        case effects.Retriggered():
            return events.PageRetriggered(page_id=page.id, incident_id=page.incident_id)
        case effects.EscalationAsked(by):
            return events.EscalationAsked(
                page_id=page.id, incident_id=page.incident_id, person_id=by
            )
        case effects.PersonUnreachable(_, person_id):
            return events.PersonUnreachable(
                page_id=page.id, incident_id=page.incident_id, person_id=person_id
            )
        case effects.Acknowledged() | effects.AlreadyAcknowledged():
            return _acknowledged(page, effect, channel)
        case effects.MethodSent() | effects.MethodFailed() | effects.Retry():
            return _attempted(page, effect)
        case effects.MethodUnconfirmed():
            return events.NotificationUnconfirmed(
                page_id=page.id, incident_id=page.incident_id,
                notification_id=effect.notification_id, person_id=effect.person_id,
                method=effect.kind, attempt=effect.attempt_count,
            )  # fmt: skip
        case _:
            return None  # orders; what is said when it is asked for; what changed nothing


def _put_off(
    page: Page, effect: effects.Held | effects.Snoozed | effects.HandedBack, channel: str
) -> events.PageEvent:
    match effect:
        case effects.Held(reason, until, holiday):
            return events.PageHeld(
                page_id=page.id, incident_id=page.incident_id, reason=reason, until=until,
                holiday=holiday,
            )  # fmt: skip
        case effects.Snoozed(by, until):
            return events.PageSnoozed(
                page_id=page.id, incident_id=page.incident_id, person_id=by, until=until,
                channel=channel,
            )  # fmt: skip
        case effects.HandedBack(by):
            return events.PageHandedBack(
                page_id=page.id, incident_id=page.incident_id, person_id=by
            )


def _called(
    page: Page, effect: effects.Escalated | effects.NobodyAt | effects.CatchAllCalled
) -> events.PageEvent:
    match effect:
        case effects.Escalated(rung=rung, people=people, next_at=next_at):
            known = any(effect.schedules)
            return events.StepCalled(
                page_id=page.id,
                incident_id=page.incident_id,
                epoch=rung.epoch,
                step=rung.step,
                loop=rung.loop,
                people=people,
                next_at=next_at,
                schedules=effect.schedules if known else (),
                urgency=effect.urgency,
                missing=tuple(str(one.reason) for one in effect.missing),
            )
        case effects.NobodyAt(rung, missing):
            return events.StepSkipped(
                page_id=page.id,
                incident_id=page.incident_id,
                epoch=rung.epoch,
                step=rung.step,
                loop=rung.loop,
                reasons=tuple(str(one.reason) for one in missing),
            )
        case effects.CatchAllCalled(rung=rung, people=people, next_at=next_at):
            return events.CatchAllCalled(
                page_id=page.id,
                incident_id=page.incident_id,
                epoch=rung.epoch,
                catch=rung.catch,
                people=people,
                next_at=next_at,
            )


def _acknowledged(
    page: Page, effect: effects.Acknowledged | effects.AlreadyAcknowledged, channel: str
) -> events.PageEvent | None:
    match effect:
        case effects.Acknowledged(None):
            return events.PageAcknowledgedByToken(
                page_id=page.id, incident_id=page.incident_id, channel=channel,
                via=page.acknowledged_via,
            )  # fmt: skip
        case effects.Acknowledged(by) if by is not None:
            return events.PageAcknowledged(
                page_id=page.id, incident_id=page.incident_id, person_id=by, channel=channel
            )
        case effects.AlreadyAcknowledged(by, first) if by is not None and by != first:
            return events.PageCoAcknowledged(
                page_id=page.id, incident_id=page.incident_id, person_id=by
            )
    return None


def _attempted(
    page: Page, effect: effects.MethodSent | effects.MethodFailed | effects.Retry
) -> events.NotificationEvent:
    match effect:
        case effects.MethodSent():
            return events.NotificationSent(
                page_id=page.id,
                incident_id=page.incident_id,
                notification_id=effect.notification_id,
                person_id=effect.person_id,
                method=effect.kind,
                attempt=effect.attempt_count,
            )
        case effects.MethodFailed():
            return events.NotificationFailed(
                page_id=page.id,
                incident_id=page.incident_id,
                notification_id=effect.notification_id,
                person_id=effect.person_id,
                method=effect.kind,
                attempt=effect.attempt_count,
                reason=effect.reason,
            )
        case effects.Retry():
            return events.NotificationRetried(
                page_id=page.id,
                incident_id=page.incident_id,
                notification_id=effect.notification_id,
                person_id=effect.person_id,
                method=effect.kind,
                attempt=effect.attempt_count,
                reason=effect.reason,
                due_at=effect.due_at,
            )
