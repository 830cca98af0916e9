"""Runs what takes too long for every commit, and keeps what it found under docs/proof/.

One step is one pytest run with larger numbers than the suite's own. To add one, add a row.
"""

import json
import os
import platform
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "proof"
SCRATCH = ROOT / ".build" / "proof"

STEPS: dict[str, tuple[str, list[str]]] = {
    # SIGKILL at random instants: every 2xx is there once, every page has a live witness
    "kill": ("kill/test_*.py", ["--kills=200"]),
    # two nodes on one database, one killed, stopped or cut off; PostgreSQL in every trouble
    "nodes": ("nodes/test_*.py", ["--blows=12"]),
    # random days on PostgreSQL with crashes, clock jumps and failing providers; its mutants
    "simulation": ("simulation/test_*.py", ["--seeds=1000"]),
    # every house test fails on the tree that has its one mistake in it, and on no other
    "house": ("house/test_breaks.py", ["--each-break"]),
    # an hour with a million alerts in the past: memory, latency, vacuum and partitions
    "soak": (
        "soak/test_soak.py",
        ["--soak-incidents=100000", "--soak-minutes=60", "--soak-rate=12"],
    ),
    # schemathesis asks every operation with every role: as described, and within the permissions
    "api": ("web/test_api_schema.py", ["--examples=40"]),
    # Lighthouse on every screen: accessibility, best practices and SEO are 100
    "screens": (
        (
            "journeys/real/test_lighthouse.py journeys/real/test_screens.py"
            " journeys/real/test_oncall_by_keyboard.py"
        ),
        ["--lighthouse"],
    ),
    # real third-party programs, and suites that other projects wrote
    "peers": ("test_*.py", ["-m", "peer"]),
}


def main() -> int:
    """Run the steps the arguments name, all by default, and fail if any of them did.

    An argument that begins with `--` goes to pytest, after the step's own: `simulation --seeds=50`.
    """
    options = [one for one in sys.argv[1:] if one.startswith("--")]
    names = [one for one in sys.argv[1:] if one not in options] or list(STEPS)
    if unknown := set(names) - set(STEPS):
        print(f"no such step: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    KEPT.mkdir(parents=True, exist_ok=True)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    return max([_run(name, options) for name in names])


def _run(name: str, more: list[str]) -> int:
    junit = SCRATCH / f"{name}.xml"
    junit.unlink(missing_ok=True)
    pattern, options = STEPS[name][0], [*STEPS[name][1], *more]
    found = sorted(
        str(path.relative_to(ROOT))
        for one in pattern.split()
        for path in (ROOT / "tests").rglob(one)
    )
    tests = ["tests"] if pattern == "test_*.py" else found
    if not tests:
        print(f"proof: {name}: nothing matches tests/**/{pattern}", file=sys.stderr)
        return 1
    command = ["pytest", *tests, *options, f"--junit-xml={junit.relative_to(ROOT)}"]
    print(f"proof: {name}: {' '.join(command)}", flush=True)
    started_s = time.monotonic()
    code = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
    result = {
        "step": name,
        "command": " ".join(["pytest", *tests, *options]),
        "passed": code == 0,
        **_counts(junit),
        "measured": _measured(junit),
        "took_s": round(time.monotonic() - started_s, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": _machine(),
    }
    (KEPT / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return code


def _counts(junit: Path) -> dict[str, int]:
    if not junit.exists():
        return {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    suite = next(ET.parse(junit).iter("testsuite"))
    return {
        name: int(suite.attrib.get(name, 0))
        for name in ("tests", "failures", "errors", "skipped")
    }


def _measured(junit: Path) -> dict[str, object]:
    """Return what the tests themselves have counted (`record_testsuite_property`)."""
    if not junit.exists():
        return {}
    return {
        one.attrib["name"]: json.loads(one.attrib["value"])
        for one in ET.parse(junit).iter("property")
    }


def _commit() -> str:
    """Name the tree that was proven; a `+` says that it had changes of its own."""
    git = ["git", "describe", "--always", "--abbrev=12", "--dirty=+"]
    done = subprocess.run(git, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.exit(main())
