"""`tocsin backup`, `restore`, `paging` and `log-level` as an operator types them."""

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from fakes.world import ACME
from tocsin.app.runtime import Runtime
from tocsin.cli.main import cli
from tocsin.kernel.settings import Settings

pytestmark = pytest.mark.db


def tocsin(dsn: str, *words: str) -> Result:
    runtime = Runtime()
    runtime._settings = Settings(database_url=dsn)
    return CliRunner(env={"COLUMNS": "160"}).invoke(cli, words, obj=runtime)


@pytest.fixture
def backup(dsn: str, tmp_path: Path) -> Path:
    (tmp_path / "acme.yaml").write_text(ACME)
    assert tocsin(dsn, "apply", "-f", str(tmp_path / "acme.yaml")).exit_code == 0
    file = tmp_path / "tocsin.backup"
    done = tocsin(dsn, "backup", str(file), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] > 20
    return file


def test_a_backup_is_for_its_owner_alone_and_overwrites_nothing(dsn: str, backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    again = tocsin(dsn, "backup", str(backup))
    assert again.exit_code == 2
    assert "there already" in again.stderr
    assert sorted(p.name for p in backup.parent.iterdir()) == ["acme.yaml", "tocsin.backup"]


def test_a_backup_is_in_the_log_and_doctor_tells_how_old_it_is(dsn: str, backup: Path) -> None:
    with psycopg.connect(dsn) as conn:
        found = conn.execute(
            "SELECT line FROM kernel.intake_log WHERE kind = 'governance.backup_made'"
        ).fetchall()
        conn.execute("UPDATE governance.last_backup SET taken_at = taken_at - interval '9 d'")
    [line] = (json.loads(one) for (one,) in found)
    assert line["actor"].startswith("local:")
    assert line["body"]["row_count"] > 20
    assert line["body"]["bytes"] == backup.stat().st_size
    assert str(backup.parent) not in json.dumps(line)
    checks = {one["name"]: one for one in json.loads(tocsin(dsn, "doctor").stdout)}
    assert checks["backup"]["ok"]
    assert checks["backup"]["detail"].endswith(" 9 days ago")
    again = tocsin(dsn, "backup", str(backup.with_name("again")))
    assert again.exit_code == 0
    checks = {one["name"]: one for one in json.loads(tocsin(dsn, "doctor").stdout)}
    assert checks["backup"]["detail"].startswith("the last one is of 20")


def test_a_backup_that_the_log_cannot_be_told_of_is_one_all_the_same(
    dsn: str, tmp_path: Path
) -> None:
    checks = {one["name"]: one for one in json.loads(tocsin(dsn, "doctor").stdout)}
    assert "none was made" in checks["backup"]["detail"]
    with psycopg.connect(dsn) as conn:
        conn.execute("DROP TABLE governance.last_backup")
    made = tocsin(dsn, "backup", str(tmp_path / "old"), "--json")
    assert made.exit_code == 0
    assert "not in Tocsin's log" in made.stderr
    assert (tmp_path / "old").stat().st_size == json.loads(made.stdout)["bytes"]


def test_a_restore_holds_paging_until_a_person_releases_it_and_is_done_once(
    empty_dsn: str, backup: Path
) -> None:
    done = tocsin(empty_dsn, "restore", str(backup), "--table")
    assert done.exit_code == 0, done.output
    assert "PAGING IS HELD" in done.stdout
    assert json.loads(tocsin(empty_dsn, "paging", "status").stdout)["reason"] == "restored"
    assert "restored from a backup" in tocsin(empty_dsn, "paging", "status", "--table").stdout
    checks = json.loads(tocsin(empty_dsn, "doctor").stdout)
    held = [one for one in checks if "paging is held" in one["detail"]]
    assert [one["ok"] for one in held] == [False]
    released = tocsin(empty_dsn, "paging", "release", "--table")
    assert "Released; open pages: 0." in released.stdout
    assert "not held" in tocsin(empty_dsn, "paging", "release", "--table").stdout
    again = tocsin(empty_dsn, "restore", str(backup))
    assert again.exit_code == 5
    assert "TOCSIN_DATA_DIR" in again.stderr  # the cure


def test_paging_is_held_by_hand_and_the_level_is_changed(dsn: str) -> None:
    assert "Held since" in tocsin(dsn, "paging", "hold", "--table").stdout
    assert json.loads(tocsin(dsn, "log-level", "debug", "--for", "5m").stdout)["until"]
    assert tocsin(dsn, "log-level", "debug", "--for", "5x").exit_code == 2


def test_a_file_that_is_not_there_or_is_none_is_said(empty_dsn: str, tmp_path: Path) -> None:
    lost = tocsin(empty_dsn, "restore", str(tmp_path / "nothing"))
    assert lost.exit_code == 2
    assert "cannot read" in lost.stderr
    (tmp_path / "words").write_text("hello")
    assert tocsin(empty_dsn, "restore", str(tmp_path / "words")).exit_code == 2
    assert "no Tocsin" in tocsin(empty_dsn, "backup", str(tmp_path / "x")).stderr
    assert not (tmp_path / "x").exists()


def test_looking_and_backing_up_make_no_database_where_there_is_none(tmp_path: Path) -> None:
    runtime, place = Runtime(), tmp_path / "nothing"
    runtime._settings = Settings(data_dir=place)
    run = CliRunner().invoke
    for words in (["backup", str(tmp_path / "x")], ["migrate", "--check"]):
        done = run(cli, words, obj=runtime)
        assert done.exit_code == 3
        assert f"there is no database of Tocsin in {place}" in done.stderr
        assert "sudo -u tocsin TOCSIN_DATA_DIR=" in done.stderr
    # a fresh installation is well
    done = run(cli, ["doctor", "--json"], obj=runtime)
    assert done.exit_code == 0, done.output
    checks = {one["name"]: one for one in json.loads(done.stdout)}
    assert checks["database"]["detail"].startswith("advice: there is no database")
    assert list(tmp_path.iterdir()) == []
