"""What written contacts compile to, and which are refused."""

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.contacts.specs import (
    AppriseContact,
    Contact,
    ContactDefaultsSpec,
    EmailContact,
    InboxContact,
    MatrixContact,
    MattermostContact,
    NtfyContact,
    PushContact,
    SlackContact,
    SmsContact,
    TeamsContact,
    VoiceContact,
    WebhookContact,
)
from tocsin.oncall.model import Method, MethodKind, Show


def _bare(contact: Contact) -> Method:  # noqa: C901, PLR0911, PLR0912 - one case a kind
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
        case PushContact():  # whose browsers, says who compiles the person
            return Method(kind=MethodKind.PUSH, address="")
        case SmsContact(number):
            return Method(kind=MethodKind.SMS, address=number)
        case VoiceContact(number):
            return Method(kind=MethodKind.VOICE, address=number)
        case MattermostContact(url):
            return Method(kind=MethodKind.MATTERMOST, address=url)
        case TeamsContact(url):
            return Method(kind=MethodKind.TEAMS, address=url)
        case MatrixContact(address):
            return Method(kind=MethodKind.MATRIX, address=address)
        case SlackContact(id_):
            return Method(kind=MethodKind.SLACK, address=id_)


def method(contact: Contact, show: Mapping[MethodKind, Show]) -> Method:
    """Turn a contact into a method; what it does not say itself, the kind's default says."""
    made = _bare(contact)
    shown = contact.show or show.get(made.kind, Show.FULL)
    return replace(made, show=shown, name=contact.name or "")


def by_names(contact: Contact) -> tuple[str, ...]:
    """Return by what notification rules may call a contact: its name, and its type."""
    kind = str(_bare(contact).kind)
    return (contact.name, kind) if contact.name else (kind,)


def methods(contacts: tuple[Contact, ...], defaults: ContactDefaultsSpec) -> tuple[Method, ...]:
    """Compile a person's contacts, in their order; for who names none, the defaults'."""
    return tuple(method(one, defaults.show) for one in contacts or defaults.contact)


def of_person(found: tuple[Method, ...], person_id: UUID) -> tuple[Method, ...]:
    """Give push its address: the person, whose browsers are looked up when it is sent."""
    return tuple(
        replace(one, address=str(person_id)) if one.kind is MethodKind.PUSH else one
        for one in found
    )


Check = Callable[[str], str | None]
"""Says why an Apprise URL, or a telephone number, cannot be used; None: it can."""


def refuse_unusable(
    contacts: Iterable[Contact], check: Check, check_number: Check = lambda _: None
) -> None:
    """Refuse Apprise URLs that name no service, and numbers that no country has.

    Raises Invalid, which quotes no secret.
    """
    for at, contact in enumerate(contacts):
        match contact:
            case AppriseContact(url):
                name, reason = "url", check(url)
            case SmsContact(number) | VoiceContact(number):
                name, reason = "number", check_number(number)
            case _:
                continue
        if reason is not None:
            field = f"spec.contact[{at}].{name}"
            raise Invalid(f"{field}: {reason}", field=field)
