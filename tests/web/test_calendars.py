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
