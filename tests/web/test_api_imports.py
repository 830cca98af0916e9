"""Another calendar becomes a layer: read over the API, applied as a resource, paged by."""

import pytest
import yaml

from fakes.world import World

pytestmark = pytest.mark.db
TEXT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//EN
BEGIN:VEVENT
UID:a
DTSTAMP:20260101T000000Z
SUMMARY:Bea Boss
DTSTART:20260327T130000Z
DTEND:20260327T180000Z
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


async def test_a_calendar_is_read_matched_applied_and_then_pages(acme: World) -> None:
    path = "/api/v1/oncall/schedules/primary/import"
    read = await acme.http.post(
        path, json={"layer": "vendor", "text": TEXT}, headers=acme.bearer
    )
    assert read.status_code == 200, read.text
    layer = read.json()["layer"]
    assert [one["people"] for one in layer["shifts"]] == [["boss"]]
    rotation = {"start": "2026-01-05T09:00", "every": "week", "people": ["maya", "jonas"]}
    spec = {"timezone": "Europe/Berlin", "layers": [{"name": "rotation", **rotation}, layer]}
    await acme.apply(
        yaml.safe_dump(
            {"apiVersion": "tocsin/v1", "kind": "Schedule", "spec": spec,
             "metadata": {"name": "primary", "effectiveFrom": "2026-03-27T12:00:00Z"}}
        )
    )  # fmt: skip
    await acme.forward(hours=2)
    await acme.signal({"alertname": "Down", "service": "a", "severity": "critical"})
    assert any(
        "Your next shift" not in message.subject and message.to == "boss@example.org"
        for _, message in acme.mail.sent
    )


@pytest.mark.parametrize(
    "body",
    [
        {"layer": "x"},
        {"layer": "x", "text": "nothing", "url": "http://example.org"},
        {"layer": "x", "url": "http://127.0.0.1:1/a.ics"},
        {"layer": "x", "url": "http://169.254.169.254/latest"},
        {"layer": "x", "text": TEXT, "slot": "third"},
        {"layer": "x", "text": "BEGIN:VCALENDAR"},
    ],
)
async def test_what_cannot_be_read_or_may_not_be_fetched_is_refused(
    acme: World, body: dict[str, str]
) -> None:
    path = "/api/v1/oncall/schedules/primary/import"
    answer = await acme.http.post(path, json=body, headers=acme.bearer)
    assert answer.status_code in (422, 503), answer.text
