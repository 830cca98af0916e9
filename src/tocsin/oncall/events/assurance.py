"""What the nightly check of all paths has found out."""

from datetime import datetime

from typing_extensions import override

from tocsin.kernel.events import Event, Names


class PathLost(Event, frozen=True, tag="oncall.path_lost"):
    """A path of alerts that was proven leads to nobody who can be woken, from `since` on.

    `route` "" is a policy by which people page by hand.
    """

    route: str
    policy: str
    since: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"From {self.since:%Y-%m-%d %H:%M} UTC on {_path(self.route, self.policy)} wakes nobody"


class PathProven(Event, frozen=True, tag="oncall.path_proven"):
    """A path of alerts leads to somebody who can be woken again, or is no path any more."""

    route: str
    policy: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{_path(self.route, self.policy)} wakes somebody again, or is gone".capitalize()


def _path(route: str, policy: str) -> str:
    return f"an alert on route {route}" if route else f"a page by policy {policy}"
