"""How long `tocsin --help` takes, from the shell to the last line."""

import resource
import subprocess
import sys
import time
from statistics import median

from _report import figure, report

CLAIM = "`tocsin --help` is there within 150 ms."
RUNS = 20


def main() -> int:
    """Start it again and again."""
    command = [sys.executable, "-m", "tocsin", "--help"]
    took_s = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took_s.append(time.perf_counter() - began_s)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_ms = (used.ru_utime + used.ru_stime) / RUNS * 1e3
    figures = {
        "p50_ms": figure(round(median(took_s) * 1e3, 1), at_most=150),
        "cpu_ms": figure(round(cpu_ms, 1), at_most=150),
    }
    return report("cli_start", CLAIM, figures, max_ms=round(max(took_s) * 1e3, 1))


if __name__ == "__main__":
    sys.exit(main())
