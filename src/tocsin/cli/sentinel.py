"""`tocsin sentinel`: watch a Tocsin from outside and page static contacts when it is gone.

An independent process: no database, no web framework, no shared state. What it decides is
in `watch.py`; here are a probe, a loop and the same senders Tocsin uses.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network

import click
from msgspec.structs import replace

from tocsin.cli.sentinel_phones import Phones, number_of, options, phones
from tocsin.cli.watch import Limits, Observation, Watch, compose, overdue_s, trouble, watch
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.integrations.smtp.send import Smtp
from tocsin.integrations.webhook.send import Webhook
from tocsin.oncall.ports import Channel, Outgoing, Sent, TransientFailure

ANYWHERE = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))  # its operator names every target


class Probe:
    """Looks at one Tocsin over HTTP."""

    def __init__(self, outbound: Outbound, *, url: str, token: str = "") -> None:
        self._outbound = outbound
        self._url = url.rstrip("/")
        self._headers = {"User-Agent": "Tocsin-Sentinel"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    async def look(self) -> Observation:
        """Ask for readiness, then for the lag; a failure of the second is only a remark."""
        status, text = await self._get("/health/ready")
        if status != 200:  # noqa: PLR2004 - HTTP's OK
            detail = f"/health/ready answers {status}" if status else text
            return Observation(ready=False, lag_s=None, detail=detail)
        status, text = await self._get("/metrics")
        if status != 200:  # noqa: PLR2004 - HTTP's OK
            return Observation(ready=True, lag_s=None, detail=f"/metrics: {status or text}")
        return Observation(ready=True, lag_s=overdue_s(text))

    async def _get(self, path: str) -> tuple[int, str]:
        try:
            answer = await self._outbound.request(
                "GET", self._url + path, headers=self._headers
            )
        except (Blocked, Unreachable) as failed:
            return 0, str(failed)
        return answer.status, answer.body.decode("utf-8", "replace")


Contact = tuple[Channel, str]
Owed = tuple[tuple[Contact, Outgoing], ...]


async def deliver(owed: Owed) -> Owed:
    """Tell all at once; return those who may be reached by trying again."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(channel.send(message)) for (channel, _), message in owed]
    left = []
    for entry, task in zip(owed, tasks, strict=True):
        outcome = task.result()
        if isinstance(outcome, Sent):
            continue
        click.echo(f"{_masked(entry[0][1])}: {outcome.reason}", err=True)
        if isinstance(outcome, TransientFailure):
            left.append(entry)
    return tuple(left)


def contacts(
    addresses: Iterable[str],
    *,
    mail: Smtp | None,
    webhook: Webhook,
    ntfy: Ntfy,
    by_phone: Phones | None = None,
) -> tuple[Contact, ...]:
    """Pair each address with its channel. Raises `click.UsageError` for one that has none."""
    known = by_phone or Phones()
    channels: dict[str, tuple[Channel | None, str]] = {
        "mailto": (mail, "a mail server: --smtp-url"),
        "sms": (known.sms, "--sms-url, or --twilio-account, --twilio-token and --twilio-from"),
        "tel": (known.voice, "--twilio-account, --twilio-token and a number in --twilio-from"),
        "http": (webhook, ""),
        "https": (webhook, ""),
    }
    paired: list[Contact] = []
    for address in addresses:
        scheme = address.partition(":")[0].lower()
        fallback = ntfy if scheme.startswith("ntfy") else None
        channel, need = channels.get(scheme, (fallback, ""))
        if channel is None and need:
            raise click.UsageError(f"{scheme}: contacts need {need}")
        if channel is None:
            raise click.UsageError(
                f"{address} is not mailto:, https://, http://, ntfy://, sms: or tel:"
            )
        paired.append((channel, number_of(address) if scheme in ("sms", "tel") else address))
    return tuple(paired)


def addressed(message: Outgoing, address: str) -> Outgoing:
    """Make a message one contact's own: a gateway drops what comes with a key it has seen."""
    whose = sha256(address.encode()).hexdigest()[:8]
    return replace(message, to=address, key=f"{message.key}:{whose}")


