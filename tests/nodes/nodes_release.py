"""A next release for real: a copy of the code with one more migration."""

import shutil
from pathlib import Path

import tocsin
from tocsin.kernel import migrations

CODE = Path(tocsin.__file__).parent


def next_release(folder: Path, phase: str, statement: str) -> Path:
    """Copy the code into `folder` and give it a migration; return what PYTHONPATH must name."""
    shutil.copytree(
        CODE,
        folder / "tocsin",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    number = max(one.number for one in migrations.load(folder / "tocsin" / "migrations")) + 1
    place = folder / "tocsin" / "migrations" / f"{number:04}_{phase}_next.sql"
    place.write_text(f"-- Why: the next release.\n{statement}\n")
    return folder
