"""What a Tocsin costs that has nothing to do: processor and memory, its PostgreSQL included."""

import sys
import time
from contextlib import ExitStack

from _lab import alertmanager, has_alertmanager, tocsin
from _report import figure, report

CLAIM = "Idle in one process: at most 1 % of a core and 250 MB, PostgreSQL included."
SETTLE_S = 10.0
WATCH_S = 60.0
MIB = 1024**2


def main() -> int:
    """Watch Tocsin and Alertmanager side by side while nobody sends anything."""
    with ExitStack() as stack:
        ours = stack.enter_context(tocsin())
        theirs = stack.enter_context(alertmanager()) if has_alertmanager() else None
        time.sleep(SETTLE_S)
        began_s = time.monotonic()
        before, before_theirs = ours.usage(), theirs.usage() if theirs else {}
        time.sleep(WATCH_S)
        after, after_theirs = ours.usage(), theirs.usage() if theirs else {}
        watched_s = time.monotonic() - began_s
    percent = {
        name: round((after[name].cpu_s - before[name].cpu_s) / watched_s * 100, 2)
        for name in after
    }
    megabytes = {name: round(one.pss_mib * MIB / 1e6, 1) for name, one in after.items()}
    figures = {
        "cpu_percent": figure(round(sum(percent.values()), 2), at_most=1),
        "memory_mb": figure(round(sum(megabytes.values()), 1), at_most=250),
    }
    peer = {
        name: {
            "cpu_percent": round((one.cpu_s - before_theirs[name].cpu_s) / watched_s * 100, 2),
            "memory_mb": round(one.pss_mib * MIB / 1e6, 1),
        }
        for name, one in after_theirs.items()
    }
    return report(
        "idle", CLAIM, figures,
        cpu_percent_by=percent, memory_mb_by=megabytes, watched_s=round(watched_s, 1),
        alertmanager=peer,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
