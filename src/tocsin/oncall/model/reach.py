"""What is known of the addresses of people, and the browsers that they have subscribed."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.model.people import MethodKind


class ContactState(Struct, frozen=True, kw_only=True):
    """What is known of one address of one person.

    `sent_at`: a provider took something for it; `received_at`: the device itself said that it
    has it; `dropped_at`: the provider said that the address is wrong or gone.
    """

    person_id: PersonId
    fingerprint: str
    kind: MethodKind
    verified_at: datetime | None = None
    verified_by: str = ""
    sent_at: datetime | None = None
    received_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
    dropped_at: datetime | None = None

    @property
    def is_verified(self) -> bool:
        """Say whether it was proved, and no provider has taken that back since."""
        return self.verified_at is not None and self.dropped_at is None


class ContactCode(Struct, frozen=True, kw_only=True):
    """A code that was sent to an address, by its hash. `outcome` None: under way, or we died."""

    id: UUID
    person_id: PersonId
    fingerprint: str
    kind: MethodKind
    hash: str
    sent_at: datetime
    expires_at: datetime
    tries_left: int
    outcome: str | None = None
    error: str = ""


class PushDevice(Struct, frozen=True, kw_only=True):
    """A browser that somebody has subscribed; its endpoint and keys are secrets.

    `p256dh` is the browser's public key (65 bytes), `auth` a secret of 16 bytes, as RFC 8291
    names them.
    """

    id: UUID
    person_id: PersonId
    endpoint: str
    p256dh: bytes
    auth: bytes
    name: str
    added_at: datetime
    sent_at: datetime | None = None
    received_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
