"""Layers whose shifts stand in other calendars, and how the reading of each goes."""

from datetime import datetime

from msgspec import Struct

from tocsin.kernel.ids import ScheduleId


class CalendarLayer(Struct, frozen=True, kw_only=True):
    """How a layer's calendar was read last. `error` "": well; `read_at` None: never yet.

    `unknown` are events whose people nobody here is; `left_out` rules that never match. `zone` is
    the layer's: by its clocks days and times without a zone are read.
    """

    schedule_id: ScheduleId
    layer: str
    url: str
    zone: str
    due_at: datetime
    read_at: datetime | None = None
    expanded_at: datetime | None = None
    failing_since: datetime | None = None
    error: str = ""
    etag: str = ""
    modified: str = ""
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
