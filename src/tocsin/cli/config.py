"""What `tocsin login` leaves for later commands: which Tocsin, and the token for it."""

import os
import tomllib
from pathlib import Path

from msgspec import Struct

from tocsin.kernel.errors import Invalid
from tocsin.kernel.settings import config_home

PLACE = Path("tocsin", "config.toml")


class Saved(Struct, frozen=True):
    """A Tocsin and a token for it; empty: nobody has logged in here."""

    url: str = ""
    token: str = ""


def place(home: Path | None = None) -> Path:
    """Return where it is kept."""
    return (home / ".config" if home else config_home()) / PLACE


def read(home: Path | None = None) -> Saved:
    """Read it; a file that is not there is empty. Raises Invalid."""
    path = place(home)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Saved()
    except (OSError, ValueError) as error:
        raise Invalid(
            f"cannot read {path}: {error}; `tocsin login` writes it anew", field="config"
        ) from error
    if unknown := sorted(found.keys() - {"url", "token"}):
        raise Invalid(
            f"{path}: unknown {', '.join(unknown)}; known: url, token", field="config"
        )
    url, token = found.get("url", ""), found.get("token", "")
    if not isinstance(url, str) or not isinstance(token, str):
        raise Invalid(f'{path}: write url = "…" and token = "…"', field="config")
    return Saved(url.rstrip("/"), token)


def write(saved: Saved, home: Path | None = None) -> Path:
    """Keep it where only its owner can read it, and return where."""
    path = place(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    text = f"url = {_quoted(saved.url)}\ntoken = {_quoted(saved.token)}\n"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
    return path


def forget(home: Path | None = None) -> bool:
    """Delete it; False when there was nothing."""
    path = place(home)
    if not path.exists():
        return False
    path.unlink()
    return True


def _quoted(text: str) -> str:
    """Write a TOML string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    if not plain.isprintable():
        raise Invalid("a URL or token is one line of printable characters", field="config")
    return f'"{plain}"'
