"""The system user that the embedded PostgreSQL runs as, and what that user may reach.

Only root changes users: as anybody else, every function here does nothing.
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log

log = Log("kernel.postgres")

NAME = "tocsin"
"""System user made for PostgreSQL when Tocsin runs as root; PostgreSQL refuses root."""


class Account(Struct, frozen=True):
    """A user of the operating system."""

    uid: int
    gid: int


def open_way(account: Account | None, targets: Iterable[Path]) -> None:
    """Let `account` pass through (not list) the directories above `targets`."""
    if account is None:
        return
    for folder in sorted({folder for target in targets for folder in target.parents}):
        found = folder.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != account.uid:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
            log.warning("postgres.folder_opened", folder=folder, why="PostgreSQL must pass it")


def own(path: Path, account: Account | None) -> None:
    """Give `path` to the user PostgreSQL runs as."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def run_as(account: Account | None) -> dict[str, Any]:
    """Return the arguments of `subprocess` that change the user."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """Return a clean environment: no PG* variable of the caller reaches the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def system_account() -> Account:
    """Return the user named `NAME`, made where it is missing. Raises `Unavailable`."""
    for _ in range(2):
        try:
            known = pwd.getpwnam(NAME)
        except KeyError:
            _add_account()
        else:
            return Account(known.pw_uid, known.pw_gid)
    raise Unavailable(
        f"PostgreSQL does not run as root, and there is no system user {NAME!r}: "
        f"run Tocsin as another user, or `useradd --system {NAME}`"
    )


def _add_account() -> None:
    program = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is not None:
        subprocess.run(  # noqa: S603 - fixed arguments; a lost race shows in the next look
            [program, "--system", "--user-group", "--no-create-home",
             "--shell", "/usr/sbin/nologin", NAME],
            check=False, capture_output=True, env=environment(),
        )  # fmt: skip
