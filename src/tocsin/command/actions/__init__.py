"""What people and flows can ask of command, by what it is about."""

from tocsin.command.actions.alerts import (
    clear_for,
    count_groups,
    declare_for,
    page_is_unpageable,
    page_moved,
    page_opened,
    reopen_for,
)
from tocsin.command.actions.changing import (
    edit,
    hold,
    reopen,
    resolve,
    set_priority,
    set_severity,
    set_status,
)
from tocsin.command.actions.joining import merge, split
from tocsin.command.actions.notes import add_note, erase_note, link, relate, unlink, unrelate
from tocsin.command.actions.opening import open  # noqa: A004 - the field's word
from tocsin.command.actions.people import join, leave, restrict, unrestrict

__all__ = (
    "add_note",
    "clear_for",
    "count_groups",
    "declare_for",
    "edit",
    "erase_note",
    "hold",
    "join",
    "leave",
    "link",
    "merge",
    "open",
    "page_is_unpageable",
    "page_moved",
    "page_opened",
    "relate",
    "reopen",
    "reopen_for",
    "resolve",
    "restrict",
    "set_priority",
    "set_severity",
    "set_status",
    "split",
    "unlink",
    "unrelate",
    "unrestrict",
)
