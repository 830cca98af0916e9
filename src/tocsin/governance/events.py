"""What governance can say has happened."""

from datetime import datetime
from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names


class TokenCreated(Event, frozen=True, tag="governance.token_created"):
    """A machine, or a person's script, may talk to Tocsin from now on."""

    token_id: UUID
    label: str
    role: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Token {self.label} created with role {self.role}"


class TokenRevoked(Event, frozen=True, tag="governance.token_revoked"):
    """A token opens nothing any more."""

    token_id: UUID
    label: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Token {self.label} revoked"


class SignedIn(Event, frozen=True, tag="governance.signed_in"):
    """A browser was signed in."""

    role: str
    person_id: UUID | None
    by: str = "one-time link"

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = name(self.person_id) if self.person_id else f"A {self.role}"
        return f"{who} signed in by {self.by}"


class SignInFailed(Event, frozen=True, tag="governance.sign_in_failed"):
    """Somebody tried a wrong password; said at most every ten minutes for each account."""

    person_id: UUID | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        if self.person_id is None:
            return "Somebody tried to sign in under a name that has no access"
        return f"Somebody tried to sign in as {name(self.person_id)} and could not"


class SignedOut(Event, frozen=True, tag="governance.signed_out"):
    """A session was ended by its owner."""

    role: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"A {self.role} signed out"


class SessionsEnded(Event, frozen=True, tag="governance.sessions_ended"):
    """Other browsers of somebody were signed out."""

    person_id: UUID | None
    sessions: tuple[UUID, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = name(self.person_id) if self.person_id else "Somebody"
        count = len(self.sessions)
        return f"{count} session{'' if count == 1 else 's'} of {who} ended"


class LinkUsed(Event, frozen=True, tag="governance.link_used"):
    """A one-time acknowledge link was used."""

    page_id: UUID
    person_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} used the link from a page"


class PersonInvited(Event, frozen=True, tag="governance.person_invited"):
    """Somebody was given access, and a link to choose a password."""

    person_id: UUID
    role: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} invited with role {self.role}"


class ResetIssued(Event, frozen=True, tag="governance.reset_issued"):
    """A link was made by which somebody chooses a new password."""

    person_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"A link to reset the password of {name(self.person_id)} made"


class PasswordSet(Event, frozen=True, tag="governance.password_set"):
    """Somebody has a new password."""

    person_id: UUID
    by: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} set a password by {self.by}"


class RoleChanged(Event, frozen=True, tag="governance.role_changed"):
    """Somebody may do more, or less."""

    person_id: UUID
    before: str
    role: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} is {self.role}, was {self.before}"


class PersonDisabled(Event, frozen=True, tag="governance.person_disabled"):
    """Somebody's access has ended: sessions, links and tokens with it."""

    person_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Access of {name(self.person_id)} disabled"


class PersonEnabled(Event, frozen=True, tag="governance.person_enabled"):
    """Somebody may sign in again."""

    person_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Access of {name(self.person_id)} enabled"


class AccessRefused(Event, frozen=True, tag="governance.access_refused"):
    """Somebody tried what they may not; said at most every ten minutes for each route."""

    actor_id: UUID
    person_id: UUID | None
    role: str
    method: str
    route: str  # the pattern: a path may name a person

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = name(self.person_id) if self.person_id else f"A {self.role}"
        return f"{who} was refused {self.method} {self.route}"


class LogLevelChanged(Event, frozen=True, tag="governance.log_level_changed"):
    """Every process logs more, or less, for a while; None: as the settings say."""

    level: str | None
    until: datetime | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        if self.level is None or self.until is None:
            return "Log level is what the settings say again"
        return f"Log level is {self.level} until {self.until:%Y-%m-%d %H:%M} UTC"


class BackupMade(Event, frozen=True, tag="governance.backup_made"):
    """Everything that was committed at an instant was written to a file, which is elsewhere."""

    taken_at: datetime
    row_count: int
    bytes: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        size = f"{self.bytes / 1e6:.1f} MB"
        return (
            f"Backup of {self.taken_at:%Y-%m-%d %H:%M} UTC made: {self.row_count} rows, {size}"
        )
