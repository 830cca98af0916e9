"""Who asks: a person, a token, an integration or Tocsin itself."""

from uuid import UUID

from msgspec import Struct

from tocsin.kernel.access import Role


class Actor(Struct, frozen=True, kw_only=True):
    """`kind` is person, token, integration, link, local or system; `id` is stable for ever."""

    kind: str
    id: UUID
    name: str
    role: Role
    person_id: UUID | None = None  # the person behind a session, a link or a personal token


SYSTEM = Actor(kind="system", id=UUID(int=0), name="tocsin", role=Role.SYSTEM)
