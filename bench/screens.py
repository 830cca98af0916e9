"""How fast screens feel on a middling phone: Lighthouse's performance score, for the record."""

import sys

from _lab import Load, tocsin
from _lighthouse import audit, is_installed
from _report import figure, report, skipped
from pages import session

CLAIM = "Every screen that people open at night scores 90 or more on a simulated slow phone."
SCREENS = ("/", "/incidents", "/alerts", "/oncall")


def main() -> int:
    """Look at the screens of a Tocsin in trouble."""
    if not is_installed():
        return skipped("screens", CLAIM, "npm ci --prefix bench/lighthouse, and chromium")
    with tocsin() as server:
        admin = server.cli("token", "create", "bench-admin", "--role", "admin")
        server.load(Load(alerts=100, batch=50, connections=2, distinct=100))
        server.wait_sorted(60)
        cookie = session(server, admin)
        found = {
            path: audit(server.url + path, cookie=cookie, categories=["performance"])
            for path in SCREENS
        }
    scores = {path: one["scores"]["performance"] for path, one in found.items()}
    flaws = {path: one["flaws"] for path, one in found.items() if one["flaws"]}
    least = figure(min(scores.values()), at_least=90)
    return report("screens", CLAIM, {"least": least}, performance=scores, flaws=flaws)


if __name__ == "__main__":
    sys.exit(main())
