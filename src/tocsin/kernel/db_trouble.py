"""What can be wrong with PostgreSQL, in one word for programs and one sentence for people. Pure."""

from enum import StrEnum

import psycopg

_BY_STATE = {
    "25006": "read-only",
    "53100": "full",
    "58030": "full",
    "53300": "crowded",
    "57P03": "starting",
}
LOCKED = "55P03"  # longer than was to be waited for
# a refused connection carries no SQLSTATE, only words
_BY_WORDS = (
    ("No space left on device", "full"),
    ("Disk quota exceeded", "full"),
    ("starting up", "starting"),
    ("shutting down", "starting"),
    ("in recovery mode", "starting"),
    ("not yet accepting connections", "starting"),
    ("not accepting connections", "starting"),
    ("recovering", "starting"),
    ("still starting", "starting"),
    ("too many clients", "crowded"),
    ("remaining connection slots", "crowded"),
    ("too many connections", "crowded"),
    ("authentication failed", "refused"),
    ("no pg_hba.conf entry", "refused"),
    ("does not exist", "refused"),
    ("session is read-only", "read-only"),
)


class Trouble(StrEnum):
    """Why nothing can be kept, or only late."""

    UNREACHABLE = "unreachable"
    STARTING = "starting"  # or stopping, or recovering after a crash
    REFUSED = "refused"  # the settings are wrong, not the server
    CROWDED = "crowded"
    READ_ONLY = "read-only"
    FULL = "full"
    SLOW = "slow"

    @property
    def code(self) -> str:
        """What `/health/ready` says to programs."""
        return f"database-{self}"

    @property
    def is_passing(self) -> bool:
        """Say whether it is worth waiting for its end without a change of the settings."""
        return self is not Trouble.REFUSED


WORDS = {
    Trouble.UNREACHABLE: "the database does not answer; Tocsin tries again all the time",
    Trouble.STARTING: "the database is starting, stopping or recovering; Tocsin waits for it",
    Trouble.REFUSED: "the database refuses Tocsin: look at TOCSIN_DATABASE_URL, and at the log",
    Trouble.CROWDED: "the database has no connection left for Tocsin: raise its max_connections",
    Trouble.READ_ONLY: "the database is read-only: nothing new is kept, and nobody is paged",
    Trouble.FULL: "the database's disk is full: make room, and Tocsin goes on by itself",
    Trouble.SLOW: "the database answers slowly",
}


def trouble_of(error: BaseException) -> Trouble | None:
    """Name the trouble behind an error; None for an error that says nothing about the server."""
    if not isinstance(error, psycopg.Error | OSError | TimeoutError):
        return None
    state = getattr(error, "sqlstate", None)
    if state in _BY_STATE:
        return Trouble(_BY_STATE[state])
    if state is not None and not state.startswith(("08", "57P")):
        return None
    if isinstance(error, psycopg.Error) and not isinstance(error, psycopg.OperationalError):
        return None
    return trouble_in(str(error)) or Trouble.UNREACHABLE


def refusal(error: BaseException) -> str:
    """Say why a unit was given up: nothing of it was done."""
    found = trouble_of(error)
    if getattr(error, "sqlstate", None) == LOCKED:
        return (
            "the database has a lock on what this needs, and Tocsin waits; nothing was changed"
        )
    if found is None:
        return "the database asked for another try too often; nothing was changed"
    return f"{WORDS[found]}; nothing was changed"


def trouble_in(words: str) -> Trouble | None:
    """Name the trouble that a message of PostgreSQL's is about; None: no known one."""
    return next((Trouble(name) for said, name in _BY_WORDS if said in words), None)
