"""Migrations: each file whole or not at all, once, never changed, never backwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tocsin.kernel import migrations
from tocsin.kernel.db import connect
from tocsin.kernel.errors import Conflict, Unavailable
from tocsin.kernel.migrations import Phase

pytestmark = pytest.mark.db


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three migrations of a first release."""
    write(tmp_path, "0001_before_ground", "CREATE TABLE public.ground (n integer);")
    write(tmp_path, "0002_before_more", "ALTER TABLE public.ground ADD COLUMN more text;")
    write(tmp_path, "0003_after_less", "ALTER TABLE public.ground DROP COLUMN n;")
    return tmp_path


def write(directory: Path, name: str, statement: str) -> None:
    (directory / f"{name}.sql").write_text(f"-- Why: a test.\n{statement}\n")


def names(found: tuple[migrations.Migration, ...]) -> list[str]:
    return [migration.name for migration in found]


def columns(dsn: str) -> list[str]:
    with connect(dsn) as connection:
        rows = connection.execute(
            """
            SELECT column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = 'ground'
            """
        )
        return sorted(name for (name,) in rows)


def test_an_empty_database_gets_every_file_in_order(empty_dsn: str, files: Path) -> None:
    assert names(migrations.status(empty_dsn, directory=files).pending) == [
        "ground", "more", "less",
    ]  # fmt: skip

    assert names(migrations.migrate(empty_dsn, directory=files)) == ["ground", "more", "less"]

    assert columns(empty_dsn) == ["more"]
    assert migrations.status(empty_dsn, directory=files).is_current
    assert migrations.migrate(empty_dsn, directory=files) == ()


def test_an_upgrade_leaves_the_after_files_until_they_are_asked_for(
    empty_dsn: str, files: Path
) -> None:
    migrations.migrate(empty_dsn, directory=files)
    write(files, "0004_after_end", "ALTER TABLE public.ground DROP COLUMN more;")
    write(files, "0005_before_new", "ALTER TABLE public.ground ADD COLUMN new text;")

    found = migrations.status(empty_dsn, directory=files)
    assert (names(found.pending), names(found.pending_after)) == (["new"], ["end"])
    assert not found.is_current
    assert names(migrations.migrate(empty_dsn, directory=files)) == ["new"]
    assert columns(empty_dsn) == ["more", "new"]

    applied = migrations.migrate(empty_dsn, phase=Phase.AFTER, directory=files)

    assert names(applied) == ["end"]
    assert columns(empty_dsn) == ["new"]
    assert migrations.status(empty_dsn, directory=files).is_current


def test_asking_for_the_status_changes_nothing(empty_dsn: str, files: Path) -> None:
    migrations.status(empty_dsn, directory=files)

    with connect(empty_dsn) as connection:
        assert connection.execute("SELECT to_regnamespace('kernel')").fetchone() == (None,)


