"""What people, flows and timers can ask of on-call: one module each for who asks."""

from tocsin.oncall.actions.answering import (
    acknowledge,
    acknowledge_for_sender,
    acknowledge_incident,
)
from tocsin.oncall.actions.delivery import Claim, attempt_ended, claim
from tocsin.oncall.actions.holding import (
    PAGING_JOBS,
    Released,
    hold_paging,
    note_restored,
    release_paging,
)
from tocsin.oncall.actions.orders import CallLastResort, Deliver, PageTimer
from tocsin.oncall.actions.pages import (
    call,
    call_again,
    call_on,
    escalate,
    request_person,
    request_policy,
    resolve_pages,
    restrict,
)
from tocsin.oncall.actions.trying import begin_test, end_test, open_messages, own_person
from tocsin.oncall.actions.waking import (
    last_resort_called,
    last_resort_is_due,
    timer_is_due,
    watch,
)

__all__ = [
    "PAGING_JOBS",
    "CallLastResort",
    "Claim",
    "Deliver",
    "PageTimer",
    "Released",
    "acknowledge",
    "acknowledge_for_sender",
    "acknowledge_incident",
    "attempt_ended",
    "begin_test",
    "call",
    "call_again",
    "call_on",
    "claim",
    "end_test",
    "escalate",
    "hold_paging",
    "last_resort_called",
    "last_resort_is_due",
    "note_restored",
    "open_messages",
    "own_person",
    "release_paging",
    "request_person",
    "request_policy",
    "resolve_pages",
    "restrict",
    "timer_is_due",
    "watch",
]
