"""What a check says that the one before it did not: paths lost, and paths found again. Pure."""

from collections.abc import Collection

from msgspec import Struct

from tocsin.oncall.core.assurance.verdicts import Assurance, Line, Outcome, Path


class PathKey(Struct, frozen=True, kw_only=True, order=True):
    """What a path is known by from check to check: its route, else the policy somebody pages by."""

    route: str
    policy: str

    @property
    def words(self) -> str:
        """Name it."""
        return f"route {self.route}" if self.route else f"policy {self.policy}"


class News(Struct, frozen=True, kw_only=True):
    """Paths that were proven and are not any more, and paths whose alarm is over.

    `alarmed` are those about which an alarm stands from now on.
    """

    lost: tuple[Line, ...]
    over: tuple[PathKey, ...]
    alarmed: tuple[PathKey, ...]


def key_of(path: Path) -> PathKey:
    """Return what a path is known by."""
    return PathKey(route=path.route, policy="" if path.route else path.policy or "")


def news(before: Assurance | None, alarmed: Collection[PathKey], after: Assurance) -> News:
    """Compare two checks. What never was proven is no news: the screen says it all the time."""
    was = {key_of(one.path): one.outcome for one in before.lines} if before else {}
    lost = {key_of(one.path): one for one in after.lost}
    new = [
        key
        for key in lost
        if was.get(key) in (Outcome.PROVEN, Outcome.LATE) and key not in alarmed
    ]
    over = sorted(key for key in alarmed if key not in lost)
    stands = {*alarmed, *new} - set(over)
    return News(
        lost=tuple(lost[key] for key in new), over=tuple(over), alarmed=tuple(sorted(stands))
    )
