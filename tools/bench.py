"""Runs every measurement under bench/ in turn; each prints one JSON line per figure."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run what the arguments name, all by default, and fail if any of them did."""
    named = set(sys.argv[1:])
    scripts = [
        path
        for path in sorted((ROOT / "bench").glob("*.py"))
        if not path.name.startswith("_") and (not named or path.stem in named)
    ]
    if unknown := named - {path.stem for path in scripts}:
        print(f"no such measurement: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    failed = [
        path.stem
        for path in scripts
        if subprocess.run([sys.executable, path], cwd=ROOT, check=False).returncode
    ]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
