"""Contact methods, as they are written in YAML."""

from typing import Annotated

from msgspec import Meta, Struct

from tocsin.kernel.resources.secret import SECRET, SECRET_URL
from tocsin.oncall.model import MethodKind, Show

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
ContactName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{0,50}$",
        description="What notification rules call it; without one, its type.",
        examples=["phone"],
    ),
]
Secret = Annotated[str, Meta(min_length=1, max_length=500, extra_json_schema=SECRET)]
Number = Annotated[
    str,
    Meta(
        pattern=r"^\+[1-9][0-9]{6,14}$",
        description="A telephone number as E.164 writes it: + and the country's code, no spaces.",
        examples=["+4915123456789"],
    ),
]


class EmailContact(
    Struct, frozen=True, tag="email", tag_field="type", forbid_unknown_fields=True
):
    """An e-mail address."""

    address: Email
    show: Show | None = None
    name: ContactName | None = None


class WebhookContact(
    Struct, frozen=True, tag="webhook", tag_field="type", forbid_unknown_fields=True
):
    """A URL that takes signed JSON; `secret` signs it, else TOCSIN_WEBHOOK_SECRET does."""

    url: Url
    secret: Annotated[str, Meta(max_length=500, extra_json_schema=SECRET)] | None = None
    show: Show | None = None
    name: ContactName | None = None


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
    name: ContactName | None = None


class AppriseContact(
    Struct, frozen=True, tag="apprise", tag_field="type", forbid_unknown_fields=True
):
    """An Apprise URL, for any of the services that Tocsin does not speak to itself."""

    url: AppriseUrl
    show: Show | None = None
    name: ContactName | None = None


class InboxContact(
    Struct, frozen=True, tag="inbox", tag_field="type", forbid_unknown_fields=True
):
    """The web inbox: reaches who has Tocsin open in a browser."""

    show: Show | None = None
    name: ContactName | None = None


class SmsContact(Struct, frozen=True, tag="sms", tag_field="type", forbid_unknown_fields=True):
    """A number that takes text messages, through Twilio or a gateway of one's own."""

    number: Number
    show: Show | None = None
    name: ContactName | None = None


class VoiceContact(
    Struct, frozen=True, tag="voice", tag_field="type", forbid_unknown_fields=True
):
    """A number that is called, through Twilio; an answering machine does not count as reached."""

    number: Number
    show: Show | None = None
    name: ContactName | None = None


class MattermostContact(
    Struct, frozen=True, tag="mattermost", tag_field="type", forbid_unknown_fields=True
):
    """The URL of an incoming webhook of Mattermost."""

    url: Url
    show: Show | None = None
    name: ContactName | None = None


class TeamsContact(
    Struct, frozen=True, tag="teams", tag_field="type", forbid_unknown_fields=True
):
    """The URL of a Teams workflow that posts what it receives by webhook."""

    url: Url
    show: Show | None = None
    name: ContactName | None = None


class MatrixContact(
    Struct, frozen=True, tag="matrix", tag_field="type", forbid_unknown_fields=True
):
    """A Matrix user, who gets a room alone with Tocsin, or a room that Tocsin is in."""

    address: Annotated[
        str,
        Meta(
            pattern=r"^[@!][^\s:/]{1,200}(:[^\s/]{1,200})?$",
            max_length=255,
            examples=["@ada:example.org", "!ops:example.org"],
        ),
    ]
    show: Show | None = None
    name: ContactName | None = None


class SlackContact(
    Struct, frozen=True, tag="slack", tag_field="type", forbid_unknown_fields=True
):
    """A member of the Slack workspace, or one of its channels, by its id."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[UWCGD][A-Z0-9]{2,30}$",
            description="In Slack: profile, three dots, Copy member ID; or below a channel details.",
            examples=["U012AB3CD", "C061EG9T2"],
        ),
    ]
    show: Show | None = None
    name: ContactName | None = None


class PushContact(
    Struct, frozen=True, tag="push", tag_field="type", forbid_unknown_fields=True
):
    """Web push to every browser that the person has subscribed under Contact methods."""

    show: Show | None = None
    name: ContactName | None = None


Contact = (
    EmailContact
    | WebhookContact
    | NtfyContact
    | AppriseContact
    | InboxContact
    | PushContact
    | SmsContact
    | VoiceContact
    | MattermostContact
    | TeamsContact
    | MatrixContact
    | SlackContact
)
Contacts = Annotated[tuple[Contact, ...], Meta(max_length=CONTACTS_MAX)]


class ContactDefaultsSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """How much text leaves by each kind of method, and how people are told who name no method."""

    show: dict[MethodKind, Show] = {}
    contact: Contacts = ()
