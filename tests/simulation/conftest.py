"""How many days the simulation lives, databases for them, and the book that is kept."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import LiteralString, Protocol

import pytest
from day_ledger import Ledger

ABREAST = 2  # days at once
SEEDS_PER_LIFE = 50  # the more seeds, the more lives a mutant has
_numbers = itertools.count(1)


class Server(Protocol):
    """What the fixture `cluster` is."""

    def conninfo(self, database: str) -> str: ...

    def create(self, database: str, *, template: str) -> None: ...

    def run(self, statement: LiteralString, *names: str) -> None: ...


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Spread the seeds over tests."""
    count: int = metafunc.config.getoption("--seeds")
    if "seeds" in metafunc.fixturenames:
        first: int = metafunc.config.getoption("--first-seed")
        end = first + count
        groups = [tuple(range(n, min(n + ABREAST, end))) for n in range(first, end, ABREAST)]
        metafunc.parametrize("seeds", groups, ids=["-".join(map(str, one)) for one in groups])
    if "life" in metafunc.fixturenames:
        metafunc.parametrize("life", range(1, max(1, count // SEEDS_PER_LIFE) + 1))


@pytest.fixture
def new_dsn(cluster: Server, template: str) -> Iterator[Callable[[], str]]:
    """Make fresh, migrated databases, and drop them all after the test."""
    made: list[str] = []

    def make() -> str:
        made.append(f"tocsin_test_{os.getpid()}_9{next(_numbers):05d}")
        cluster.create(made[-1], template=template)
        return cluster.conninfo(made[-1])

    yield make
    for name in made:
        cluster.run("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def ledger(
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[Ledger]:
    """Write down at the end what all days have seen."""
    kept = Ledger()
    yield kept
    for name, value in kept.properties().items():
        record_testsuite_property(name, value)
