"""Other calendars: fetched from their addresses, and expanded in a process that can be killed.

The text is untrusted: its size, its events, what they expand to and how long that takes are
limited, and none of it runs where pages are sent.
"""

import asyncio
import os
import sys
from datetime import datetime
from typing import NoReturn

import msgspec

from tocsin.integrations.ical.wire import Answered, Asked
from tocsin.integrations.outbound import Answer, Blocked, Outbound, Unreachable
from tocsin.kernel.errors import Invalid, TooLarge, Unavailable
from tocsin.oncall.model import CalendarShifts
from tocsin.oncall.ports import FetchedCalendar

BYTES_MAX = 1024 * 1024
BODY_S = 8.0
TIMEOUT_S = 20.0
AT_ONCE = 1
_OK, _NOT_MODIFIED = 200, 304
_END = b"END:VCALENDAR"
_COMMAND = (sys.executable, "-P", "-m", "tocsin.integrations.ical.expand")


class Calendars:
    """Reads calendars that are sent, or fetched from an address outside of our own network."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, url: str, *, etag: str = "", modified: str = "") -> FetchedCalendar:
        """Return what an address answers; without a text where nothing has changed since.

        `etag` and `modified` are what it said the last time. Raises Invalid, Unavailable,
        TooLarge.
        """
        known = {"if-none-match": etag, "if-modified-since": modified}
        headers = {
            "accept": "text/calendar",
            **{name: said for name, said in known.items() if said},
        }
        try:
            answer = await self._outbound.request("GET", url, headers=headers)
        except Blocked as blocked:
            raise Invalid(f"url: {blocked}", field="url") from blocked
        except Unreachable as unreachable:
            raise Unavailable(f"the calendar's server: {unreachable}") from unreachable
        if answer.status == _NOT_MODIFIED and (etag or modified):
            return FetchedCalendar(text=None, etag=etag, modified=modified)
        return _whole(answer)

    async def read(
        self, text: bytes, zone: str, start: datetime, end: datetime
    ) -> CalendarShifts:
        """Expand a calendar in [start, end), soonest first. Raises Invalid, TooLarge."""
        if len(text) > BYTES_MAX:
            raise TooLarge(f"a calendar may have {BYTES_MAX} bytes")
        asked = msgspec.msgpack.encode(Asked(text=text, zone=zone, start=start, end=end))
        async with self._turn:
            found = await _ask(asked)
        if found.found is None:
            _refuse(found)
        return found.found


def _whole(answer: Answer) -> FetchedCalendar:
    """Return a calendar that has come as a whole: half a calendar would be half a rota."""
    if answer.status != _OK:
        raise Invalid(f"url: the server answered {answer.status}", field="url")
    if len(answer.body) > BYTES_MAX:
        raise TooLarge(f"a calendar may have {BYTES_MAX} bytes")
    if _END not in answer.body[-200:].upper():
        raise Unavailable("the calendar's server broke off before the end of the calendar")
    return FetchedCalendar(
        text=answer.body, etag=_sendable(answer.headers.get("etag", ""), 500),
        modified=_sendable(answer.headers.get("last-modified", ""), 100),
    )  # fmt: skip


def _sendable(said: str, limit: int) -> str:
    """Return what can be sent back in a header as it came; else nothing: all of it is read then."""
    return said if len(said) <= limit and said.isascii() and said.isprintable() else ""


async def _ask(asked: bytes) -> Answered:
    """Run the process; it is killed when its time is over, or when nobody waits any more."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer, _ = await process.communicate(asked)
    except TimeoutError:
        raise TooLarge("this calendar takes too long to expand; cut it down") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise TooLarge("this calendar takes too much time or memory to expand; cut it down")
    return msgspec.msgpack.decode(answer, type=Answered)


def _refuse(found: Answered) -> NoReturn:
    if found.code == Invalid.code:
        raise Invalid(found.detail, field=found.field)
    raise TooLarge(found.detail)
