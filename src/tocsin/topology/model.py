"""The nouns of topology: services and the whole catalogue of them, and what changed in them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.vocabulary import Labels

DETAILS_MAX = 20  # of one change
BY = "service"  # the label that names an alert's service unless the service says otherwise


class Link(Struct, frozen=True):
    """Something worth opening during an incident: a dashboard, a repository."""

    title: str
    url: str


class Service(Struct, frozen=True, kw_only=True):
    """Something that people run and are paged about; `owner` is the name of a team."""

    id: UUID
    name: str
    display_name: str
    description: str = ""
    owner: str | None = None
    tier: int | None = None  # 1 is what the business stands on
    links: tuple[Link, ...] = ()
    runbooks: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]]  # an alert has one value of each

    def identifies(self, labels: Labels) -> bool:
        """Say whether an alert with these labels is about this service."""
        return all(labels.get(name) in values for name, values in self.labels.items())


class Catalogue(Struct, frozen=True):
    """Every service of one revision, by name, and by one label value that leads to it."""

    services: Mapping[str, Service]
    by_label: Mapping[tuple[str, str], tuple[Service, ...]]

    def service(self, name: str) -> Service | None:
        """Return the service of this name, None if nobody has described it."""
        return self.services.get(name)

    def owner_of(self, name: str) -> str | None:
        """Return the team that owns a service, None for one that nobody owns or knows."""
        found = self.services.get(name)
        return found.owner if found else None

    def of(self, labels: Labels) -> Service | None:
        """Return the service that labels are about; of several, the one that asks for most of them."""
        near = (one for pair in labels.items() for one in self.by_label.get(pair, ()))
        found = (one for one in near if one.identifies(labels))
        return max(found, key=lambda one: (len(one.labels), one.name), default=None)

    def team_of(self, labels: Labels) -> str | None:
        """Return the team that labels belong to: their service's owner, else their label `team`."""
        found = self.of(labels)
        return (found.owner if found else None) or labels.get("team") or None

    @property
    def label_names(self) -> tuple[str, ...]:
        """Return the names of all labels by which a service, or a team, is told."""
        names = {name for one in self.services.values() for name in one.labels}
        return tuple(sorted({*names, BY, "team"}))

    def owned_by(self, team: str) -> list[Service]:
        """Return the services of a team, by name."""
        found = (one for one in self.services.values() if one.owner == team)
        return sorted(found, key=lambda one: one.name)


def catalogue(services: Iterable[Service]) -> Catalogue:
    """Put services where they are found by name and by label."""
    by_name = {one.name: one for one in services}
    by_label: dict[tuple[str, str], tuple[Service, ...]] = {}
    for one in by_name.values():
        name, values = next(iter(one.labels.items()))
        for value in values:
            by_label[name, value] = (*by_label.get((name, value), ()), one)
    return Catalogue(by_name, by_label)


class NewChange(Struct, frozen=True, kw_only=True):
    """A change as its sender tells it; the same `digest` is the same change, sent again."""

    digest: bytes
    at: datetime
    integration: str
    service: str  # "" when nobody says which
    summary: str
    source: str
    links: tuple[Link, ...]
    details: Mapping[str, str]


class ChangeRecord(Struct, frozen=True, kw_only=True):
    """A deployment, a flag, a configuration: what changed, when, and who told."""

    id: UUID
    at: datetime
    received_at: datetime
    integration: str
    service: str
    summary: str
    source: str
    links: tuple[Link, ...]
    details: Mapping[str, str]
