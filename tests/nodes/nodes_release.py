"""A next release for real: a copy of the code with one more migration."""

import shutil
from pathlib import Path

import tocsin
from tocsin.kernel import migrations

CODE = Path(tocsin.__file__).parent


SCHEDULES = Path("tocsin", "oncall", "core", "config", "schedules.py")
KNOWN = "    holidays: HolidaysSpec | None = None\n"
FIELD = "next_field"


def next_release(folder: Path, phase: str, statement: str) -> Path:
    """Copy the code into `folder` and give it a migration, and schedules a field more.

    Returns what PYTHONPATH must name.
    """
    shutil.copytree(
        CODE,
        folder / "tocsin",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    number = max(one.number for one in migrations.load(folder / "tocsin" / "migrations")) + 1
    place = folder / "tocsin" / "migrations" / f"{number:04}_{phase}_next.sql"
    place.write_text(f"-- Why: the next release.\n{statement}\n")
    spec = folder / SCHEDULES
    told = spec.read_text()
    assert told.count(KNOWN) == 1
    spec.write_text(told.replace(KNOWN, f'{KNOWN}    {FIELD}: str = ""\n'))
    return folder
