"""A backup holds everything of one instant, and comes back whole or not at all."""

import gzip
import hashlib
import io
import tarfile
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from fakes.world import ACME, NOON, running
from tocsin.kernel import backup_tables, held_jobs, migrations
from tocsin.kernel.backup import back_up
from tocsin.kernel.backup_file import MANIFEST, Manifest, members
from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.ids import uuid7
from tocsin.kernel.restore import Restored, restore, scratch
from tocsin.oncall.actions import PAGING_JOBS

pytestmark = pytest.mark.db

ODD = "tab\t, line\n, backslash \\, quote ' \", \\N, snowman ☃, nothing ''"


_made: list[bytes] = []  # made once: to live takes longer than to be restored


async def lived_in(dsn: str) -> bytes:
    """Return a backup of a Tocsin to which something of everything has happened."""
    if not _made:
        _made.append(await live(dsn))
    return _made[0]


async def live(dsn: str) -> bytes:
    """Let something of everything happen to a Tocsin, and back it up."""
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.signal({"alertname": "Disk", "odd": ODD}, ends_at=NOON + timedelta(hours=9))
        await world.forward(minutes=6)
        await world.signal({"alertname": "Two"}, ends_at=NOON + timedelta(minutes=7))
        await world.forward(minutes=30)
        note = {"text": ODD}
        await world.http.post("/api/v1/incidents/INC-1/notes", json=note, headers=world.bearer)
        await world.settle()
        await world.rows("UPDATE governance.tokens SET name = 'earlier' RETURNING 1")
    out = io.BytesIO()
    back_up(dsn, out)
    return out.getvalue()


def dump(dsn: str) -> dict[str, list[str]]:
    """Return every row of every table of ours as text."""
    with psycopg.connect(dsn) as connection:
        ours = backup_tables.schemas(migrations.load())
        return {
            table.name: sorted(
                row[0]
                for row in connection.execute(f"SELECT t::text FROM {table.name} t").fetchall()  # type: ignore[call-overload]
            )
            for table in backup_tables.tables(connection, ours)
        }


def restored(dsn: str, content: bytes) -> Restored:
    return restore(dsn, io.BytesIO(content), hold=PAGING_JOBS)


def rewritten(content: bytes, change: dict[str, bytes | None]) -> bytes:
    """Return the backup with these members exchanged, or left out."""
    out = io.BytesIO()
    with gzip.open(out, "wb") as zipped, tarfile.open(fileobj=zipped, mode="w|") as tar:  # type: ignore[arg-type]
        for name, found in members(io.BytesIO(content)):
            kept = change.get(name, found)
            if kept is not None:
                member = tarfile.TarInfo(name)
                member.size = len(kept)
                tar.addfile(member, io.BytesIO(kept))
    return out.getvalue()


def part_of(content: bytes, table: str) -> tuple[str, bytes]:
    return next(
        (name, found) for name, found in members(io.BytesIO(content)) if f"/{table}/" in name
    )


async def test_every_row_comes_back_as_it_was_and_paging_is_held(
    dsn: str, empty_dsn: str
) -> None:
    content = await live(dsn)
    before = dump(dsn)
    told = restored(empty_dsn, content)
    after = dump(empty_dsn)
    assert [row.split(",")[0] for row in after.pop("kernel.held_jobs")] == [
        f"({kind}" for kind in sorted(PAGING_JOBS)
    ]
    assert before.pop("kernel.held_jobs") == []
    assert after == before
    assert sum(map(len, before.values())) == told.row_count
    assert len(before["kernel.log"]) == told.manifest.log_size > 10
    assert len(before["signals.receipts"]) >= 2
    assert any(ODD.split(",", maxsplit=1)[0] in row for row in before["command.notes"])
    assert migrations.status(empty_dsn).is_current


async def test_what_was_restored_lives_on_and_pages_once_it_is_released(
    dsn: str, empty_dsn: str
) -> None:
    restored(empty_dsn, await lived_in(dsn))
    later = NOON + timedelta(hours=5)  # two open pages; one alert was over long ago
    async with running(empty_dsn, at=later) as world:
        await world.forward(minutes=20)
        assert world.mail.sent == []
        found = await world.http.post("/api/v1/paging/release", headers=world.bearer)
        await world.settle()
        assert len(world.mail.sent) == found.json()["open_count"] == 1
        numbers = await world.rows("SELECT seq FROM kernel.log ORDER BY seq")
        assert [seq for (seq,) in numbers] == list(range(len(numbers)))


async def test_only_an_empty_database_is_filled(dsn: str) -> None:
    content = await live(dsn)
    before = dump(dsn)
    with pytest.raises(Conflict, match="not empty"):
        restored(dsn, content)
    assert dump(dsn) == before


