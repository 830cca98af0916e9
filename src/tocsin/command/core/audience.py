"""Who may see what is restricted: names of people and roles, checked and put in order."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tocsin.command.model import AUDIENCE_MAX
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId


def names_of(people: Iterable[UUID], roles: Iterable[Role]) -> tuple[str, ...]:
    """Return the names under which people and roles see something."""
    return (*(f"person:{one}" for one in people), *(f"role:{one}" for one in roles))


def with_asker(
    names: Iterable[str], asker: Sequence[str], person_id: PersonId | None
) -> tuple[str, ...]:
    """Return the names in order, so that whoever asks goes on seeing it. Raises Invalid.

    `asker` are the names under which they see things; a person is added by their own.
    """
    own = () if person_id is None else names_of((person_id,), ())
    found = tuple(sorted({*map(_checked, names), *own}))
    if len(found) > AUDIENCE_MAX:
        raise Invalid(f"name at most {AUDIENCE_MAX} people and roles", field="people")
    if set(found).isdisjoint(asker):
        raise Invalid(
            "you act as no person and would lose sight of it; name your own role too",
            field="roles",
        )
    return found


def _checked(name: str) -> str:
    kind, _, rest = name.partition(":")
    try:
        if kind == "person":
            return f"person:{UUID(rest)}"
        if kind == "role" and Role(rest) is not Role.SYSTEM:
            return name
    except ValueError:
        pass
    raise Invalid(f"{name!r} is neither person:<id> nor role:<role>", field="visible_to")


def people_in(names: Iterable[str]) -> tuple[PersonId, ...]:
    """Return the people among the names."""
    found = (name.partition(":") for name in names)
    return tuple(PersonId(UUID(rest)) for kind, _, rest in found if kind == "person")


def roles_in(names: Iterable[str]) -> tuple[Role, ...]:
    """Return the roles among the names."""
    found = (name.partition(":") for name in names)
    return tuple(Role(rest) for kind, _, rest in found if kind == "role")


def is_seen(names: Sequence[str] | None, asker: Sequence[str] | None) -> bool:
    """Say whether an asker of these names sees it; None: shown to everybody, and sees all."""
    return names is None or asker is None or not set(names).isdisjoint(asker)
