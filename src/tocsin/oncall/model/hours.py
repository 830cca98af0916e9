"""Hours of a week, as wall clocks show them: support hours, quiet hours."""

from typing import Annotated

from msgspec import Meta, Struct

from tocsin.oncall.model.schedules import Holidays

MinuteOfDay = Annotated[int, Meta(ge=0, lt=1440)]


class Hours(Struct, frozen=True, kw_only=True):
    """From `start` until just before `end`, in minutes of the day, on these weekdays (0: Monday).

    A window belongs to the local day on which it starts; it crosses midnight when `end` is not
    after `start`, and is 24 hours long when they are equal. One that would start on a day of
    `holidays` is left out.
    """

    zone: str
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    start: MinuteOfDay
    end: MinuteOfDay
    holidays: Holidays | None = None
