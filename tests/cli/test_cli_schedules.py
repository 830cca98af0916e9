"""`tocsin oncall preview` without any server, and the verbs of overrides, leave and swaps."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from fake_runtime import FakeRuntime, tocsin
from msgspec import convert

from tocsin.oncall.core.config import ScheduleSpec

FOLLOW = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: follow}
spec:
  timezone: Europe/Berlin
  slots: [primary, secondary]
  holidays: {country: DE, subdivision: BE}
  layers:
    - name: base
      start: "2026-01-05"
      handoff: {at: "09:00", day: monday}
      every: week
      people: [maya, [jonas, bea]]
    - name: nights
      timezone: Asia/Kolkata
      start: "2026-01-05T18:00"
      every: day
      people: [ravi, anu]
      windows: [{days: [monday, tuesday, wednesday, thursday, friday], from: "18:00", to: "08:00"}]
    - {name: second, slot: secondary, start: "2026-01-05T09:00", every: month, people: [cleo],
       holidays: skip}
"""
SHAPE = {
    "id": "1", "kind": "cover", "schedule": "primary", "person": {"name": "Maya"},
    "replaced": None, "start_at": "2026-03-30T07:00:00Z", "end_at": "2026-03-31T07:00:00Z",
}  # fmt: skip


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "follow.yaml"
    path.write_text(FOLLOW)
    return str(path)


def test_a_schedule_is_resolved_from_its_file_alone(runtime: FakeRuntime, file: str) -> None:
    # linkedin/oncall #336: a preview wrote events
    asked = ("--at", "2026-04-01T12:00", "--at", "2026-04-01T20:00+02:00", "--json")
    shown = tocsin(runtime, "oncall", "preview", "-f", file, *asked)
    assert [one["slots"] for one in json.loads(shown.stdout)] == [
        {"primary": ["maya"], "secondary": ["cleo"]},
        {"primary": ["ravi"], "secondary": ["cleo"]},
    ]
    assert runtime.answers.asked == []
    stretch = ("--from", "2026-04-01T00:00", "--to", "2026-04-08T00:00", "--json")
    [plan] = json.loads(tocsin(runtime, "oncall", "preview", "-f", file, *stretch).stdout)
    gaps = [(one["slot"], one["start_at"]) for one in plan["gaps"]]
    assert gaps == [  # Good Friday, and Easter Monday
        ("secondary", "2026-04-02T22:00:00Z"), ("secondary", "2026-04-05T22:00:00Z"),
    ]  # fmt: skip
    table = tocsin(runtime, "oncall", "preview", "-f", file, "--table", *stretch[:-1])
    assert "jonas, bea" in table.stdout
    assert "nobody" in table.stdout


