"""Text messages and calls: what the settings name, made once, and how answers come back."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from tocsin.integrations.outbound import Outbound
from tocsin.integrations.sms.send import Gateway, GatewaySms
from tocsin.integrations.twilio.client import NUMBER, Account, Client
from tocsin.integrations.twilio.poll import Desk, Text, TwilioPolling, Waiting
from tocsin.integrations.twilio.send import TwilioSms, TwilioVoice
from tocsin.integrations.twilio.wire import News, TwilioWire
from tocsin.kernel.clock import Clock
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import NotificationId
from tocsin.kernel.settings import Settings
from tocsin.oncall.actions import Receipt, TextAnswer
from tocsin.oncall.jobs import Breakers, Guarded, InOrder, Phones
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel, Outgoing

HOOKS = "/hooks/twilio"


class Telephone(Struct, frozen=True, kw_only=True):
    """What there is to telephone with; `client` and `wire` are None without Twilio."""

    channels: dict[MethodKind, Channel]
    client: Client | None = None
    wire: TwilioWire | None = None
    polls: bool = False


def telephone(settings: Settings, outbound: Outbound, breakers: Breakers) -> Telephone:
    """Make what the settings name. Raises Invalid, naming the setting.

    A gateway of one's own comes before Twilio: where it is down, Twilio sends the text message.
    """
    texting: list[Guarded] = []
    channels: dict[MethodKind, Channel] = {}
    if settings.sms_url:
        texting.append(Guarded(_gateway(settings, outbound), breakers, lambda _: "sms gateway"))
    client = _client(settings, outbound)
    polls = client is not None and _polls(settings)
    if client is not None:
        hooks = "" if polls else f"{settings.base_url}{HOOKS}"
        texting.append(
            Guarded(TwilioSms(client, hooks=hooks), breakers, lambda _: "twilio sms")
        )
        if NUMBER.fullmatch(client.account.sender):
            voice = TwilioVoice(client, hooks=hooks)
            channels[MethodKind.VOICE] = Guarded(voice, breakers, lambda _: "twilio voice")
    if texting:
        channels[MethodKind.SMS] = texting[0] if len(texting) == 1 else InOrder(texting)
    wire = None if client is None else TwilioWire(client.account)
    return Telephone(channels=channels, client=client, wire=wire, polls=polls)


def polling(found: Telephone, phones: Phones, clock: Clock) -> Sequence[TwilioPolling]:
    """Ask for answers and receipts where Twilio cannot bring them; nothing where it can."""
    client = found.client
    if client is None or not found.polls:
        return ()
    texting = TwilioSms(client, hooks="")

    async def hear(text: Text) -> str:
        return await phones.text(
            TextAnswer(
                provider=TwilioWire.provider, message_id=text.message_id, number=text.number,
                text=text.text,
            )
        )  # fmt: skip

    async def waiting() -> list[Waiting]:
        return [
            Waiting(
                receipt=f"{one.notification_id}/{one.number}", provider_id=one.provider_id,
                kind=one.kind,
            )
            for one in await phones.pending()
        ]  # fmt: skip

    async def tell(receipt: str, news: News) -> None:
        message, _, attempt = receipt.partition("/")
        kind, reason = news
        await phones.receipt(
            Receipt(
                notification_id=NotificationId(UUID(message)), attempt=int(attempt), kind=kind,
                reason=reason,
            )
        )  # fmt: skip

    async def say(number: str, words: str) -> None:
        await texting.send(
            Outgoing(
                to=number, subject=words, text=words, key=f"answer/{number}", event="answer"
            )
        )

    desk = Desk(hear=hear, waiting=waiting, tell=tell, say=say)
    return (TwilioPolling(client, desk, clock.now),)


def _client(settings: Settings, outbound: Outbound) -> Client | None:
    named = (settings.twilio_account, settings.twilio_token, settings.twilio_from)
    if not any(named):
        return None
    try:
        return Client(
            outbound,
            Account(
                sid=settings.twilio_account, token=settings.twilio_token,
                sender=settings.twilio_from, url=settings.twilio_url,
            ),
        )  # fmt: skip
    except ValueError as error:
        raise Invalid(
            f"TOCSIN_TWILIO_ACCOUNT, _TOKEN and _FROM: {error}", field="TOCSIN_TWILIO_ACCOUNT"
        ) from error


def _polls(settings: Settings) -> bool:
    """Say whether Twilio cannot reach us: by the setting's word, else by our address."""
    if settings.twilio_replies != "auto":
        return settings.twilio_replies == "poll"
    return settings.is_local or not settings.base_url.startswith("https://")


def _gateway(settings: Settings, outbound: Outbound) -> GatewaySms:
    gateway = Gateway(
        url=settings.sms_url, method=settings.sms_method, headers=settings.sms_headers,
        body=settings.sms_body, format=settings.sms_format,
        id_path=settings.sms_id,
    )  # fmt: skip
    try:
        return GatewaySms(outbound, gateway)
    except ValueError as error:
        raise Invalid(f"TOCSIN_SMS_BODY, _HEADERS: {error}", field="TOCSIN_SMS_BODY") from error
