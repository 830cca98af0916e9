"""Who asked for something, in words: the log holds kind and id alone."""

import pwd
from collections.abc import Mapping
from functools import cache
from uuid import UUID

from tocsin.governance import reads as governance
from tocsin.kernel.actor import local_id
from tocsin.kernel.events import Asker, unnamed
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory


async def askers(unit: Unit) -> Asker:
    """Return what names people, machines' tokens and accounts of this machine, by kind:id."""
    directory = unit.config(Directory)
    labels = await governance.token_labels(unit)

    def asker(actor: str) -> str:
        kind, _, text = actor.partition(":")
        try:
            known = UUID(text)
        except ValueError:
            return unnamed(actor)
        match kind:
            case "person" | "link":
                return directory.name_of(known)
            case "token" if known in labels:
                return labels[known]
            case "local":
                return _accounts().get(known) or unnamed(actor)
            case _:
                return unnamed(actor)

    return asker


@cache
def _accounts() -> Mapping[UUID, str]:
    """Return the accounts of this machine, by the ids that they have in the log."""
    names = [account.pw_name for account in pwd.getpwall()]
    return {local_id(name): f"local:{name}" for name in names}
