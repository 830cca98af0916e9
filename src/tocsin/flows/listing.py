"""Lists of incidents say how their pages stand: what follows from each thing that can happen to one."""

import tocsin.command.actions as command
from tocsin.command.model import PageMoved, PageState
from tocsin.kernel.unit import Unit
from tocsin.oncall.events import (
    AcknowledgementExpired,
    EscalationAsked,
    PageAcknowledged,
    PageAcknowledgedByToken,
    PageHandedBack,
    PageHeld,
    PageHoldEnded,
    PageOpened,
    PageReassigned,
    PageRequested,
    PageResolved,
    PageRetriggered,
    PageSnoozed,
    PageUnpageable,
    SnoozeEnded,
    UrgencyRaised,
)

CallingEvent = (
    PageRetriggered | AcknowledgementExpired | EscalationAsked | SnoozeEnded | PageHoldEnded
    | PageReassigned | PageHandedBack | UrgencyRaised
)  # fmt: skip


async def list_page(unit: Unit, event: PageOpened | PageRequested) -> None:
    """Lists of incidents say that somebody is called."""
    await command.page_opened(unit, event.page_id, event.incident_id, event.policy)


async def list_calling(unit: Unit, event: CallingEvent) -> None:
    """Lists say that somebody is called again."""
    moved = PageMoved(
        page_id=event.page_id, incident_id=event.incident_id, state=PageState.CALLING
    )
    await command.page_moved(unit, moved)


async def list_taken(unit: Unit, event: PageAcknowledged) -> None:
    """Lists say who has taken the page."""
    moved = PageMoved(
        page_id=event.page_id, incident_id=event.incident_id,
        state=PageState.ACKNOWLEDGED, acknowledged_by=event.person_id,
    )  # fmt: skip
    await command.page_moved(unit, moved)


async def list_taken_by_token(unit: Unit, event: PageAcknowledgedByToken) -> None:
    """Lists say that a page is taken, and where, if not by whom."""
    moved = PageMoved(
        page_id=event.page_id, incident_id=event.incident_id,
        state=PageState.ACKNOWLEDGED, acknowledged_via=event.via,
    )  # fmt: skip
    await command.page_moved(unit, moved)


async def list_snoozed(unit: Unit, event: PageSnoozed) -> None:
    """Lists say that a page was put off."""
    moved = PageMoved(
        page_id=event.page_id, incident_id=event.incident_id, state=PageState.SNOOZED
    )
    await command.page_moved(unit, moved)


async def list_held(unit: Unit, event: PageHeld) -> None:
    """Lists say that a page waits for its hours."""
    moved = PageMoved(
        page_id=event.page_id, incident_id=event.incident_id, state=PageState.HELD
    )
    await command.page_moved(unit, moved)


async def list_unpageable(unit: Unit, event: PageUnpageable) -> None:
    """Lists say that a page reaches nobody."""
    await command.page_is_unpageable(unit, event.page_id)


async def list_closed(unit: Unit, event: PageResolved) -> None:
    """Lists say that nobody is called any more."""
    moved = PageMoved(
        page_id=event.page_id, incident_id=event.incident_id, state=PageState.RESOLVED
    )
    await command.page_moved(unit, moved)
