"""A calendar's server, and a world whose schedule follows it."""

import asyncio
from typing import Any

from fakes.world import World
from tocsin.integrations.ical.read import Calendars
from tocsin.integrations.outbound import Outbound, networks
from tocsin.kernel.actor import SYSTEM
from tocsin.oncall import actions
from tocsin.oncall.jobs import CalendarLayers
from tocsin.oncall.model import CalendarLayer

SCHEDULE = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {{name: vendor}}
spec:
  timezone: Europe/Berlin
  layers:
    - {{name: base, start: "2026-01-05T09:00", every: week, people: [maya]}}
    - {{name: {name}, timezone: {timezone}, calendar: {{url: "{url}"}}}}
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
        self.paths: list[str] = []

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
        self.paths.append(head.split(" ")[1])
        text = self.text
        status = 304 if said == tag and self.status == 200 else self.status
        body = "" if status != 200 else text[: len(text) // 2] if self.is_cut else text
        length = len(text) if status == 200 else 0
        writer.write(
            f"HTTP/1.1 {status} x\r\netag: {tag}\r\ncontent-length: {length}\r\n\r\n{body}".encode()
        )
        writer.close()


class Rig:
    """A world whose schedule follows the calendar of a site."""

    def __init__(self, world: World, site: Site) -> None:
        self.world, self.site = world, site
        outbound = Outbound(allowed=networks("127.0.0.0/8"), timeout_s=5)
        self.layers = CalendarLayers(world.app.units, world.app.clock, Calendars(outbound))

    async def follow(
        self, path: str = "rota.ics", name: str = "theirs", timezone: str = "UTC", more: int = 0
    ) -> None:
        """Apply the schedule, with `more` layers of other calendars, and read what is due."""
        url = f"http://127.0.0.1:{self.site.port}/{path}"
        text = SCHEDULE.format(url=url, name=name, timezone=timezone)
        for n in range(more):
            text += f"    - {{name: more{n}, calendar: {{url: '{url}?{n}'}}}}\n"
        await self.world.apply(text)
        await self.world.apply(POLICY)
        await self.read()

    async def without_theirs(self) -> None:
        """Take the layer that follows a calendar away."""
        lines = SCHEDULE.format(url="x", name="theirs", timezone="UTC").splitlines()
        await self.world.apply("\n".join(line for line in lines if "theirs" not in line))

    async def theirs(self) -> list[tuple[str, str]]:
        """Return who has the layer by itself from now on, and from when on."""
        layers = (await self.get("/schedules/vendor/layers"))["layers"]
        [layer] = [one for one in layers if one["name"] == "theirs"]
        return [(one["people"][0]["name"], one["start_at"][:16]) for one in layer["shifts"]]

    async def followed(self) -> dict[str, Any]:
        """Return how the layer's calendar was read."""
        layers = (await self.get("/schedules/vendor/layers"))["layers"]
        [found] = [one["calendar"] for one in layers if one["name"] == "theirs"]
        return dict(found)

    async def rows(self) -> list[tuple[str, str]]:
        """Return the shifts that were read, by layer and end."""
        async with self.world.app.db.connection() as conn:
            cursor = await conn.execute(
                "SELECT layer, end_at FROM oncall.calendar_shifts ORDER BY end_at"
            )
            return [(name, f"{at:%Y-%m-%dT%H:%M}") for name, at in await cursor.fetchall()]

    async def due(self) -> CalendarLayer | None:
        """Claim a calendar, as a node does."""
        found: CalendarLayer | None = await self.world.app.units.run(
            SYSTEM, actions.due_calendar
        )
        return found

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
