"""Who has a schedule when: a pure function of layers, versions, overrides and zones.

`turns` hands over, `windows` restricts, `layers` puts both together, `final` lets the upper layers
and the overrides win, `versions` lets edits go on where it was, `coverage` looks ahead.
"""

from tocsin.oncall.core.schedule.final import final, next_on_call, on_call, shift_at

__all__ = ["final", "next_on_call", "on_call", "shift_at"]
