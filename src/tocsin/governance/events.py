"""What governance can say has happened."""

from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names


class TokenCreated(Event, frozen=True, tag="governance.token_created"):
    """A machine may talk to Tocsin from now on."""

    token_id: UUID
    label: str
    role: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Token {self.label} created with role {self.role}"


class SignedIn(Event, frozen=True, tag="governance.signed_in"):
    """A browser was signed in by a one-time link."""

    role: str
    person_id: UUID | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = name(self.person_id) if self.person_id else f"A {self.role}"
        return f"{who} signed in by one-time link"


class SignedOut(Event, frozen=True, tag="governance.signed_out"):
    """A session was ended by its owner."""

    role: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"A {self.role} signed out"


class LinkUsed(Event, frozen=True, tag="governance.link_used"):
    """A one-time acknowledge link was used."""

    page_id: UUID
    person_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} used the link from a page"
