"""Settings: read once, and a mistake stops the start with a sentence that helps."""

from pathlib import Path

import pytest

from tocsin.kernel.errors import Invalid
from tocsin.kernel.settings import SECRETS, Settings, load


def refusal(**environ: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        load(environ)
    return caught.value


def test_nothing_set_is_a_tocsin_on_this_machine_with_a_database_of_its_own() -> None:
    found = load({"PATH": "/bin"})
    assert (found.host, found.port, found.database_url) == ("127.0.0.1", 8640, "")
    assert found.base_url == "http://127.0.0.1:8640"
    assert found.roles == ("accept", "work")


def test_values_take_the_type_of_their_field() -> None:
    found = load(
        {
            "TOCSIN_PORT": "9000",
            "TOCSIN_LAG_LIMIT_S": "2.5",
            "TOCSIN_DATA_DIR": "/srv/tocsin",
            "TOCSIN_ROLES": "accept, work,",
            "TOCSIN_URL": "https://tocsin.example.org/",
            "TOCSIN_LAST_RESORT": "mailto:ops@example.org,ntfy://ntfy.example.org/ops",
        }
    )
    assert found == Settings(
        port=9000,
        lag_limit_s=2.5,
        data_dir=Path("/srv/tocsin"),
        roles=("accept", "work"),
        url="https://tocsin.example.org/",
        last_resort=("mailto:ops@example.org", "ntfy://ntfy.example.org/ops"),
    )
    assert found.base_url == "https://tocsin.example.org"


def test_an_unknown_variable_stops_the_start_and_names_the_nearest() -> None:
    error = refusal(TOCSIN_DATABSE_URL="postgresql://db")
    assert error.field == "TOCSIN_DATABSE_URL"
    assert "did you mean TOCSIN_DATABASE_URL?" in error.detail
    assert "TOCSIN_SMTP_URL" in refusal(TOCSIN_XYZZY="1").detail  # near to none: all are named


def test_the_tools_variables_are_not_ours_to_refuse() -> None:
    load({"TOCSIN_CHROMIUM": "/usr/bin/chromium", "TOCSIN_UI": "off"})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("postgresql://tocsin:secret@db/tocsin\n")
    for name in SECRETS:
        found = getattr(load({f"TOCSIN_{name.upper()}_FILE": str(path)}), name)
        assert found in ("postgresql://tocsin:secret@db/tocsin", (path.read_text().strip(),))


def test_contacts_of_last_resort_stand_in_a_file_one_a_line_or_with_commas(
    tmp_path: Path,
) -> None:
    path = tmp_path / "contacts"
    path.write_text("https://desk.example.org/a?key=x, mailto:a@example.org\nntfy://h/topic\n")
    assert load({"TOCSIN_LAST_RESORT_FILE": str(path)}).last_resort == (
        "https://desk.example.org/a?key=x", "mailto:a@example.org", "ntfy://h/topic",
    )  # fmt: skip


def test_a_file_that_is_not_there_is_named_and_so_is_the_reason(tmp_path: Path) -> None:
    error = refusal(TOCSIN_TOKEN_FILE=str(tmp_path / "gone"))
    assert error.field == "TOCSIN_TOKEN_FILE"
    assert "gone" in error.detail
    assert "No such file" in error.detail


def test_a_secret_that_is_set_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one")
    error = refusal(TOCSIN_TOKEN="two", TOCSIN_TOKEN_FILE=str(path))
    assert "TOCSIN_TOKEN_FILE" in error.detail


def test_what_is_no_secret_has_no_file() -> None:
    assert "TOCSIN_PORT_FILE" in refusal(TOCSIN_PORT_FILE="port").detail


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TOCSIN_PORT", "http"),
        ("TOCSIN_PORT", "65536"),
        ("TOCSIN_PORT", "-1"),
        ("TOCSIN_PORT", ""),
        ("TOCSIN_LAG_LIMIT_S", "0"),
        ("TOCSIN_RETENTION_DAYS", "0"),
        ("TOCSIN_LOG_LEVEL", "loud"),
        ("TOCSIN_ROLES", "accept,wrok"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    error = refusal(**{variable: value})
    assert variable in error.detail
    assert error.field == variable
    assert error.exit_code == 2


def test_a_refusal_never_repeats_a_secret() -> None:
    assert "hunter2" not in refusal(TOCSIN_SMTP_ULR="smtp://maya:hunter2@mail").detail
