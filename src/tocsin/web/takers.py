"""Who has taken a page, in words: a person, somebody where the alert came from, or a token."""

from uuid import UUID

from tocsin.oncall.core.config import Directory

NOBODY_KNOWN = "somebody with a token"


def taker(by: UUID | None, via: str, directory: Directory) -> str:
    """Name who acknowledged; `via` is where, when the sender of the alert says that it is taken."""
    if by is not None:
        return directory.name_of(by)
    return f"somebody at {via}" if via else NOBODY_KNOWN
