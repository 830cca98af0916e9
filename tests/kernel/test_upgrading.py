"""Databases that older Tocsins have filled become ours, with all that is in them.

Each file in `backups/` was written from a database that a Tocsin of that schema had worked on for
some hours; migrations run on its rows, and then the Tocsin of today works with them.
"""

import io
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fakes.world import NOON, running
from tocsin.kernel import migrations
from tocsin.kernel.backup import back_up
from tocsin.kernel.restore import Restored, restore
from tocsin.oncall.actions import PAGING_JOBS

pytestmark = pytest.mark.db

BACKUPS = sorted((Path(__file__).parent / "backups").glob("*.tar.gz"))
LATER = NOON + timedelta(hours=4)


def restored(dsn: str, file: Path) -> Restored:
    with file.open("rb") as source:
        found = restore(dsn, source, hold=PAGING_JOBS)
    with psycopg.connect(dsn) as connection:  # every world makes a token of this name
        connection.execute("UPDATE governance.tokens SET name = 'old' WHERE name = 'test'")
    return found


@pytest.mark.parametrize("file", BACKUPS, ids=lambda file: str(file.name))
async def test_a_filled_database_of_an_older_tocsin_is_migrated_and_lives_on(
    file: Path, empty_dsn: str
) -> None:
    told = restored(empty_dsn, file)
    assert len(told.newer) > 0
    assert migrations.status(empty_dsn).is_current
    async with running(empty_dsn, at=LATER) as world:
        count = told.manifest.tables["command.incidents"].rows
        assert count >= 5
        open_ones = []
        for number in range(1, count + 1):
            path = f"/api/v1/incidents/INC-{number}"
            one = await world.http.get(path, headers=world.bearer)
            assert one.status_code == 200, one.text
            if one.json()["status"] != "resolved":
                open_ones.append(path)
        # what the migrations have filled in: lists, and what can be found by its words
        listed = await world.http.get("/api/v1/incidents", headers=world.bearer)
        assert len(listed.json()["items"]) == len(open_ones) > 2
        alerts = await world.http.get("/api/v1/alerts?limit=200", headers=world.bearer)
        assert len(alerts.json()["items"]) > 20
        words = await world.http.get("/api/v1/search?q=Disk1", headers=world.bearer)
        assert "Disk1" in words.text
        await world.forward(hours=2)
        assert world.mail.sent == []  # held
        await world.http.post("/api/v1/paging/release", headers=world.bearer)
        await world.settle()
        calling = await world.rows(
            "SELECT count(*) FROM oncall.pages WHERE state = 'escalating'"
        )
        assert len(world.mail.sent) >= calling[0][0] > 0
        taken = await world.http.post(f"{open_ones[0]}/acknowledge", headers=world.bearer)
        assert taken.status_code in (200, 201), taken.text
        await world.signal({"alertname": "New", "severity": "critical"})
        numbers = [
            seq for (seq,) in await world.rows("SELECT seq FROM kernel.log ORDER BY seq")
        ]
        assert numbers == list(range(len(numbers)))


def test_what_was_migrated_can_be_backed_up_again(empty_dsn: str) -> None:
    told = restored(empty_dsn, BACKUPS[0])
    out = io.BytesIO()
    again = back_up(empty_dsn, out)
    assert len(again.head.migrations) == len(told.head.migrations) + len(told.newer)
    assert again.manifest.log_size == told.manifest.log_size
