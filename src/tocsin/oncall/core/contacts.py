"""Contact methods as they are written in YAML, what they compile to, and how they are masked."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources.secret import MASK, SECRET, SECRET_URL
from tocsin.oncall.model import Method, MethodKind, Show

CONTACTS_MAX = 10
DEFAULTS = "default"
Email = Annotated[
    str,
    Meta(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", max_length=254, examples=["ada@example.org"]),
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s]+$",
        max_length=2000,
        examples=["https://hooks.example.org/page"],
        extra_json_schema=SECRET_URL,  # who knows it can post there
    ),
]
AppriseUrl = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z0-9]{2,20}://\S+$",
        max_length=2000,
        examples=["tgram://token/chat"],
        extra_json_schema=SECRET_URL,
    ),
]
Secret = Annotated[str, Meta(min_length=1, max_length=500, extra_json_schema=SECRET)]
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>]+")
# a provider's answer may quote the address; the log keeps no personal data
_EMAIL = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_SHORTEST_SECRET = 4


class EmailContact(
    Struct, frozen=True, tag="email", tag_field="type", forbid_unknown_fields=True
):
    """An e-mail address."""

    address: Email
    show: Show | None = None


class WebhookContact(
    Struct, frozen=True, tag="webhook", tag_field="type", forbid_unknown_fields=True
):
    """A URL that takes signed JSON; `secret` signs it, else TOCSIN_WEBHOOK_SECRET does."""

    url: Url
    secret: Annotated[str, Meta(max_length=500, extra_json_schema=SECRET)] | None = None
    show: Show | None = None


class NtfyContact(
    Struct, frozen=True, tag="ntfy", tag_field="type", forbid_unknown_fields=True
):
    """A topic's URL on an ntfy server; `token` is an access token, `priority` 1 to 5."""

    topic: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s?#@]+/[-_A-Za-z0-9]{1,64}$",
            max_length=500,
            examples=["https://ntfy.example.org/alarms-ada"],
        ),
    ]
    token: Secret | None = None
    priority: Annotated[int, Meta(ge=1, le=5)] | None = None
    show: Show | None = None


class AppriseContact(
    Struct, frozen=True, tag="apprise", tag_field="type", forbid_unknown_fields=True
):
    """An Apprise URL, for any of the services that Tocsin does not speak to itself."""

    url: AppriseUrl
    show: Show | None = None


class InboxContact(
    Struct, frozen=True, tag="inbox", tag_field="type", forbid_unknown_fields=True
):
    """The web inbox: reaches who has Tocsin open in a browser."""

    show: Show | None = None


Contact = EmailContact | WebhookContact | NtfyContact | AppriseContact | InboxContact
Contacts = Annotated[tuple[Contact, ...], Meta(max_length=CONTACTS_MAX)]


class ContactDefaultsSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """How much text leaves by each kind of method, and how people are told who name no method."""

    show: dict[MethodKind, Show] = {}
    contact: Contacts = ()


def _bare(contact: Contact) -> Method:
    match contact:
        case EmailContact(address):
            return Method(kind=MethodKind.EMAIL, address=address)
        case WebhookContact(url, secret):
            return Method(kind=MethodKind.WEBHOOK, address=url, secret=secret)
        case NtfyContact(topic, token, priority):
            kind = MethodKind.NTFY
            return Method(kind=kind, address=topic, secret=token, priority=priority)
        case AppriseContact(url):
            return Method(kind=MethodKind.APPRISE, address=url)
        case InboxContact():
            return Method(kind=MethodKind.INBOX, address="")


def method(contact: Contact, show: Mapping[MethodKind, Show]) -> Method:
    """Turn a contact into a method; what it does not say itself, the kind's default says."""
    made = _bare(contact)
    return replace(made, show=contact.show or show.get(made.kind, Show.FULL))


def methods(contacts: tuple[Contact, ...], defaults: ContactDefaultsSpec) -> tuple[Method, ...]:
    """Compile a person's contacts, in their order; for who names none, the defaults'."""
    return tuple(method(one, defaults.show) for one in contacts or defaults.contact)


Check = Callable[[str], str | None]
"""Says why an Apprise URL cannot be used; None: it can."""


def refuse_unusable(contacts: Iterable[Contact], check: Check) -> None:
    """Refuse Apprise URLs that name no service. Raises Invalid, which quotes no secret."""
    for at, contact in enumerate(contacts):
        if not isinstance(contact, AppriseContact):
            continue
        reason = check(contact.url)
        if reason is not None:
            raise Invalid(f"spec.contact[{at}].url: {reason}", field=f"spec.contact[{at}].url")


def masked(method: Method | None) -> str:
    """Return enough of an address to recognise it, and not enough to use it."""
    if method is None:
        return "address removed"
    match method.kind:
        case MethodKind.INBOX:
            return "in Tocsin itself"
        case MethodKind.APPRISE:  # its host is a secret as often as not
            return f"{method.address.partition(':')[0]}://{MASK}"
        case MethodKind.EMAIL:
            local, _, host = method.address.rpartition("@")
            return f"{local[:1]}{MASK}@{host}"
        case MethodKind.WEBHOOK | MethodKind.NTFY:
            return f"{urlsplit(method.address).hostname or ''}/{MASK}"


def scrubbed(text: str, method: Method) -> str:
    """Take secrets out of a provider's answer: the address and token of `method`, and any URL."""
    if method.kind is MethodKind.EMAIL:
        return text  # the row shows it to who may read it, masked
    for secret in (method.address, method.secret or "", *_parts(method.address)):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return _URL.sub(lambda found: f"{found.group().partition(':')[0]}://{MASK}", text)


def unquoted(error: str, method: Method | None) -> str:
    """Hide the address in a provider's answer, which likes to quote it, from who reads a screen."""
    if method is None or not method.address:
        return error
    return scrubbed(error.replace(method.address, masked(method)), method)


def impersonal(text: str, limit: int) -> str:
    """Cut a provider's answer to what the log may keep for ever: no address."""
    return _EMAIL.sub(MASK, _URL.sub(MASK, text))[:limit]


def _parts(url: str) -> list[str]:
    """Return what may be a secret in a URL: user, password, and each step of path and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    found = [parts.username or "", parts.password or ""]
    return [*found, *re.split(r"[/&=?]", f"{parts.path}?{parts.query}")]
