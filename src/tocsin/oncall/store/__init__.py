"""On-call's rows. The only package that names the tables of schema `oncall` for writing."""

from tocsin.oncall.store.contact_tests import (
    add_test,
    end_test,
    lock_person,
    mark_tests_seen,
    tests_since,
)
from tocsin.oncall.store.notifications import (
    add_notification,
    begin_attempt,
    end_attempt,
    mark_seen,
    notification,
    set_notification,
    siblings,
    waiting_notifications,
    was_told,
)
from tocsin.oncall.store.pages import (
    add_page,
    brief,
    page_for_update,
    pages_of_for_update,
    save_page,
    set_visible_to,
    watched_pages,
)

__all__ = [
    "add_notification",
    "add_page",
    "add_test",
    "begin_attempt",
    "brief",
    "end_attempt",
    "end_test",
    "lock_person",
    "mark_seen",
    "mark_tests_seen",
    "notification",
    "page_for_update",
    "pages_of_for_update",
    "save_page",
    "set_notification",
    "set_visible_to",
    "siblings",
    "tests_since",
    "waiting_notifications",
    "was_told",
    "watched_pages",
]
