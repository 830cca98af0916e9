"""By what people are reached: the channels, the static contacts, what a contact may name."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from msgspec.structs import replace

from tocsin.governance import reads as governance
from tocsin.governance.model import UserState
from tocsin.integrations.apprise.send import AppriseChannel
from tocsin.integrations.inbox.send import Inbox
from tocsin.integrations.mattermost.send import Mattermost
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound
from tocsin.integrations.sms import numbers
from tocsin.integrations.smtp.send import Smtp
from tocsin.integrations.teams.send import Teams
from tocsin.integrations.webhook.send import Webhook
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import Clock
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.resources import Kind
from tocsin.kernel.settings import Settings
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall.core.config import PersonSpec
from tocsin.oncall.core.contacts import ContactDefaultsSpec, refuse_unusable
from tocsin.oncall.jobs import LastResort
from tocsin.oncall.jobs.delivery import IssueLink
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel

_PHONES = {"sms": MethodKind.SMS, "tel": MethodKind.VOICE}
LINK_FRESH = timedelta(days=1)  # half of what it lasts
LINKS_MAX = 10_000


async def roles_of(unit: Unit, person_id: PersonId) -> Sequence[str]:
    """Name the role under which a person may see what is restricted; none without access."""
    user = (await governance.users(unit)).get(person_id)
    if user is None or user.state is UserState.DISABLED:
        return ()
    return (f"role:{user.role}",)


class AckLinks:
    """Acknowledge links for the browser of who was called; asking again makes no new one."""

    def __init__(self, units: Units, issue: IssueLink) -> None:
        self._units = units
        self._issue = issue
        self._made: dict[tuple[UUID, UUID], tuple[datetime, str]] = {}

    async def of(self, person_id: UUID, page_id: UUID) -> str:
        """Return a link for a person and a page."""
        key, now = (person_id, page_id), self._units.clock.now()
        known = self._made.get(key)
        if known is not None and now - known[0] < LINK_FRESH:
            return known[1]
        if len(self._made) >= LINKS_MAX:
            self._made.clear()
        link = await self._units.run(
            SYSTEM, lambda unit: self._issue(unit, PersonId(person_id), PageId(page_id))
        )
        self._made[key] = (now, link)
        return link


def checking(kinds: Sequence[Kind], apprise: AppriseChannel) -> tuple[Kind, ...]:
    """Refuse an Apprise URL that names no service and a number of no country, before it is saved."""

    def accept(spec: PersonSpec | ContactDefaultsSpec) -> None:
        refuse_unusable(spec.contact, apprise.refuse, numbers.refuse)

    return tuple(
        replace(kind, accept=accept) if kind.spec in (PersonSpec, ContactDefaultsSpec) else kind
        for kind in kinds
    )


def channels(
    settings: Settings, outbound: Outbound, clock: Clock, apprise: AppriseChannel
) -> dict[MethodKind, Channel]:
    """Make the channels that the settings allow. Raises Invalid, naming the setting."""
    found: dict[MethodKind, Channel] = {
        MethodKind.WEBHOOK: Webhook(outbound, secret=settings.webhook_secret, now=clock.now),
        MethodKind.NTFY: Ntfy(outbound, replies=settings.ntfy_replies),
        MethodKind.APPRISE: apprise,
        MethodKind.INBOX: Inbox(),
        MethodKind.MATTERMOST: Mattermost(outbound),
        MethodKind.TEAMS: Teams(outbound),
    }
    if settings.smtp_url:
        try:
            found[MethodKind.EMAIL] = Smtp(
                settings.smtp_url,
                sender=settings.mail_from,
                now=clock.now,
                reply_to=reply_address(settings),
            )
        except ValueError as error:
            raise Invalid(f"TOCSIN_SMTP_URL: {error}", field="TOCSIN_SMTP_URL") from error
    return found


def reply_address(settings: Settings) -> str:
    """Return the address at which answers to mails are read, "" where they are not."""
    return (settings.mail_reply_to or settings.mail_from) if settings.imap_url else ""


def last_resort(
    settings: Settings, outbound: Outbound, channels: Mapping[MethodKind, Channel]
) -> LastResort:
    """Give each static contact its channel. Raises Invalid, naming the setting."""
    found: list[tuple[str, Channel]] = []
    for contact in settings.last_resort:
        scheme = contact.partition(":")[0]
        if scheme == "mailto" and MethodKind.EMAIL in channels:
            found.append((contact.removeprefix("mailto:"), channels[MethodKind.EMAIL]))
        elif scheme in ("http", "https"):
            found.append((contact, channels[MethodKind.WEBHOOK]))
        elif scheme in _PHONES and _PHONES[scheme] in channels:
            number = contact.partition(":")[2].strip()
            if numbers.refuse(number) is not None:
                raise Invalid(
                    f"TOCSIN_LAST_RESORT: {scheme}: takes a number as {scheme}:+4915123456789",
                    field="TOCSIN_LAST_RESORT",
                )
            found.append((number, channels[_PHONES[scheme]]))
        elif scheme.startswith("ntfy"):
            found.append((contact, cast("Channel", Ntfy(outbound))))
        else:
            raise Invalid(
                f"TOCSIN_LAST_RESORT: cannot use {contact!r}; write mailto: (with TOCSIN_SMTP_URL"
                " set), https://, ntfy://, sms: (with TOCSIN_SMS_URL or TOCSIN_TWILIO_ACCOUNT"
                " set), or tel: (with TOCSIN_TWILIO_ACCOUNT set)",
                field="TOCSIN_LAST_RESORT",
            )  # fmt: skip
    return LastResort(found, settings.base_url)
