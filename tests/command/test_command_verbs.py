"""What people do with incidents, each verb on a real database."""

import hashlib
from uuid import UUID

import pytest
from command_world import (
    JONAS,
    MAYA,
    declared,
    opened,
    person,
    run,
    seen,
    story,
)

from fakes.world import World
from tocsin.command import actions, reads
from tocsin.command.model import (
    IncidentStatus,
    LinkId,
    NoteId,
    OpenedBy,
    Priority,
    ResolvedBy,
)
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from tocsin.kernel.ids import GroupId, PersonId
from tocsin.kernel.vocabulary import Severity, Urgency

pytestmark = pytest.mark.db

G1, G2, G3 = (GroupId(UUID(int=n)) for n in (1, 2, 3))


async def test_declaring_by_hand_makes_a_responder_and_pages_nobody_unasked(
    world: World,
) -> None:
    found = await opened(
        world, severity=Severity.SEV2, services=("checkout", "cart"), team="shop",
        urgency=Urgency.HIGH,
    )  # fmt: skip
    assert found == await seen(world, found.id)
    assert (found.reference, found.opened_by) == ("INC-1", OpenedBy.PERSON)
    assert (found.services, found.team, found.version) == (("checkout", "cart"), "shop", 1)
    [responder] = await run(world, lambda u: reads.responders_of(u, found.id))
    assert responder.person_id == MAYA.person_id
    assert await story(world) == ["incident_opened", "responder_joined"]
    assert await world.rows("SELECT id FROM oncall.pages") == []


async def test_an_urgent_one_with_a_policy_pages_and_the_list_says_so(world: World) -> None:
    found = await opened(world, urgency=Urgency.HIGH, policy="")
    assert len(await world.rows("SELECT id FROM oncall.pages")) == 1
    [row] = await run(world, lambda u: reads.incident_list(u, reads.IncidentFilter()))
    assert row.id == found.id
    assert row.calling in ("calling", "unpageable")
    assert "incident_needs_page" in await story(world)


async def test_what_a_person_declared_alerts_do_not_end(world: World) -> None:
    found = await opened(world, groups=(G1,))
    await run(world, lambda u: actions.clear_for(u, G1), SYSTEM)
    assert (await seen(world, found.id)).status is IncidentStatus.INVESTIGATING


async def test_alerts_that_have_an_incident_join_no_other_by_declaring(world: World) -> None:
    await declared(world, 1)
    with pytest.raises(Conflict, match="merge"):
        await opened(world, groups=(G1,))
    assert len(await world.rows("SELECT id FROM command.incidents")) == 1


async def test_status_follows_the_work_and_each_twice_changes_nothing(world: World) -> None:
    one = await opened(world)
    for stage in ("identified", "identified", "mitigated", "investigating"):
        moved = await run(
            world, lambda u, s=stage: actions.set_status(u, one.id, IncidentStatus(s))
        )
        assert moved.status == stage
    assert moved.version == 4
    assert (await story(world)).count("status_set") == 3
    for stage, cure in (("resolved", "resolve INC-1"), ("closed", "before closing")):
        with pytest.raises(Conflict, match=cure):
            await run(
                world, lambda u, s=stage: actions.set_status(u, one.id, IncidentStatus(s))
            )


async def test_over_is_said_by_resolve_put_away_by_close_and_taken_back_by_reopen(
    world: World,
) -> None:
    one = await opened(world)
    for _ in range(2):
        over = await run(world, lambda u: actions.resolve(u, one.id))
        assert (over.status, over.resolved_by) == (IncidentStatus.RESOLVED, ResolvedBy.PERSON)
    for _ in range(2):
        closed = await run(
            world, lambda u: actions.set_status(u, one.id, IncidentStatus.CLOSED)
        )
        assert closed.status is IncidentStatus.CLOSED
    with pytest.raises(Conflict, match="reopen it first"):
        await run(world, lambda u: actions.set_status(u, one.id, IncidentStatus.MITIGATED))
    for _ in range(2):
        again = await run(world, lambda u: actions.reopen(u, one.id))
        assert again.status is IncidentStatus.INVESTIGATING
        assert again.resolved_at is None
    said = await story(world)
    assert said.count("incident_resolved") == said.count("incident_reopened_by_person") == 1


async def test_reopening_calls_those_again_who_were_called(world: World) -> None:
    quiet = await opened(world, urgency=Urgency.HIGH)
    loud = await opened(world, urgency=Urgency.HIGH, policy="")
    for one in (quiet, loud):
        await run(world, lambda u, i=one.id: actions.resolve(u, i))
    assert await world.rows("SELECT state FROM oncall.pages") == [("resolved",)]
    for one in (quiet, loud):
        await run(world, lambda u, i=one.id: actions.reopen(u, i))
    [(state,)] = await world.rows("SELECT state FROM oncall.pages")
    assert state != "resolved"


