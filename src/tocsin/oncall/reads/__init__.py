"""Shapes of on-call for screens; SELECT only."""

from tocsin.oncall.reads.holding import held_paging, paging
from tocsin.oncall.reads.inbox import InboxItem, inbox, last_tests, unseen_count
from tocsin.oncall.reads.pages import (
    AttemptRow,
    NotificationRow,
    attempts_of,
    is_calling,
    notifications_of,
    on_call_now,
    open_count,
    page,
    pages_of,
    shifts_between,
    unpageable_incidents,
    waiting_for,
)
from tocsin.oncall.reads.schedules import plan_of, schedule, shifts_of

__all__ = [
    "AttemptRow",
    "InboxItem",
    "NotificationRow",
    "attempts_of",
    "held_paging",
    "inbox",
    "is_calling",
    "last_tests",
    "notifications_of",
    "on_call_now",
    "open_count",
    "page",
    "pages_of",
    "paging",
    "plan_of",
    "schedule",
    "shifts_between",
    "shifts_of",
    "unpageable_incidents",
    "unseen_count",
    "waiting_for",
]