async def test_a_damaged_backup_leaves_the_database_empty(dsn: str, empty_dsn: str) -> None:
    content = await lived_in(dsn)
    log, lines = part_of(content, "kernel.log")
    shorter = b"\n".join(lines.split(b"\n")[1:])
    head = dict(members(io.BytesIO(content)))["head.json"]
    people, rows = part_of(content, "signals.receipts")
    mark = b"s3cret-of-a-row"
    damaged: dict[str, tuple[bytes, str]] = {
        "a row that PostgreSQL cannot read": (
            rewritten(content, {people: mark + rows}),
            "signals.receipts: .*damaged",
        ),
        "no UTF-8": (
            rewritten(content, {log: lines.replace(b"page", mark + b"\xff", 1)}),
            "kernel.log: .*damaged",
        ),
        "a table of nobody's": (
            rewritten(content, {"head.json": head.replace(b'"kernel.log"', b'"kernel.lag"')}),
            "head.json: .*damaged",
        ),
        "cut off": (content[: len(content) // 2], "no whole backup|too soon"),
        "no manifest": (rewritten(content, {MANIFEST: None}), "too soon"),
        "a row less": (rewritten(content, {log: shorter}), "kernel.log"),
        "a word changed": (
            rewritten(content, {log: lines.replace(b"page", b"pace", 1)}),
            "log",
        ),
        "not a backup": (b"hello", "no whole backup"),
    }
    for what, (bad, words) in damaged.items():
        with pytest.raises(Invalid, match=words) as refused:
            restored(empty_dsn, bad)
        # neither in what is said nor in what `tocsin --debug` prints
        assert mark.decode() not in "".join(traceback.format_exception(refused.value)), what
        with psycopg.connect(empty_dsn) as connection:
            ours = backup_tables.schemas(migrations.load())
            assert backup_tables.is_empty(connection, ours), what


async def test_a_log_that_was_changed_with_its_digests_is_still_noticed(
    dsn: str, empty_dsn: str
) -> None:
    content = await lived_in(dsn)
    name, lines = part_of(content, "kernel.log")
    forged = lines.replace(b'"action":"triage', b'"action":"triags', 1)
    manifest = msgspec.json.decode(
        dict(members(io.BytesIO(content)))[MANIFEST], type=dict[str, Any]
    )
    manifest["tables"]["kernel.log"]["sha256"] = hashlib.sha256(forged).hexdigest()
    assert msgspec.convert(manifest, Manifest)
    bad = rewritten(content, {name: forged, MANIFEST: msgspec.json.encode(manifest)})
    with pytest.raises(Invalid, match="not what was hashed"):
        restored(empty_dsn, bad)


async def test_a_backup_of_a_newer_tocsin_is_refused(dsn: str, empty_dsn: str) -> None:
    content = await lived_in(dsn)
    head = dict(members(io.BytesIO(content)))["head.json"]
    newer = head.replace(b'"number": 1,', b'"number": 999,', 1)
    assert newer != head
    with pytest.raises(Conflict, match="Tocsin 0"):
        restored(empty_dsn, rewritten(content, {"head.json": newer}))


def test_there_must_be_something_to_back_up(empty_dsn: str) -> None:
    with pytest.raises(Conflict, match="no Tocsin"):
        back_up(empty_dsn, io.BytesIO())


def test_tables_that_are_referred_to_come_first(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        found = backup_tables.tables(connection, backup_tables.schemas(migrations.load()))
    names = [table.name for table in found]
    assert names.index("oncall.pages") < names.index("oncall.notifications")
    assert names.index("oncall.notifications") < names.index("oncall.attempts")
    assert "governance.limits" not in names  # unlogged: may be forgotten at any time
    notes = next(table for table in found if table.name == "command.notes")
    assert "words" not in notes.columns  # generated anew


async def test_verifying_leaves_nothing_behind(dsn: str, cluster: Any) -> None:
    content = await lived_in(dsn)
    for name in (f"1_{uuid7().hex}", uuid7().hex):  # verifications that were killed
        cluster.create(f"tocsin_verify_{name}", template="template0")
    with scratch(cluster.admin, owner=cluster.owner) as empty:
        assert restored(empty, content).row_count > 0
        with scratch(cluster.admin, owner=cluster.owner) as other:  # at the same time
            assert other != empty
        psycopg.connect(empty).close()
    with psycopg.connect(cluster.admin) as connection:
        left = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname LIKE 'tocsin_verify%'"
        )
        assert left.fetchall() == []


async def test_a_hold_is_kept_once(database: Any) -> None:
    now = datetime(2026, 3, 27, tzinfo=UTC)
    async with database.connection() as conn:
        assert await held_jobs.hold(conn, ["a", "b"], now, "asked")
        assert not await held_jobs.hold(conn, ["a", "b"], now + timedelta(hours=1), "asked")
        found = await held_jobs.held(conn)
        assert found is not None
        assert found.held_at == now
        assert await held_jobs.let_go(conn, ["a", "b"])
        assert await held_jobs.held(conn) is None
