"""How `tocsin sentinel` texts and calls: the options for Twilio and for a gateway, as channels.

Each may come from the environment under the name that Tocsin's own setting has, so that no secret
stands in the list of processes.
"""

from collections.abc import Callable
from typing import TypeVar

import click
import msgspec
from msgspec import Struct

from tocsin.integrations.outbound import Outbound
from tocsin.integrations.sms.send import DEFAULT_BODY, Format, Gateway, GatewaySms
from tocsin.integrations.twilio.client import API, NUMBER, Account, Client
from tocsin.integrations.twilio.send import TwilioSms, TwilioVoice
from tocsin.oncall.ports import Channel

F = TypeVar("F", bound=Callable[..., object])
_OPTIONS = (
    ("--twilio-account", "", "For sms: and tel:, the Twilio account AC…."),
    ("--twilio-token", "", "Its auth token."),
    ("--twilio-from", "", "Your number there, +4915123456789."),
    ("--twilio-url", API, "Twilio's API; another address for another region."),
    ("--sms-url", "", "For sms:, a gateway that takes HTTP; before Twilio."),
    ("--sms-method", "POST", "Method of the gateway's request."),
    ("--sms-headers", "", "Headers of the gateway's request, comma-separated or one a line."),
    ("--sms-format", "json", "How the gateway takes its body: json, form or none."),
    ("--sms-body", DEFAULT_BODY, "Body of the gateway's request, with {to} and {text}."),
)


class Phones(Struct, frozen=True):
    """By what numbers are reached; None: by nothing."""

    sms: Channel | None = None
    voice: Channel | None = None


def options(command: F) -> F:
    """Give a command the options of telephones."""
    for name, default, words in reversed(_OPTIONS):
        variable = "TOCSIN_" + name.removeprefix("--").replace("-", "_").upper()
        command = click.option(
            name, default=default, envvar=variable, show_envvar=True, help=words
        )(command)
    return command


def phones(outbound: Outbound, **given: str) -> Phones:
    """Make the channels that the options allow. Raises `click.UsageError`, naming the option."""
    sms = voice = None
    try:
        if given["twilio_account"] or given["twilio_token"]:
            account = Account(
                sid=given["twilio_account"], token=given["twilio_token"],
                sender=given["twilio_from"], url=given["twilio_url"],
            )  # fmt: skip
            client = Client(outbound, account)
            sms = TwilioSms(client, hooks="")
            voice = TwilioVoice(client, hooks="") if NUMBER.fullmatch(account.sender) else None
    except ValueError as error:
        raise click.UsageError(
            f"--twilio-account, --twilio-token, --twilio-from: {error}"
        ) from None
    return Phones(_gateway(outbound, given) or sms, voice)


def _gateway(outbound: Outbound, given: dict[str, str]) -> Channel | None:
    if not given["sms_url"]:
        return None
    try:
        kind = msgspec.convert(given["sms_format"], Format)
    except msgspec.ValidationError:
        raise click.UsageError("--sms-format: write json, form or none") from None
    written = given["sms_headers"]
    lines = written.replace("\n", ",").split(",")
    headers = tuple(line for line in lines if line.strip())
    try:
        return GatewaySms(
            outbound,
            Gateway(
                url=given["sms_url"], method=given["sms_method"], headers=headers,
                body=given["sms_body"], format=kind,
            ),
        )  # fmt: skip
    except ValueError as error:
        raise click.UsageError(f"--sms-headers, --sms-body: {error}") from None


def number_of(address: str) -> str:
    """Return the number of `sms:+49…` or `tel:+49…`. Raises `click.UsageError`."""
    scheme, _, number = address.partition(":")
    if not NUMBER.fullmatch(number.strip()):
        raise click.UsageError(f"{scheme}: takes a number as {scheme}:+4915123456789")
    return number.strip()
