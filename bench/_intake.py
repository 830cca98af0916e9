"""One comparison of intake: Tocsin and Debian's Alertmanager in turn, three times each."""

from typing import Any

from _lab import Load, Server, alertmanager, has_alertmanager, tocsin
from _report import cpu_us, figure, medians, report, skipped
from msgspec.structs import replace

RUNS = 3
WARM_UP = 2_000
SUSTAINED = 4  # times the load
BACKLOG_LIMIT_S = 60.0
SAID = ("alerts_per_s", "p50_ms", "p99_ms")


def compare(name: str, claim: str, load: Load, *, ratio: float, workers: int = 1) -> int:
    """Run both servers alternately under `load` and report the medians against the limits."""
    if not has_alertmanager():
        return skipped(name, claim, "prometheus-alertmanager is not installed")
    ours, theirs, accepting = [], [], []
    for turn in range(RUNS):
        theirs.append(_alertmanager(load, turn))
        accepting.append(_accept_only(load, turn, workers))
        ours.append(_tocsin(load, turn, workers))
    # not judged: a load that outlasts the time for which sorting yields
    sustained = _tocsin(replace(load, alerts=load.alerts * SUSTAINED), RUNS, workers)
    our, their = medians(ours, (*SAID, "backlog_s")), medians(theirs, (*SAID, "cpu_us"))
    accept = medians(accepting, (*SAID, "cpu_us"))
    figures = {
        "throughput_ratio": figure(
            round(our["alerts_per_s"] / their["alerts_per_s"], 2), at_least=ratio
        ),
        "accept_cpu_ratio": figure(round(accept["cpu_us"] / their["cpu_us"], 2), at_most=1.5),
        "backlog_s": figure(our["backlog_s"], at_most=5),
        "p99_ms": figure(our["p99_ms"], at_most=their["p99_ms"]),
        "errors": figure(sum(run["failed"] for run in (*ours, *accepting, *theirs)), at_most=0),
        "lost": figure(sum(run["lost"] for run in ours), at_most=0),
    }
    return report(
        name, claim, figures,
        medians={"tocsin": our, "tocsin_accept_only": accept, "alertmanager": their},
        sustained=sustained,
        runs={"tocsin": ours, "tocsin_accept_only": accepting, "alertmanager": theirs},
    )  # fmt: skip


def _alertmanager(load: Load, turn: int) -> dict[str, Any]:
    with alertmanager() as server:
        return _measured(server, load, turn)


def _accept_only(load: Load, turn: int, workers: int) -> dict[str, Any]:
    with tocsin(workers=workers, roles="accept", lag_limit_s="1000") as server:
        return _measured(server, load, turn)


def _tocsin(load: Load, turn: int, workers: int) -> dict[str, Any]:
    with tocsin(workers=workers) as server:
        found = _measured(server, load, turn)
        found["backlog_s"] = server.wait_sorted(BACKLOG_LIMIT_S)
        stored = server.ask("SELECT count(*) FROM triage.alerts")
        found["lost"] = WARM_UP // load.batch * load.batch + found["alerts"] - stored
        return found


def _measured(server: Server, load: Load, turn: int) -> dict[str, Any]:
    batches = WARM_UP // load.batch
    warm_up = Load(alerts=batches * load.batch, batch=load.batch, connections=4)
    server.load(warm_up, run="warm-up")
    before = server.usage()
    found = server.load(load, run=f"turn-{turn}")
    after = server.usage()
    spent = cpu_us(before, after, found["alerts"])
    found["cpu_us_by"] = spent
    found["cpu_us"] = spent["all"]
    found["failed"] = sum(found["errors"].values()) + found["unanswered"]
    return found
