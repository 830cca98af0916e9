"""Low-key messages: nobody is called, somebody ought to know."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId


class Notice(Struct, frozen=True, kw_only=True):
    """A message about no page. `kind` is by what it was sent, "" not yet; outcome None: not known."""

    id: UUID
    person_id: PersonId
    title: str
    body: str
    link: str = ""
    made_at: datetime
    kind: str = ""
    outcome: str | None = None
    error: str = ""
    seen_at: datetime | None = None
