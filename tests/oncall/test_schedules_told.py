"""Edits of schedules over the whole application: kept as versions, and told to whom they move."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import ACME, World, running

pytestmark = pytest.mark.db
EDIT = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary%s}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-01-05T09:00", every: week, people: [%s]}
"""


@pytest.fixture
async def acme(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


async def shifts(world: World, days: str = "2026-04-24") -> list[str]:
    answer = await world.http.get(
        "/api/v1/oncall/schedules/primary/shifts",
        params={"from": "2026-03-20T00:00:00Z", "to": f"{days}T00:00:00Z"},
        headers=world.bearer,
    )
    return [one["person"]["name"].split()[0] for one in answer.json()["shifts"]]


async def test_an_edit_begins_at_the_next_handoff_and_whose_shift_moved_is_told(
    acme: World,
) -> None:
    # GoAlert #1973, Grafana #5353: whose shift an edit had moved heard nothing of it
    assert await shifts(acme) == ["Maya", "Jonas", "Maya", "Jonas", "Maya", "Jonas"]
    await acme.apply(EDIT % ("", "boss, maya, jonas"))
    assert await shifts(acme) == ["Maya", "Jonas", "Bea", "Maya", "Jonas", "Bea"]
    await acme.settle()
    assert len(acme.mail.to("boss@example.org")) == 1
    assert len(acme.mail.to("maya@example.org")) == 1
    [_, message] = next(one for one in acme.mail.sent if one[1].to == "boss@example.org")
    assert message.subject == "Your shifts in primary have moved"
    assert (
        "You are on call in primary (primary) from Monday 30 March 07:00 (UTC) to Monday 6 April"
        " 07:00 (UTC): the schedule was edited." in message.text
    )
    assert len(acme.mail.to("jonas@example.org")) == 1  # who is on call now, and again later
    assert "oncall.shifts_moved" in await acme.story()
    await acme.apply(EDIT % ("", "boss, maya, jonas"))  # the same again changes nothing
    await acme.settle()
    assert len(acme.mail.to("maya@example.org")) == 1
    await acme.forward(days=3)
    assert await shifts(acme) == ["Maya", "Jonas", "Bea", "Maya", "Jonas", "Bea"]


async def test_an_instant_that_is_named_counts_even_if_it_is_past(acme: World) -> None:
    await acme.apply(EDIT % (', effectiveFrom: "2026-03-27T00:00:00Z"', "boss, maya"))
    assert (await shifts(acme))[1:3] == ["Jonas", "Bea"]
    [slot] = (await acme.http.get("/api/v1/oncall/now", headers=acme.bearer)).json()[
        "schedules"
    ]
    assert slot["now"]["person"]["name"] == "Bea Boss"
    assert slot["now"]["start_at"] == "2026-03-27T12:00:00Z"


async def test_what_a_plan_says_of_an_edit_is_what_then_happens(acme: World) -> None:
    answer = await acme.http.post(
        "/api/v1/resources/plan",
        json={"documents": [
            {"apiVersion": "tocsin/v1", "kind": "Schedule", "metadata": {"name": "primary"},
             "spec": {"timezone": "Europe/Berlin",
                      "rotation": {"start": "2026-01-05T09:00", "every": "week",
                                   "people": ["boss", "maya", "jonas"]}}}]},
        headers=acme.bearer,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["words"] == [
        "the default route pages Bea Boss instead of Maya Okafor from Monday 09:00 (Europe/Berlin)"
    ]


def told(world: World, name: str) -> list[str]:
    """What moves of shifts somebody was told of since this was asked last."""
    found = [one for one in world.mail.sent if one[1].to == f"{name}@example.org"]
    for one in found:
        world.mail.sent.remove(one)
    lines = (text for _, message in found for text in message.text.splitlines())
    return [one.partition("primary (primary) ")[2] for one in lines if "(primary)" in one]


async def test_who_has_the_shift_and_is_cut_short_by_an_edit_is_told(acme: World) -> None:
    edit = EDIT % (', effectiveFrom: "2026-03-28T12:00:00Z"', "boss, maya")
    await acme.apply(edit)
    await acme.settle()
    await acme.forward(days=1, minutes=1)
    [said] = told(acme, "jonas")
    assert said.startswith("from Saturday 28 March 12:00 (UTC) to Monday 30 March 07:00 (UTC)")


async def test_everybody_whose_shift_an_override_moves_is_told_and_again_when_it_is_taken_back(
    acme: World,
) -> None:
    until = "2026-03-28T12:00:00Z"
    new = {"kind": "cover", "schedule": "primary", "person": "boss",
           "start_at": "2026-03-27T12:00:00Z", "end_at": until}  # fmt: skip
    for kind in (
        {"kind": "cover", "person": "boss"},
        {"kind": "replace", "person": "boss", "replaced": "jonas"},
        {"kind": "temporary", "person": None, "shifts": [
            {"people": ["boss"], "start_at": new["start_at"], "end_at": until}]},
    ):  # fmt: skip
        answer = await acme.http.post(
            "/api/v1/oncall/overrides", json=new | kind, headers=acme.bearer
        )
        assert answer.status_code == 201, answer.text
        await acme.settle()
        assert [len(told(acme, one)) for one in ("boss", "jonas", "maya")] == [1, 1, 0]
        address = f"/api/v1/oncall/overrides/{answer.json()['id']}"
        assert (await acme.http.delete(address, headers=acme.bearer)).status_code == 204
        await acme.settle()
        [said] = told(acme, "jonas")
        assert said.endswith("to Saturday 28 March 12:00 (UTC): an override was taken back.")
        assert len(told(acme, "boss")) == 1


async def test_whoever_falls_in_for_somebody_who_has_left_is_told(acme: World) -> None:
    await acme.apply(
        "apiVersion: tocsin/v1\nkind: Schedule\nmetadata: {name: primary}\nspec:\n"
        "  timezone: Europe/Berlin\n  layers:\n"
        '  - {name: low, start: "2026-01-05T09:00", every: week, people: [maya]}\n'
        '  - {name: high, start: "2026-01-05T09:00", every: week, people: [jonas]}\n'
    )
    await acme.settle()
    acme.mail.sent.clear()
    jonas = next(one for one in ACME.split("---") if "name: jonas" in one)
    await acme.apply(f"{jonas.rstrip()}\n  active: false\n")
    await acme.settle()
    [said] = told(acme, "maya")
    assert "somebody has left, or come back" in said
    await acme.apply(jonas)
    await acme.settle()
    assert [len(told(acme, one)) for one in ("maya", "jonas")] == [1, 1]