def test_many_processes_that_start_together_migrate_once(empty_dsn: str, files: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        runs = list(
            pool.map(lambda _: migrations.migrate(empty_dsn, directory=files), range(6))
        )

    assert sorted(len(applied) for applied in runs) == [0, 0, 0, 0, 0, 3]


def test_a_file_that_fails_leaves_nothing_of_itself_and_all_before_it(
    empty_dsn: str, files: Path
) -> None:
    write(files, "0002_before_more", "CREATE TABLE public.half (n integer); SELECT 1 / 0;")

    with pytest.raises(psycopg.errors.DivisionByZero) as caught:
        migrations.migrate(empty_dsn, directory=files)

    assert "0002_before_more.sql" in caught.value.__notes__[0]
    assert columns(empty_dsn) == ["n"]
    with connect(empty_dsn) as connection:
        assert connection.execute("SELECT to_regclass('public.half')").fetchone() == (None,)
    assert migrations.status(empty_dsn, directory=files).applied_count == 1


def test_a_first_migration_that_was_cut_short_goes_on_as_a_fresh_install(
    empty_dsn: str, files: Path
) -> None:
    write(files, "0002_before_more", "SELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrations.migrate(empty_dsn, directory=files)
    write(files, "0002_before_more", "ALTER TABLE public.ground ADD COLUMN more text;")

    migrations.migrate(empty_dsn, directory=files)
    migrations.migrate(empty_dsn, phase=Phase.AFTER, directory=files)

    assert migrations.status(empty_dsn, directory=files).is_current


def test_a_database_of_a_newer_tocsin_is_refused(empty_dsn: str, files: Path) -> None:
    migrations.migrate(empty_dsn, directory=files)
    (files / "0003_after_less.sql").unlink()

    for ask in (migrations.status, migrations.migrate):
        with pytest.raises(Conflict, match=r"newer Tocsin \(0003_after_less.sql"):
            ask(empty_dsn, directory=files)


def test_a_database_that_the_next_release_has_only_prepared_is_served(
    empty_dsn: str, files: Path
) -> None:
    write(files, "0004_before_next", "ALTER TABLE public.ground ADD COLUMN later text;")
    migrations.migrate(empty_dsn, directory=files)
    (files / "0004_before_next.sql").unlink()

    assert migrations.migrate(empty_dsn, directory=files) == ()
    assert migrations.status(empty_dsn, directory=files).ahead == ("0004_before_next.sql",)


def test_a_file_that_was_changed_after_it_was_applied_is_refused(
    empty_dsn: str, files: Path
) -> None:
    migrations.migrate(empty_dsn, directory=files)
    write(files, "0002_before_more", "ALTER TABLE public.ground ADD COLUMN other text;")

    with pytest.raises(Conflict, match=r"0002_before_more\.sql is not the file"):
        migrations.migrate(empty_dsn, directory=files)


def test_a_lock_that_is_held_too_long_is_given_up_and_nothing_is_kept(
    empty_dsn: str, files: Path
) -> None:
    migrations.migrate(empty_dsn, directory=files)
    write(files, "0004_before_busy", "SET LOCAL lock_timeout = '20ms'; LOCK public.ground;")
    with connect(empty_dsn) as busy, busy.transaction():
        busy.execute("LOCK public.ground")

        with pytest.raises(Unavailable, match=r"0004_before_busy\.sql ran into its time limit"):
            migrations.migrate(empty_dsn, directory=files)

    assert names(migrations.migrate(empty_dsn, directory=files)) == ["busy"]


def test_each_file_has_short_limits_unless_it_says_otherwise(
    empty_dsn: str, tmp_path: Path
) -> None:
    keep = "SELECT name, setting FROM pg_settings WHERE name ~ '^(lock|statement)_timeout$'"
    write(tmp_path, "0001_before_short", f"CREATE TABLE public.short AS {keep};")
    write(tmp_path, "0002_before_long", f"-- timeout: 60s\nCREATE TABLE public.long AS {keep};")
    migrations.migrate(empty_dsn, directory=tmp_path)

    with connect(empty_dsn) as connection:
        short = connection.execute("SELECT name, setting FROM public.short").fetchall()
        long = connection.execute("SELECT name, setting FROM public.long").fetchall()
    assert sorted(short) == [("lock_timeout", "4000"), ("statement_timeout", "5000")]
    assert sorted(long) == [("lock_timeout", "4000"), ("statement_timeout", "60000")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("0001_later_x.sql", "-- Why.\n"),
        ("1_before_x.sql", "-- Why.\n"),
        ("0001_before_x.sql", "SELECT 1;\n"),
        ("0001_before_x.sql", "-- Why.\nCOMMIT;\n"),
    ],
)
def test_a_file_that_breaks_the_form_is_a_bug(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(AssertionError):
        migrations.load(tmp_path)


def test_two_files_of_one_number_are_a_bug(tmp_path: Path) -> None:
    write(tmp_path, "0001_before_a", "SELECT 1;")
    write(tmp_path, "0001_after_b", "SELECT 1;")

    with pytest.raises(AssertionError, match="one number"):
        migrations.load(tmp_path)


def test_the_files_of_this_release_apply_from_nothing_and_are_all_there(dsn: str) -> None:
    found = migrations.status(dsn)

    assert found.is_current
    assert found.applied_count == len(migrations.load()) > 0
