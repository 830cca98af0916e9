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

from tocsin.kernel.errors import Conflict, Unavailable
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


def name_of_user() -> str:
    """Return this process's user by name, or by number where it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def foreign(path: Path) -> Conflict:
    """Say whose `path` is, for somebody who may not use it, and what to do about it."""
    place = path.parent  # `path` itself may not even be looked at
    try:
        owner = pwd.getpwuid(place.stat().st_uid).pw_name
    except (OSError, KeyError):
        owner = "OWNER"
    mine = name_of_user()
    return Conflict(
        f"{path} belongs to another user of this machine: run this as that user (sudo -u {owner}"
        f" TOCSIN_DATA_DIR={place} tocsin …), or give it to this one, with Tocsin stopped:"
        f" chown -R {mine}: {place}"
    )


def prepare_home(home: Path) -> None:
    """Make the directory where it is missing; what root makes is the account's, with all in it.

    So a service that runs as that account can go on with what root has restored. Raises
    `Conflict` where this user may not make it.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except PermissionError as error:
        raise Conflict(
            f"{name_of_user()} may not make {home}: as root, `install -d -o {name_of_user()}"
            f" -m 700 {home}`, or choose another TOCSIN_DATA_DIR"
        ) from error
    if os.geteuid() == 0 and home.stat().st_uid == 0 and not any(home.iterdir()):
        own(home, system_account())


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
