"""Chat, ntfy and mail as ways to answer: what the settings name, made once."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from tocsin.governance import reads as governance
from tocsin.governance.core.config import Teams
from tocsin.governance.model import UserState
from tocsin.integrations.imap.hear import Mailbox
from tocsin.integrations.matrix.api import Homeserver
from tocsin.integrations.matrix.hear import MatrixRooms
from tocsin.integrations.matrix.send import Matrix
from tocsin.integrations.ntfy.hear import NtfyReplies
from tocsin.integrations.outbound import Outbound, networks
from tocsin.integrations.slack.api import SlackApi
from tocsin.integrations.slack.hear import SlackSocket
from tocsin.integrations.slack.send import Slack
from tocsin.integrations.smtp.send import Smtp
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId
from tocsin.kernel.settings import Settings
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.jobs import Listening, Replies
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel, Listener

SYNC_LIMIT_S = 45.0
SYNC_BYTES_MAX = 8 * 1024 * 1024
SYNC_BODY_S = 15.0


class Chats(Struct, frozen=True, kw_only=True):
    """By what people can answer; `hears` are the kinds whose messages carry a word for it."""

    channels: dict[MethodKind, Channel]
    listeners: Sequence[Listener]
    hears: frozenset[MethodKind]


def chats(settings: Settings, outbound: Outbound, now: Callable[[], datetime]) -> Chats:
    """Make what the settings name. Raises Invalid, naming the setting."""
    channels: dict[MethodKind, Channel] = {}
    listeners: list[Listener] = []
    hears: set[MethodKind] = set()
    if settings.matrix_url or settings.matrix_token:
        url, token = _both(settings, "matrix_url", "matrix_token")
        patient = Outbound(
            allowed=networks(",".join(settings.allow_networks)), timeout_s=SYNC_LIMIT_S,
            response_limit_bytes=SYNC_BYTES_MAX, body_timeout_s=SYNC_BODY_S,
        )  # fmt: skip
        channels[MethodKind.MATRIX] = Matrix(Homeserver(outbound, url=url, token=token))
        listeners.append(
            MatrixRooms(
                Homeserver(patient, url=url, token=token), servers=settings.matrix_servers
            )
        )
    if settings.slack_bot_token or settings.slack_app_token:
        bot_token, app_token = _both(settings, "slack_bot_token", "slack_app_token")
        bot = SlackApi(outbound, base=settings.slack_api, token=bot_token)
        app = SlackApi(outbound, base=settings.slack_api, token=app_token)
        channels[MethodKind.SLACK] = Slack(bot)
        listeners.append(SlackSocket(outbound, app=app, bot=bot))
    if settings.ntfy_replies:
        listeners.append(_ntfy_replies(settings, outbound))
        hears.add(MethodKind.NTFY)
    if settings.imap_url:
        listeners.append(_mailbox(settings, now))
        hears.add(MethodKind.EMAIL)
    return Chats(channels=channels, listeners=listeners, hears=frozenset(hears))


def _ntfy_replies(settings: Settings, outbound: Outbound) -> NtfyReplies:
    try:
        return NtfyReplies(outbound, settings.ntfy_replies)
    except ValueError as error:
        variable = "TOCSIN_NTFY_REPLIES"
        raise Invalid(f"{variable}: {error}", field=variable) from None


def _mailbox(settings: Settings, now: Callable[[], datetime]) -> Mailbox:
    variable = "TOCSIN_IMAP_URL"
    if not settings.smtp_url:
        raise Invalid(
            f"{variable}: answers leave by TOCSIN_SMTP_URL, set it too", field=variable
        )
    try:
        answers = Smtp(settings.smtp_url, sender=settings.mail_from, now=now)
        return Mailbox(settings.imap_url, answers=answers)
    except ValueError as error:
        raise Invalid(f"{variable}: {error}", field=variable) from None


def listening(units: Units, listeners: Sequence[Listener]) -> list[Listening]:
    """Give each connection somebody who keeps it and does what is said by it."""
    replies = Replies(units, oncall.person_by_address, actor_of)
    return [Listening(units, one, replies) for one in listeners]


async def actor_of(unit: Unit, person_id: PersonId) -> Actor | None:
    """Return a person with the permissions they have when they sign in; None: not a member."""
    person = unit.config(Directory).people.get(person_id)
    if person is None or not person.active:
        return None
    user = (await governance.users(unit)).get(person_id)
    if user is not None and user.state is UserState.DISABLED:
        return None
    return Actor(
        kind="person", id=person_id, name=person.display_name,
        role=user.role if user else Role.VIEWER, person_id=person_id,
        teams=unit.config(Teams).roles_of(person_id),
    )  # fmt: skip


def _both(settings: Settings, first: str, second: str) -> tuple[str, str]:
    values = (str(getattr(settings, first)), str(getattr(settings, second)))
    for name, value, other in ((first, values[0], second), (second, values[1], first)):
        if not value:
            variable = f"TOCSIN_{name.upper()}"
            raise Invalid(
                f"{variable}: set it as well, beside TOCSIN_{other.upper()}", field=variable
            )
    return values