@pytest.mark.parametrize(
    ("written", "instead", "field"),
    [
        ("slot: secondary", "slot: third", "spec.layers[2].slot"),
        ("timezone: Asia/Kolkata", "timezone: Asia/Atlantis", "spec.layers[1].timezone"),
        ("country: DE", "country: XX", "spec.holidays.country"),
        ("subdivision: BE", "subdivision: ZZ", "spec.holidays.subdivision"),
        ("name: nights", "name: base", "spec.layers"),
        ("every: week", "every: day", "spec.layers[0].handoff.day"),
        ('start: "2026-01-05T18:00"', 'start: "2026-02-30T18:00"', "spec.layers[1].start"),
        ("slots: [", "rotation: {start: '2026-01-05', every: day, people: [a]}\n  slots: [",
         "spec.layers"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_document_is_named_by_its_field(
    runtime: FakeRuntime, tmp_path: Path, written: str, instead: str, field: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(FOLLOW.replace(written, instead, 1))
    refused = tocsin(runtime, "oncall", "preview", "-f", str(path))
    assert refused.exit_code == 2
    assert field.removeprefix("spec.") in refused.stderr, refused.stderr


def test_overrides_leave_and_swaps_are_sent_as_they_were_said(runtime: FakeRuntime) -> None:
    table: dict[str, Any] = runtime.answers.table
    table |= {
        "POST /oncall/overrides": [SHAPE], "POST /oncall/leave": [SHAPE],
        "GET /oncall/overrides": [{"items": [SHAPE]}],
    }  # fmt: skip
    when = ("--from", "2026-03-30T09:00", "--to", "2026-03-31T09:00")
    shown = tocsin(runtime, "oncall", "override", "add", "primary", "maya", *when, "--table")
    assert "Maya" in shown.stdout
    body = runtime.answers.asked[-1].body
    assert (body["kind"], body["start_at"]) == ("cover", "2026-03-30T09:00")
    tocsin(runtime, "oncall", "leave", *when, "--reason", "sun")
    assert runtime.answers.asked[-1].body["reason"] == "sun"
    assert "primary" in tocsin(runtime, "oncall", "override", "list", "--table").stdout


def test_trouble_ahead_stops_a_pipeline(runtime: FakeRuntime) -> None:
    trouble = {
        "schedule": "primary", "slot": "primary", "trouble": "gap", "person": None,
        "start_at": "2026-03-30T07:00:00Z", "end_at": "2026-03-31T07:00:00Z", "why": "",
    }  # fmt: skip
    runtime.answers.table["GET /oncall/coverage"] = [{"items": [trouble]}, {"items": []}]
    assert tocsin(runtime, "oncall", "coverage").exit_code == 10
    quiet = tocsin(runtime, "oncall", "coverage", "--table")
    assert (quiet.exit_code, quiet.stdout) == (0, "Nothing to look at in the next 90 days.\n")


def test_a_temporary_schedule_is_sent_shift_by_shift_and_listed(runtime: FakeRuntime) -> None:
    shift = {
        "people": [{"name": "Maya"}, {"name": "Jonas"}],
        "start_at": "2026-12-24T08:00:00Z", "end_at": "2026-12-25T08:00:00Z",
    }  # fmt: skip
    made = SHAPE | {"id": "t", "kind": "temporary", "person": None, "slot": "primary",
                    "shifts": [shift]}  # fmt: skip
    runtime.answers.table |= {
        "POST /oncall/overrides": [made], "GET /oncall/overrides": [{"items": [SHAPE, made]}],
        "DELETE /oncall/overrides/t": [None],
    }  # fmt: skip
    shifts = (
        "--shift", "maya,jonas 2026-12-24T09:00 2026-12-25T09:00",
        "--shift", "bea 2026-12-25T09:00 2026-12-26T09:00",
    )  # fmt: skip
    shown = tocsin(runtime, "oncall", "temporary", "add", "primary", *shifts, "--table")
    assert "Maya, Jonas" in shown.stdout
    body = runtime.answers.asked[-1].body
    assert (body["kind"], body["start_at"], body["end_at"]) == (
        "temporary", "2026-12-24T09:00", "2026-12-26T09:00",
    )  # fmt: skip
    assert [one["people"] for one in body["shifts"]] == [["maya", "jonas"], ["bea"]]
    [listed] = json.loads(tocsin(runtime, "oncall", "temporary", "list", "--json").stdout)
    assert listed["id"] == "t"
    ended = json.loads(tocsin(runtime, "oncall", "temporary", "end", "t", "--json").stdout)
    assert ended == {"id": "t", "ended": True}
    wrong = tocsin(runtime, "oncall", "temporary", "add", "primary", "--shift", "maya monday")
    assert wrong.exit_code == 2
    assert "from when and until when" in wrong.stderr


def test_calendars_are_made_shown_once_regenerated_and_revoked(runtime: FakeRuntime) -> None:
    one = {"id": "c", "kind": "team", "name": "sre", "created_at": "2026-03-30T07:00:00Z",
           "used_at": None}  # fmt: skip
    made = {"calendar": one, "url": "https://t.test/calendars/secret.ics"}
    runtime.answers.table |= {
        "POST /oncall/calendars": [made], "GET /oncall/calendars": [{"items": [one]}],
        "POST /oncall/calendars/c/regenerate": [made], "DELETE /oncall/calendars/c": [None],
    }  # fmt: skip
    shown = tocsin(runtime, "oncall", "calendar", "add", "--team", "sre", "--table")
    assert "https://t.test/calendars/secret.ics" in shown.stdout
    assert runtime.answers.asked[-1].body == {"kind": "team", "name": "sre"}
    tocsin(runtime, "oncall", "calendar", "add")
    assert runtime.answers.asked[-1].body == {"kind": "person", "name": ""}
    listed = tocsin(runtime, "oncall", "calendar", "list", "--table").stdout
    assert "never" in listed
    assert "secret" not in listed
    again = tocsin(runtime, "oncall", "calendar", "regenerate", "c", "--json")
    assert json.loads(again.stdout) == made
    gone = tocsin(runtime, "oncall", "calendar", "revoke", "c", "--json")
    assert json.loads(gone.stdout) == {"id": "c", "revoked": True}
    both = tocsin(runtime, "oncall", "calendar", "add", "--team", "a", "--person", "b")
    assert both.exit_code == 2


FOLLOWING = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: shop}
spec:
  timezone: UTC
  layers:
    - {name: base, start: "2026-01-05", every: week, people: [maya]}
    - {name: theirs, calendar: {url: "URL"}}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: bea}
spec: {displayName: Bea Boss, contact: [{type: email, address: bea@example.org}]}
"""
EVENT = """BEGIN:VEVENT
UID:WHO
DTSTAMP:20260101T000000Z
SUMMARY:WHO
DTSTART:20260328T100000Z
DTEND:20260328T180000Z
END:VEVENT
"""


async def test_a_preview_without_a_server_says_that_a_calendar_is_unknown_or_reads_it(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    events = EVENT.replace("WHO", "Bea Boss") + EVENT.replace("WHO", "A stranger")
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{events}END:VCALENDAR\n"
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(text)}\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((head + text).encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    file = tmp_path / "shop.yaml"

    async def preview(url: str, *more: str) -> Result:
        file.write_text(FOLLOWING.replace("URL", url))
        asked = ("-f", str(file), "--at", "2026-03-28T12:00", "--json", *more)
        return await asyncio.to_thread(tocsin, runtime, "oncall", "preview", *asked)

    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.ics"
        unread = await preview(url)
        read = await preview(url, "--read-calendars", "--allow-networks", "127.0.0.0/8")
        guarded = await preview(url, "--read-calendars")
    [one] = json.loads(unread.stdout)
    assert (one["slots"], one["unknown_layers"]) == ({"primary": ["maya"]}, ["theirs"])
    assert "layer theirs follows a calendar: who has it is not known here" in unread.stderr
    [one] = json.loads(read.stdout)
    assert (one["slots"], one["unknown_layers"]) == ({"primary": ["bea"]}, [])
    assert (
        read.stderr == "shop: layer theirs: left out: 'A stranger' is nobody in these files\n"
    )
    assert guarded.exit_code == 2
    assert "not a public address" in guarded.stderr
    masked = await preview("https://calendar.example.org/…2", "--read-calendars")
    assert masked.exit_code == 2
    assert "write the address out" in masked.stderr


def test_an_imported_calendar_is_printed_as_a_layer_of_the_schedule(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    shift = {
        "people": ["bea"],
        "from": "2026-03-28T10:00Z",
        "to": "2026-03-28T18:00Z",
        "turn": 7,
    }
    other = {"name": "theirs", "calendar": {"url": "https://x.test/…"}, "shifts": []}
    document = {
        "spec": {"timezone": "UTC", "layers": [other, {"name": "vendor", "shifts": []}]}
    }
    runtime.answers.table |= {
        "GET /resources/Schedule/shop": [{"document": document}],
        "POST /oncall/schedules/shop/import": [{
            "layer": {"name": "vendor", "slot": "primary", "shifts": [shift]},
            "unknown": ["A stranger"], "overlapping": 0,
        }],
    }  # fmt: skip
    file = tmp_path / "a.ics"
    file.write_text("BEGIN:VCALENDAR")
    shown = tocsin(runtime, "oncall", "import", "shop", "--layer", "vendor", "-f", str(file))
    assert shown.stderr == "left out: 'A stranger' is nobody here\n"
    found = convert(yaml.safe_load(shown.stdout)["spec"], ScheduleSpec)
    assert [one.name for one in found.layers] == ["theirs", "vendor"]
    assert found.layers[1].shifts[0].turn == 7