async def test_severity_and_priority_are_peoples_words(world: World) -> None:
    one = await declared(world, 1)
    assert (one.severity, one.priority) == (None, None)
    for _ in range(2):
        found = await run(world, lambda u: actions.set_severity(u, one.id, Severity.SEV1))
        found = await run(world, lambda u: actions.set_priority(u, one.id, Priority.P2))
    assert (found.severity, found.priority) == (Severity.SEV1, Priority.P2)
    await run(world, lambda u: actions.set_severity(u, one.id, None))
    await run(world, lambda u: actions.set_priority(u, one.id, None))
    back = await seen(world, one.id)
    assert (back.severity, back.priority, back.version) == (None, None, 5)
    said = await story(world)
    assert said.count("severity_set") == said.count("priority_set") == 2


async def test_words_are_edited_and_searched_in_their_new_form(world: World) -> None:
    one = await opened(world)
    for _ in range(2):
        await run(world, lambda u: actions.edit(u, one.id, title=" Search  is down "))
    await run(world, lambda u: actions.edit(u, one.id, description="since the deploy"))
    found = await seen(world, one.id)
    assert (found.title, found.description) == ("Search is down", "since the deploy")
    assert (await story(world)).count("incident_edited") == 2
    with pytest.raises(Invalid):
        await run(world, lambda u: actions.edit(u, one.id, title=" "))


async def test_a_change_of_what_was_not_seen_is_refused(world: World) -> None:
    one = await opened(world)
    await run(world, lambda u: actions.set_severity(u, one.id, Severity.SEV3, if_version=1))
    with pytest.raises(PreconditionFailed, match="version 2, you saw 1"):
        await run(world, lambda u: actions.edit(u, one.id, title="x", if_version=1))
    await run(world, lambda u: actions.edit(u, one.id, title="x", if_version=2))


async def test_the_log_knows_a_note_by_a_digest_that_cannot_be_guessed(world: World) -> None:
    one = await opened(world)
    note = await run(world, lambda u: actions.add_note(u, one.id, " rolled back to 4.1 "))
    assert note.text == "rolled back to 4.1"
    await world.settle()
    [(line,)] = await world.rows(
        "SELECT line FROM kernel.log WHERE kind = 'command.note_added'"
    )
    assert "rolled back" not in line
    assert hashlib.sha256(note.text.encode()).hexdigest() not in line
    [(salt,)] = await world.rows("SELECT salt FROM command.notes")
    assert hashlib.sha256(bytes(salt) + note.text.encode()).hexdigest() in line
    assert await run(world, lambda u: reads.notes(u, [note.id])) == {note.id: note}


async def test_a_note_is_erased_by_its_author_or_by_who_may_erase_people(world: World) -> None:
    one = await opened(world)
    notes = [
        await run(world, lambda u, t=text: actions.add_note(u, one.id, t)) for text in "ab"
    ]
    with pytest.raises(Forbidden, match="person:erase"):
        await run(world, lambda u: actions.erase_note(u, one.id, notes[0].id), JONAS)
    await run(world, lambda u: actions.erase_note(u, one.id, notes[0].id))
    admin = person(11, "Ada", Role.ADMIN)
    await run(world, lambda u: actions.erase_note(u, one.id, notes[1].id), admin)
    assert await world.rows("SELECT text, salt FROM command.notes") == []
    with pytest.raises(NotFound, match="erased"):
        await run(world, lambda u: actions.erase_note(u, one.id, NoteId(notes[1].id)), admin)
    assert (await story(world)).count("note_erased") == 2


async def test_links_are_kept_once_and_lead_to_the_web(world: World) -> None:
    one = await opened(world)
    first = await run(world, lambda u: actions.link(u, one.id, "https://wiki.test/a", "Wiki"))
    again = await run(world, lambda u: actions.link(u, one.id, "https://wiki.test/a", "Other"))
    assert again == first
    with pytest.raises(Invalid, match="https"):
        await run(world, lambda u: actions.link(u, one.id, "javascript:alert(1)"))
    assert await run(world, lambda u: reads.links_of(u, [one.id])) == [first]
    for _ in range(2):
        await run(world, lambda u: actions.unlink(u, one.id, LinkId(first.id)))
    said = await story(world)
    assert (said.count("link_added"), said.count("link_removed")) == (1, 1)


async def test_relations_hold_both_ways_once(world: World) -> None:
    one, other = await opened(world), await opened(world, "Search is slow")
    await run(world, lambda u: actions.relate(u, one.id, other.id))
    await run(world, lambda u: actions.relate(u, other.id, one.id))
    for here, there in ((one, other), (other, one)):
        assert await run(world, lambda u, i=here.id: reads.related_to(u, i)) == [there]
    with pytest.raises(Invalid, match="name another"):
        await run(world, lambda u: actions.relate(u, one.id, one.id))
    for _ in range(2):
        await run(world, lambda u: actions.unrelate(u, one.id, other.id))
    said = await story(world)
    assert (said.count("incidents_related"), said.count("incidents_unrelated")) == (1, 1)


async def test_people_join_and_leave(world: World) -> None:
    one = await opened(world)
    jonas = PersonId(JONAS.id)
    for _ in range(2):
        await run(world, lambda u: actions.join(u, one.id, jonas), JONAS)
    found = await run(world, lambda u: reads.responders_of(u, one.id))
    assert [who.person_id for who in found] == [MAYA.person_id, jonas]
    for _ in range(2):
        await run(world, lambda u: actions.leave(u, one.id, jonas))
    said = await story(world)
    assert (said.count("responder_joined"), said.count("responder_left")) == (2, 1)