async def guard(  # noqa: PLR0913 - the parts of one loop, each named at the call
    probe: Probe,
    told: tuple[Contact, ...],
    *,
    url: str,
    limits: Limits,
    every_s: float,
    now: Callable[[], datetime],
    once: bool = False,
) -> bool:
    """Look, decide, tell; for ever, or once. Return whether the last look was a good one.

    Who could not be told is tried again at every look until the next message replaces it.
    """
    state = Watch()
    owed: Owed = ()
    while True:
        observation = await probe.look()
        state, actions = watch(state, observation, now(), limits)
        for action in actions:
            message = compose(action, url=url)
            click.echo(f"{now():%Y-%m-%dT%H:%M:%SZ} {message.subject}", err=True)
            owed = tuple((one, addressed(message, one[1])) for one in told)
        owed = await deliver(owed)
        if once:
            return trouble(observation, limits) is None
        await asyncio.sleep(every_s)


def _masked(address: str) -> str:
    """Keep what identifies a contact, without the secrets a URL may hold, or who has a number."""
    if address.startswith("+"):
        return f"{address[:3]}…{address[-2:]}"
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}/..." if rest else address


def _wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - outside Tocsin there is no database clock


@click.command("sentinel")
@click.option(
    "--url", required=True, help="The Tocsin to watch, e.g. https://tocsin.example.org."
)
@click.option(
    "--contact",
    "addresses",
    multiple=True,
    help="mailto:, https:// (signed webhook), ntfy:// or ntfy+http://, sms:+49… or tel:+49…;"
    " repeatable.",
)
@click.option(
    "--last-resort",
    default="",
    envvar="TOCSIN_LAST_RESORT",
    show_envvar=True,
    help="More contacts, comma-separated or one a line.",
)
@click.option("--token", default="", help="For /metrics, where it asks for one.")
@click.option(
    "--smtp-url",
    default="",
    envvar="TOCSIN_SMTP_URL",
    show_envvar=True,
    help="Mail server: smtp://user:password@host:587.",
)
@click.option("--mail-from", default="tocsin-sentinel@localhost", show_default=True)
@click.option("--webhook-secret", default="", help="Signs webhooks.")
@click.option("--every", default=10.0, show_default=True, help="Seconds between two looks.")
@click.option("--after", default=3, show_default=True, help="Failed looks before the alarm.")
@click.option(
    "--lag", default=60.0, show_default=True, help="Timers late by more page at once."
)
@click.option("--repeat", default=600.0, show_default=True, help="Seconds between two alarms.")
@options
@click.option("--once", is_flag=True, help="Look once, and page at the first failure.")
def sentinel(  # noqa: PLR0913 - one parameter per option
    *,
    url: str,
    addresses: tuple[str, ...],
    last_resort: str,
    token: str,
    smtp_url: str,
    mail_from: str,
    webhook_secret: str,
    every: float,
    after: int,
    lag: float,
    repeat: float,
    once: bool,
    **telephones: str,
) -> None:
    """Watch a Tocsin from another machine and page when it is gone.

    With --once the exit code is 0 if it is well and 1 if not, for a timer of your own.
    """
    named = [*addresses, *(one.strip() for one in re.split(r"[,\n]", last_resort))]
    if not any(named):
        raise click.UsageError("whom to tell? name a --contact, or set TOCSIN_LAST_RESORT")
    outbound = Outbound(allowed=ANYWHERE, response_limit_bytes=4_194_304)
    try:
        mail = Smtp(smtp_url, sender=mail_from, now=_wall_clock) if smtp_url else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    told = contacts(
        filter(None, named),
        mail=mail,
        webhook=Webhook(outbound, secret=webhook_secret, now=_wall_clock),
        ntfy=Ntfy(outbound),
        by_phone=phones(outbound, **telephones),
    )
    well = asyncio.run(
        guard(
            Probe(outbound, url=url, token=token),
            told,
            url=url,
            limits=Limits(after=1 if once else after, lag_s=lag, repeat_s=repeat),
            every_s=every,
            now=_wall_clock,
            once=once,
        )
    )
    raise SystemExit(0 if well else 1)
