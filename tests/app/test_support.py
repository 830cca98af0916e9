"""A support bundle tells much, and nobody's secret or name: they are planted everywhere and looked for."""

import asyncio
import json
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes.world import ACME, NOON, running
from tocsin.app.runtime import Runtime
from tocsin.app.support import SHOWN, bundle, shown
from tocsin.cli.main import cli
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.settings import SECRETS, Settings

PLANTED = "xq7Planted"  # stands in everything that must not leave
NAMES = ("Okafor", "Weber", "maya@example.org", "example.org/jonas", "MayaDisk")


def planted(dsn: str) -> Settings:
    return Settings(
        database_url=f"{dsn} password={PLANTED}1",
        token=f"tocsin_{PLANTED}2",
        smtp_url=f"smtp://mailer:{PLANTED}3@mail.example.org",
        webhook_secret=f"{PLANTED}4",
        last_resort=(f"mailto:{PLANTED}5@example.org", f"ntfy://ntfy.example.org/{PLANTED}6"),
        mail_from=f"{PLANTED}7@example.org",
        url=f"http://someone:{PLANTED}8@127.0.0.1:9",
    )


async def fill(dsn: str) -> None:
    """Put people, texts and errors into every table that a bundle looks at."""
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.signal(
            {"alertname": f"MayaDisk{PLANTED}"}, ends_at=NOON + timedelta(hours=9)
        )
        await world.rows(f"UPDATE kernel.jobs SET last_error = '{PLANTED}' RETURNING 1")
        await world.rows(
            f"""
            INSERT INTO kernel.parked (id, reaction, event_id, event, error, parked_at)
            VALUES (gen_random_uuid(), 'response.page', gen_random_uuid(), '{PLANTED}',
                    '{PLANTED} Okafor', now())
            RETURNING 1
            """
        )


@pytest.mark.db
async def test_no_secret_and_nobody_is_in_a_bundle(dsn: str, tmp_path: Path) -> None:
    await fill(dsn)
    runtime = Runtime()
    runtime._settings = planted(dsn)
    file = tmp_path / "bundle.tar.gz"

    done = await asyncio.to_thread(
        CliRunner().invoke, cli, ("support-bundle", str(file)), obj=runtime
    )
    assert done.exit_code == 0, done.output
    with tarfile.open(file) as tar:
        found = {
            member.name.rpartition("/")[2]: content.read().decode()
            for member in tar
            if (content := tar.extractfile(member)) is not None
        }
    for name, text in found.items():
        for word in (PLANTED, *NAMES):
            assert word not in text, f"{name} has {word}"
    database = json.loads(found["database.json"])
    assert database["migrations"]["applied_count"] > 10
    assert database["migrations"]["pending"] == []
    assert {one["reaction"]: one["count"] for one in database["parked_reactions"]} == {
        "response.page": 1
    }
    assert any(one["kind"] == "oncall.page_timer" for one in database["jobs"])
    assert any(one["name"] == "kernel.log" and one["bytes"] for one in database["tables"])
    assert json.loads(found["versions.json"])["tocsin"]
    assert json.loads(found["settings.json"])["smtp_url"] == "set"
    assert {one["name"] for one in json.loads(found["doctor.json"])} >= {"settings", "disk"}


def test_a_database_that_does_not_answer_is_said_without_its_password() -> None:
    settings = planted("host=nowhere")

    def fails() -> dict[str, object]:
        raise Unavailable(f"cannot read {settings.database_url}: {PLANTED}1 is wrong")

    found = bundle(settings, [], f"see {settings.smtp_url}", fails)
    assert PLANTED not in b"".join(found.values()).decode()
    assert "Unavailable" in found["database.json"].decode()


def test_a_new_setting_is_not_shown_until_somebody_decides_that_it_may() -> None:
    assert not SHOWN & SECRETS
    told = shown(planted("x"))
    assert all(told[name] in {"set", "not set"} for name in told if name not in SHOWN)
    assert told.keys() >= SHOWN
