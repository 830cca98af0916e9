"""What all the days of a run have seen, for the record under docs/proof/."""

import json
from collections import Counter
from collections.abc import Mapping

KEPT = {
    "stops": "instants",
    "commits": "transactions_watched",
    "alert": "posts",
    "sends": "attempts",
    "delivered": "delivered",
    "acknowledge": "acknowledgements",
    "race": "races",
    "crash": "crashes",
    "lost": "connections_lost",
    "stall": "stalls",
    "jump": "clock_jumps",
    "suspended": "suspensions_of_8_h",
    "config": "configuration_changes",
    "ping": "pings",
    "no answer": "pings_without_an_answer",
    "missed": "heartbeats_missed",
    "failed": "heartbeats_failed",
    "recovered": "heartbeats_recovered",
    "dark": "outages_of_all_processes",
}


class Ledger:
    """Adds up."""

    def __init__(self) -> None:
        self._days = 0
        self._figures: Counter[str] = Counter()
        self._mutants: dict[str, list[int]] = {}
        self._promises: dict[str, Counter[str]] = {}

    def add_day(self, figures: Mapping[str, int]) -> None:
        """Count a day on which nothing was broken."""
        self._days += 1
        self._figures.update({name: figures.get(word, 0) for word, name in KEPT.items()})

    def add_mutant(self, name: str, days: int, broken: str) -> None:
        """Note on which day a mutant was caught, and by which promise."""
        self._mutants.setdefault(name, []).append(days)
        self._promises.setdefault(name, Counter())[broken[:2]] += 1

    def properties(self) -> Mapping[str, str]:
        """Return what there is to say, as JSON."""
        mutants = {
            name: {
                "caught": len(days),
                "days_to_catch_mean": round(sum(days) / len(days), 2),
                "days_to_catch_max": max(days),
                "by": dict(self._promises[name]),
            }
            for name, days in self._mutants.items()
        }
        found = {
            "days_without_a_broken_promise": self._days,
            **self._figures,
            "mutants": mutants,
        }
        return {name: json.dumps(value) for name, value in found.items()}
