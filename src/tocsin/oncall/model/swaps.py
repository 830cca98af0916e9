"""Shifts that people exchange: bound to turns, whenever those are."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId, ScheduleId


class SwapState(StrEnum):
    """REQUESTED waits for the partner; only ACCEPTED moves anything."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ShiftKey(Struct, frozen=True, kw_only=True):
    """A shift's identity, whenever it is: turn `turn` of a layer."""

    schedule_id: ScheduleId
    layer: str
    turn: int


class Swap(Struct, frozen=True, kw_only=True):
    """The asker's turn goes to the partner, and the turn `back_…`, if there is one, to the asker."""

    id: UUID
    state: SwapState = SwapState.REQUESTED
    schedule_id: ScheduleId
    layer: str
    turn: int
    asker_id: PersonId
    partner_id: PersonId
    back_schedule_id: ScheduleId | None = None
    back_layer: str = ""
    back_turn: int = 0
    reason: str = ""
    created_at: datetime
    decided_at: datetime | None = None
    author: str
    decided_by: str = ""

    @property
    def given(self) -> ShiftKey:
        """Return the turn that the asker gives."""
        return ShiftKey(schedule_id=self.schedule_id, layer=self.layer, turn=self.turn)

    @property
    def back(self) -> ShiftKey | None:
        """Return the turn that the asker takes in return."""
        if self.back_schedule_id is None:
            return None
        return ShiftKey(
            schedule_id=self.back_schedule_id, layer=self.back_layer, turn=self.back_turn
        )
