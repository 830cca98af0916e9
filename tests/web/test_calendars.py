"""Calendars behind an address: made by people, read without signing in, revoked for good."""

import pytest
from icalendar import Calendar
from pages_world import browser, person

from fakes.world import World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
API = "/api/v1/oncall/calendars"
OURS = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(("kind", "count"), [("person", 11), ("schedule", 31)])
async def test_a_calendar_is_read_by_its_address_until_it_is_revoked(
    acme: World, kind: str, count: int
) -> None:
    body = {"kind": kind, "name": "primary" if kind == "schedule" else ""}
    async with browser(acme, Role.VIEWER, await person(acme, "maya")) as maya:
        made = await maya.post(API, json=body, headers=OURS)
        assert made.status_code == 201, made.text
        path = made.json()["url"].removeprefix(acme.app.settings.base_url)
        first = await acme.http.get(path)
        assert first.headers["content-type"] == "text/calendar; charset=utf-8"
        events = Calendar.from_ical(first.text).walk("VEVENT")
        assert abs(len(events) - count) <= 5
        again = await acme.http.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.text) == (304, "")
        [one] = (await maya.get(API)).json()["items"]
        assert path.split("/")[-1] not in (await maya.get(API)).text
        async with browser(acme, Role.VIEWER, await person(acme, "jonas")) as jonas:
            assert (await jonas.delete(f"{API}/{one['id']}", headers=OURS)).status_code == 403
        assert (await maya.delete(f"{API}/{one['id']}", headers=OURS)).status_code == 204
    assert (await acme.http.get(path)).status_code == 404
    assert (await acme.http.get("/calendars/nothing.ics")).status_code == 404


async def test_another_address_closes_the_old_one_and_is_for_who_made_it_alone(
    acme: World,
) -> None:
    base = acme.app.settings.base_url
    async with browser(acme, Role.VIEWER, await person(acme, "maya")) as maya:
        body = {"kind": "person", "name": "jonas"}
        first = (await maya.post(API, json=body, headers=OURS)).json()
        assert first["calendar"]["name"] == "jonas"
        path = f"{API}/{first['calendar']['id']}/regenerate"
        async with browser(acme, Role.ADMIN, await person(acme, "jonas")) as jonas:
            assert (await jonas.post(path, headers=OURS)).status_code == 403
        made = await maya.post(path, headers=OURS)
        assert made.status_code == 201, made.text
        [listed] = (await maya.get(API)).json()["items"]
        assert listed["id"] == made.json()["calendar"]["id"]
        assert (await maya.post(path, headers=OURS)).status_code == 404
        nobody = {"kind": "person", "name": "nobody"}
        assert (await maya.post(API, json=nobody, headers=OURS)).status_code == 422
    old, new = (one["url"].removeprefix(base) for one in (first, made.json()))
    assert (await acme.http.get(old)).status_code == 404
    text = (await acme.http.get(new)).text
    assert "On call: Jonas Weber" in text
    summaries = {str(one["SUMMARY"]) for one in Calendar.from_ical(text).walk("VEVENT")}
    assert summaries == {"Jonas Weber: primary"}


async def test_what_has_changed_in_a_calendar_is_numbered_and_stamped(acme: World) -> None:
    async with browser(acme, Role.MANAGER, await person(acme, "maya")) as maya:
        body = {"kind": "schedule", "name": "primary"}
        made = await maya.post(API, json=body, headers=OURS)
        path = made.json()["url"].removeprefix(acme.app.settings.base_url)
        seen: list[set[tuple[int, str]]] = []
        for step in ("at first", "again", "covered"):
            if step == "covered":
                await acme.forward(minutes=5)
                cover = {"kind": "cover", "schedule": "primary", "person": "maya",
                         "start_at": "2026-03-28T13:00:00Z", "end_at": "2026-03-28T18:00:00Z"}  # fmt: skip
                added = await maya.post("/api/v1/oncall/overrides", json=cover, headers=OURS)
                assert added.status_code == 201, added.text
            events = Calendar.from_ical((await acme.http.get(path)).text).walk("VEVENT")
            seen.append({(int(e["SEQUENCE"]), f"{e['DTSTAMP'].dt:%H:%M}") for e in events})
    assert seen == [{(0, "12:00")}, {(0, "12:00")}, {(1, "12:05")}]
