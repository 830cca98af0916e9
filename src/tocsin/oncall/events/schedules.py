"""What can have happened to schedules beside an edit: overrides, leave, swaps, shifts that moved."""

from datetime import datetime
from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names
from tocsin.kernel.ids import PersonId, ScheduleId


class ScheduleOverridden(Event, frozen=True, tag="oncall.schedule_overridden"):
    """Somebody has agreed that others have a schedule for a while."""

    override_id: UUID
    schedule_id: ScheduleId
    schedule: str
    what: str  # cover, replace, remove or temporary
    start_at: datetime
    end_at: datetime
    person_id: PersonId | None = None
    replaced_id: PersonId | None = None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        when = f"from {self.start_at:%Y-%m-%d %H:%M} to {self.end_at:%Y-%m-%d %H:%M} UTC"
        who = name(self.person_id) if self.person_id else ""
        match self.what:
            case "replace":
                lost = name(self.replaced_id) if self.replaced_id else ""
                return f"{who} takes the shifts of {lost} in {self.schedule} {when}"
            case "remove":
                return f"{who} is not on call for {self.schedule} {when}"
            case "cover":
                return f"{who} covers {self.schedule} {when}"
            case _:
                return f"A temporary schedule stands in for {self.schedule} {when}"


class OverrideEnded(Event, frozen=True, tag="oncall.override_ended"):
    """An override was taken back, or ended before its time."""

    override_id: UUID
    schedule_id: ScheduleId | None = None
    person_id: PersonId | None = None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        of = f" of {name(self.person_id)}" if self.person_id else ""
        return f"An override{of} was taken back"


class LeaveTaken(Event, frozen=True, tag="oncall.leave_taken"):
    """A person is away: no schedule calls them."""

    override_id: UUID
    person_id: PersonId
    start_at: datetime
    end_at: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{name(self.person_id)} is away from {self.start_at:%Y-%m-%d %H:%M}"
            f" to {self.end_at:%Y-%m-%d %H:%M} UTC"
        )


class SwapRequested(Event, frozen=True, tag="oncall.swap_requested"):
    """Somebody asks another person to take a shift."""

    swap_id: UUID
    schedule_id: ScheduleId
    schedule: str
    asker_id: PersonId
    partner_id: PersonId
    start_at: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{name(self.asker_id)} asks {name(self.partner_id)} to take the shift of"
            f" {self.schedule} that begins {self.start_at:%Y-%m-%d %H:%M} UTC"
        )


class SwapAccepted(Event, frozen=True, tag="oncall.swap_accepted"):
    """The other person takes the shift."""

    swap_id: UUID
    schedule_id: ScheduleId
    schedule: str
    asker_id: PersonId
    partner_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{name(self.partner_id)} takes a shift of {name(self.asker_id)} in {self.schedule}"
        )


class SwapDeclined(Event, frozen=True, tag="oncall.swap_declined"):
    """The other person does not take the shift."""

    swap_id: UUID
    schedule_id: ScheduleId
    schedule: str
    asker_id: PersonId
    partner_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{name(self.partner_id)} does not take the shift of {name(self.asker_id)}"
            f" in {self.schedule}"
        )


class SwapWithdrawn(Event, frozen=True, tag="oncall.swap_withdrawn"):
    """Nobody is asked any more."""

    swap_id: UUID
    schedule_id: ScheduleId
    schedule: str
    asker_id: PersonId
    partner_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.asker_id)} has taken back a request to swap in {self.schedule}"


class ShiftsMoved(Event, frozen=True, tag="oncall.shifts_moved"):
    """These people have a slot of a schedule when they had not, or have it no more.

    Of each the first stretch that is another one: its slot, from when to when, and whether it is
    `gained`. `why` is edit, override, back (an override was taken back), leave, people (somebody
    has left or come back), calendar (one that a layer follows), or zones (a new release of the
    time zones).
    """

    schedule_id: ScheduleId
    schedule: str
    people: tuple[PersonId, ...]
    starts: tuple[datetime | None, ...]
    why: str
    slots: tuple[str, ...] = ()
    ends: tuple[datetime, ...] = ()
    gained: tuple[bool, ...] = ()

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = ", ".join(name(one) for one in self.people)
        return f"Shifts in {self.schedule} have moved for {who}"


class CalendarShared(Event, frozen=True, tag="oncall.calendar_shared"):
    """A person has an address at which programs read shifts."""

    feed_id: UUID
    owner_id: PersonId
    what: str  # person, schedule or team

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.owner_id)} has made a calendar for programs"


class CalendarRevoked(Event, frozen=True, tag="oncall.calendar_revoked"):
    """The address of a calendar opens nothing any more."""

    feed_id: UUID
    owner_id: PersonId
    what: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"A calendar of {name(self.owner_id)} was revoked"
