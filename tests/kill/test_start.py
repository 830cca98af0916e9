"""Whatever is killed while Tocsin starts, it goes on starting."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from kill_http import LOST, Answer, Wire
from kill_server import Tocsin, are_gone, free_port, until

pytestmark = [pytest.mark.journey, pytest.mark.slow]
DEATHS = 3
START_LIMIT_S = 40.0  # on a busy machine


@pytest.fixture
def tocsin(tmp_path: Path) -> Iterator[Tocsin]:
    """An installation of its own."""
    made = Tocsin(tmp_path / "home", free_port(Random(3)))
    yield made
    made.clear()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_start_outlives_postmasters_that_are_killed_under_it(
    tocsin: Tocsin, workers: int
) -> None:
    killed: set[int] = set()

    async def another() -> bool:
        living = tocsin.cluster.postmaster()
        return living is not None and living.is_ready and living.pid not in killed

    tocsin.start(workers=workers)
    for _ in range(DEATHS):
        await until(another, limit_s=START_LIMIT_S, what="another postmaster")
        pid = tocsin.kill_postmaster()
        assert pid is not None
        killed.add(pid)
    await tocsin.until_ready(START_LIMIT_S)


@pytest.mark.parametrize("workers", [1, 2])
async def test_while_there_is_no_database_it_answers_with_what_it_waits_for(
    tmp_path: Path, workers: int
) -> None:
    nowhere = f"postgresql://tocsin@127.0.0.1:{free_port(Random(5))}/tocsin"
    port = free_port(Random(4))
    tocsin = Tocsin(tmp_path / "home", port, TOCSIN_DATABASE_URL=nowhere)
    found: list[Answer] = []

    async def answers() -> bool:
        wire = Wire(port)
        try:
            found.append(await wire.ask("GET", "/health/ready", limit_s=5))
        except LOST:
            return False
        finally:
            wire.drop()
        return found[-1].json()["database"] != "starting"

    try:
        tocsin.start(workers=workers)
        await until(answers, limit_s=START_LIMIT_S, what="an answer")
        assert found[-1].status == 503
        assert found[-1].json()["codes"] == ["starting", "database-unreachable"]
        code, took_s = await tocsin.stop()
        assert code == 0
        assert took_s < 2.0
    finally:
        if tocsin.main is not None:
            tocsin.kill_all()


async def test_sigterm_while_it_starts_lets_the_database_go(tocsin: Tocsin) -> None:
    async def started() -> bool:
        living = tocsin.cluster.postmaster()
        return living is not None and living.is_ready

    async def stopped() -> bool:
        return tocsin.cluster.postmaster() is None

    tocsin.start()
    await until(started, limit_s=START_LIMIT_S, what="a postmaster")
    _, took_s = await tocsin.stop()
    assert took_s < 1.0
    await until(stopped, limit_s=10, what="PostgreSQL has stopped")


def test_an_unknown_setting_stops_the_start_and_names_the_cure(tmp_path: Path) -> None:
    environ = Tocsin(tmp_path / "home", 0, TOCSIN_PROT="8640").environ
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "serve"],
        check=False, capture_output=True, env=environ, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode not in (0, 1)
    assert "unknown setting TOCSIN_PROT: did you mean TOCSIN_PORT?" in done.stderr
    assert not (tmp_path / "home").exists()


async def test_workers_do_not_outlive_a_parent_that_is_killed_while_they_start(
    tocsin: Tocsin,
) -> None:
    async def spawned() -> bool:
        return len(tocsin.children()) == 2

    tocsin.start(workers=2)
    await until(spawned, limit_s=START_LIMIT_S, what="two workers")
    workers = tocsin.children()
    tocsin.kill_parent()
    await until(lambda: are_gone(workers), limit_s=5, what="no workers")
