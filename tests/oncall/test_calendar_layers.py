"""A layer that follows another calendar: read every hour, kept when that fails, told when it moves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from fakes.world import NOON, World
from tocsin.integrations.ical.read import Calendars
from tocsin.integrations.outbound import Outbound, networks
from tocsin.kernel.access import Role
from tocsin.oncall.jobs import CalendarLayers
from tocsin.oncall.reads import old_calendars
from web.pages_world import browser

pytestmark = pytest.mark.db
SCHEDULE = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {{name: vendor}}
spec:
  timezone: Europe/Berlin
  layers:
    - {{name: base, start: "2026-01-05T09:00", every: week, people: [maya]}}
    - {{name: theirs, calendar: {{url: "{url}"}}}}
"""
POLICY = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{schedule: vendor}], timeout: 5m}], repeat: 0, catchAll: [{person: boss}]}
"""
EVENT = """BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
SUMMARY:{who}
DTSTART:{start}
DTEND:{end}
END:VEVENT
"""


def event(who: str, start: str, end: str) -> str:
    return EVENT.format(uid=f"{who}{start}", who=who, start=start, end=end)


class Site:
    """A calendar's server: it has an ETag, and may be down, or answer half of a calendar."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.status, self.is_cut, self.port = 200, False, 0
        self.asked: list[str] = []

    @property
    def text(self) -> str:
        inside = "".join(self.events)
        whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{inside}END:VCALENDAR\n"
        return whole.replace("\n", "\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        tag = f'"{hash(self.text) & 0xFFFF}"'
        said = head.partition("if-none-match: ")[2].partition("\r\n")[0]
        self.asked.append(said)
        text = self.text
        status = 304 if said == tag and self.status == 200 else self.status
        body = "" if status != 200 else text[: len(text) // 2] if self.is_cut else text
        length = len(text) if status == 200 else 0
        writer.write(
            f"HTTP/1.1 {status} x\r\netag: {tag}\r\ncontent-length: {length}\r\n\r\n{body}".encode()
        )
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


class Rig:
    """A world whose schedule follows the calendar of a site."""

    def __init__(self, world: World, site: Site) -> None:
        self.world, self.site = world, site
        outbound = Outbound(allowed=networks("127.0.0.0/8"), timeout_s=5)
        self.layers = CalendarLayers(world.app.units, world.app.clock, Calendars(outbound))

    async def follow(self) -> None:
        """Apply the schedule and read its calendar for the first time."""
        url = f"http://127.0.0.1:{self.site.port}/rota.ics"
        await self.world.apply(SCHEDULE.format(url=url))
        await self.world.apply(POLICY)
        await self.read()

    async def read(self) -> None:
        """Read what is due."""
        while await self.layers.beat() == 0:
            pass
        await self.world.settle()

    async def get(self, path: str) -> Any:
        answer = await self.world.http.get(f"/api/v1/oncall{path}", headers=self.world.bearer)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def who(self) -> str:
        [slot] = [
            one for one in (await self.get("/now"))["schedules"] if one["name"] == "vendor"
        ]
        return str(slot["now"]["person"]["name"])

    async def troubles(self) -> list[dict[str, Any]]:
        items = (await self.get("/coverage?schedule=vendor"))["items"]
        return [one for one in items if one["trouble"] == "stale"]


@pytest.fixture
def rig(world: World, site: Site) -> Rig:
    return Rig(world, site)


async def test_what_a_calendar_says_is_paged_and_followed_when_it_changes(rig: Rig) -> None:
    bea = event("Bea Boss", "20260327T100000Z", "20260327T180000Z")
    rig.site.events = [bea, event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]
    await rig.follow()
    assert await rig.who() == "Bea Boss"
    fire = {"alertname": "Down", "service": "a", "severity": "critical"}
    await rig.world.signal(fire, ends_at=NOON + timedelta(days=9))
    assert [message.to for _, message in rig.world.mail.sent] == ["boss@example.org"]
    rig.world.mail.sent.clear()
    await rig.world.forward(hours=1)
    rig.site.events = [bea, event("Jonas Weber", "20260329T100000Z", "20260329T180000Z")]
    await rig.read()
    told = [one for _, one in rig.world.mail.sent if one.to == "jonas@example.org"]
    assert any("the calendar that a layer follows says so" in one.text for one in told)
    plan = await rig.get("/schedules/vendor/shifts")
    theirs = [one for one in plan["shifts"] if one["layer"] == "theirs"]
    assert [one["start_at"][:16] for one in theirs] == ["2026-03-27T12:00", "2026-03-29T10:00"]


async def test_who_is_taken_off_now_is_off_now_and_history_stays(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z")]
    await rig.follow()
    await rig.world.forward(hours=2)
    rig.site.events = [event("Jonas Weber", "20260327T100000Z", "20260327T180000Z")]
    await rig.read()
    assert await rig.who() == "Jonas Weber"
    plan = await rig.get("/schedules/vendor/shifts?from=2026-03-27T11:00:00Z")
    found = [(one["people"][0]["name"], one["start_at"][11:16]) for one in plan["shifts"][:3]]
    assert found[1:] == [("Bea Boss", "12:00"), ("Jonas Weber", "14:00")]


async def test_it_is_asked_every_hour_for_changes_and_once_a_day_for_all_of_it(
    rig: Rig,
) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z")]
    await rig.follow()
    assert rig.site.asked == [""]
    await rig.read()
    assert len(rig.site.asked) == 1  # not due
    await rig.world.forward(hours=1.01)
    await rig.read()
    assert rig.site.asked[1].startswith('"')
    await rig.world.forward(hours=24)
    await rig.read()
    assert rig.site.asked[2] == ""


@pytest.mark.parametrize("how", ["down", "cut"])
async def test_what_it_said_last_stays_when_it_fails_and_after_a_day_it_is_told(
    rig: Rig, how: str
) -> None:
    late = event("Bea Boss", "20260327T100000Z", "20260330T180000Z")
    rig.site.events = [late, event("Bea Boss", "20260401T100000Z", "20260401T180000Z")]
    await rig.follow()
    if how == "down":
        rig.site.status = 500
    else:
        rig.site.is_cut = True
        rig.site.events.append(event("Jonas Weber", "20260402T100000Z", "20260402T180000Z"))
    await rig.world.forward(hours=2)
    await rig.read()
    [layer] = [
        one for one in (await rig.get("/schedules/vendor/layers"))["layers"]
        if one["name"] == "theirs"
    ]  # fmt: skip
    assert layer["calendar"]["error"]
    assert layer["calendar"]["read_at"] == "2026-03-27T12:00:00Z"
    assert await rig.who() == "Bea Boss"
    assert await rig.troubles() == []
    await rig.world.forward(hours=22.1)
    await rig.read()
    assert await rig.who() == "Bea Boss"
    [trouble] = await rig.troubles()
    assert trouble["why"].startswith("layer theirs: last read 2026-03-27 12:00 UTC; ")
    async with rig.world.app.db.connection() as conn:
        count, old = await old_calendars(conn, rig.world.app.clock.now())
    assert (count, [one.layer for one in old]) == (1, ["theirs"])
    if how == "down":
        async with browser(rig.world, Role.VIEWER) as client:
            assert "Its calendar is out of date" in (await client.get("/schedules/vendor")).text
    rig.site.status, rig.site.is_cut = 200, False
    rig.site.events = [late]
    await rig.world.forward(minutes=6)
    await rig.read()
    assert await rig.troubles() == []


async def test_people_whom_nobody_knows_and_rules_that_never_match_are_named(rig: Rig) -> None:
    never = event("Bea Boss", "20260327T100000Z", "20260327T180000Z").replace(
        "END:VEVENT", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT"
    )
    rig.site.events = [never, event("A stranger", "20260327T110000Z", "20260327T130000Z"),
                       event("Jonas Weber", "20260327T110000Z", "20260327T190000Z")]  # fmt: skip
    await rig.follow()
    assert await rig.who() == "Jonas Weber"
    layers = (await rig.get("/schedules/vendor/layers"))["layers"]
    followed = next(one["calendar"] for one in layers if one["name"] == "theirs")
    assert followed["unknown"] == ["A stranger"]
    assert "BYMONTHDAY=30" in followed["left_out"][0]


async def test_a_layer_that_nobody_follows_any_more_is_not_asked(rig: Rig) -> None:
    await rig.follow()
    asked = len(rig.site.asked)
    written = SCHEDULE.format(url="x")
    await rig.world.apply(
        "\n".join(line for line in written.splitlines() if "theirs" not in line)
    )
    await rig.world.forward(hours=3)
    await rig.read()
    assert len(rig.site.asked) == asked


async def test_a_calendar_that_cannot_be_followed_is_refused_by_its_field(world: World) -> None:
    wrong = (
        ({"calendar": {"url": "https://x.test/a"}, "people": ["maya"]}, "calendar"),
        ({"calendar": {"url": "ftp://x.test/a"}}, "calendar.url"),
        ({"calendar": {"url": "https://me:pass@x.test/a"}}, "calendar.url"),
    )
    for layer, field in wrong:
        document = {
            "apiVersion": "tocsin/v1", "kind": "Schedule", "metadata": {"name": "vendor"},
            "spec": {"timezone": "UTC", "layers": [{"name": "theirs", **layer}]},
        }  # fmt: skip
        refused = await world.http.post(
            "/api/v1/resources/apply", json={"documents": [document]}, headers=world.bearer
        )
        assert refused.status_code == 422
        assert refused.json()["field"] == f"spec.layers[0].{field}"
