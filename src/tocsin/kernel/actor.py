"""Who asks: a person, a token, an integration or Tocsin itself."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Struct

from tocsin.kernel.access import Role, decide
from tocsin.kernel.ids import PersonId

NO_TEAMS: Mapping[str, Role] = MappingProxyType({})


class Actor(Struct, frozen=True, kw_only=True):
    """`kind` is person, token, integration, link, local or system; `id` is stable for ever.

    `role` counts everywhere; `teams` adds a role for what belongs to a team, by its name. A
    token that is limited to teams is a viewer everywhere and more only in those.
    """

    kind: str
    id: UUID
    name: str
    role: Role
    person_id: PersonId | None = None  # the person behind a session, a link or a personal token
    teams: Mapping[str, Role] = NO_TEAMS
    is_narrow: bool = False  # a token for less than its person may do

    def may(self, verb: str) -> bool:
        """Say whether there is anything on which this actor may do `verb`."""
        return decide(self.role, verb) or any(decide(r, verb) for r in self.teams.values())

    def may_on(self, verb: str, team: str | None) -> bool:
        """Say whether this actor may do `verb` on what belongs to `team` (None: to nobody)."""
        if decide(self.role, verb):
            return True
        role = self.teams.get(team) if team else None
        return role is not None and decide(role, verb)

    @property
    def audience(self) -> tuple[str, ...]:
        """Return the names under which something restricted may be shown to this actor."""
        person = (f"person:{self.person_id}",) if self.person_id else ()
        return (f"role:{self.role}", *person)


def local_id(user: str) -> UUID:
    """Return the id that an account of the operating system has in the log."""
    return uuid5(NAMESPACE_URL, f"local:{user}")


SYSTEM = Actor(kind="system", id=UUID(int=0), name="tocsin", role=Role.SYSTEM)
