"""The side bar: which screens there are, for whom, and what waits behind each. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from tocsin.kernel.actor import Actor


class Place(Struct, frozen=True, kw_only=True):
    """One screen that the side bar leads to; `key` follows `g`, `at` are the pages it stands for."""

    id: str
    href: str
    icon: str
    label: str
    key: str
    verb: str
    at: tuple[str, ...] = ()


class Badge(Struct, frozen=True):
    """How many things wait behind an entry, and in words for those who hear the page."""

    count: int
    words: str
    tone: str = ""


NO_BADGE = Badge(0, "")
# shown in the bar at the bottom of a phone; the rest is under More
FIRST = (
    Place(id="now", href="/", icon="activity", label="Now", key="n", verb="incident:read"),
    Place(
        id="incidents", href="/incidents", icon="flame", label="Incidents", key="i",
        verb="incident:read", at=("incident",),
    ),
    Place(id="alerts", href="/alerts", icon="inbox", label="Alerts", key="a", verb="alert:read"),
    Place(
        id="oncall", href="/oncall", icon="calendar-clock", label="On-call", key="o",
        verb="oncall:read",
    ),
    Place(id="inbox", href="/inbox", icon="bell", label="Inbox", key="b", verb="self:write"),
)  # fmt: skip
UNDERSTAND = (
    Place(
        id="services", href="/services", icon="network", label="Services", key="s",
        verb="service:read",
    ),
    Place(
        id="changes", href="/changes", icon="rocket", label="Changes", key="c",
        verb="change:read",
    ),
)  # fmt: skip
RUN = (
    Place(
        id="policies", href="/policies", icon="git-branch", label="Policies and routes",
        key="p", verb="resource:read", at=("assurance",),
    ),
    Place(
        id="integrations", href="/integrations", icon="plug", label="Integrations", key="t",
        verb="resource:read",
    ),
    Place(
        id="heartbeats", href="/heartbeats", icon="heart-pulse", label="Heartbeats", key="h",
        verb="heartbeat:read",
    ),
    Place(
        id="people", href="/people", icon="users", label="People", key="u",
        verb="person:read",
    ),
    Place(
        id="tokens", href="/tokens", icon="key-round", label="Tokens", key="k",
        verb="token:read",
    ),
    Place(
        id="resources", href="/resources", icon="file-cog", label="Resources", key="r",
        verb="resource:read",
    ),
)  # fmt: skip
GROUPS = (("", FIRST), ("Understand", UNDERSTAND), ("Run Tocsin", RUN))


class Entry(Struct, frozen=True, kw_only=True):
    """A place as the side bar shows it."""

    id: str
    href: str
    icon: str
    label: str
    key: str
    badge: Badge
    is_here: bool


class Group(Struct, frozen=True):
    """Entries under one heading; the first group has none."""

    label: str
    entries: tuple[Entry, ...]


def navigation(actor: Actor, page: str, badges: Mapping[str, Badge]) -> tuple[Group, ...]:
    """Return what this actor may go to; `page` is the id of the screen that is shown."""
    found = (
        Group(
            label,
            tuple(_entry(one, page, badges) for one in places if actor.may(one.verb)),
        )
        for label, places in GROUPS
    )
    return tuple(group for group in found if group.entries)


def _entry(place: Place, page: str, badges: Mapping[str, Badge]) -> Entry:
    return Entry(
        id=place.id,
        href=place.href,
        icon=place.icon,
        label=place.label,
        key=place.key,
        badge=badges.get(place.id, NO_BADGE),
        is_here=page == place.id or page in place.at,
    )
