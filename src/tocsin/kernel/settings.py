"""What the operator decides before the start: one frozen struct, read once from `TOCSIN_*`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from tocsin.kernel.errors import Invalid

PREFIX = "TOCSIN_"
# read by the build and by the test suite, never by a running Tocsin
FOREIGN = frozenset(
    {"TOCSIN_UI", "TOCSIN_UI_OUT", "TOCSIN_CHROMIUM", "TOCSIN_TEST_DATABASE_URL"}
)
SECRETS = frozenset({
    "database_url", "heartbeat_url", "imap_url", "last_resort", "matrix_token", "ntfy_replies",
    "slack_app_token", "slack_bot_token", "sms_headers", "sms_url", "smtp_url", "token",
    "twilio_token", "webhook_secret",
})  # fmt: skip


def _home() -> Path:
    return Path.home() / ".local" / "share" / "tocsin"


class Settings(Struct, frozen=True, kw_only=True):
    """Each field is the variable `TOCSIN_<FIELD>`; a secret may also come as `TOCSIN_<FIELD>_FILE`."""

    data_dir: Annotated[
        Path, Meta(description="Where the embedded PostgreSQL and local keys live.")
    ] = msgspec.field(default_factory=_home)
    database_url: Annotated[
        str,
        Meta(
            description="A PostgreSQL >= 15; empty means the embedded one in the data directory."
        ),
    ] = ""
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on.")] = 8640
    url: Annotated[
        str,
        Meta(
            description="The address people reach Tocsin at: goes into links; the CLI talks to it"
            " when a token is set. Empty means `http://HOST:PORT`, or `https` with a certificate."
        ),
    ] = ""
    token: Annotated[
        str,
        Meta(description="CLI only: talk to a running Tocsin at `TOCSIN_URL` with this token."),
    ] = ""
    smtp_url: Annotated[
        str,
        Meta(
            description="Mail server for e-mail pages: `smtp://user:password@host:587`"
            " (STARTTLS if offered) or `smtps://host`. Empty: e-mail pages fail over to the next"
            " method."
        ),
    ] = ""
    mail_from: Annotated[str, Meta(description="Sender address of e-mail pages.")] = (
        "tocsin@localhost"
    )
    webhook_secret: Annotated[
        str,
        Meta(
            description="Signs outgoing webhooks of methods that bring no secret of their own."
        ),
    ] = ""
    imap_url: Annotated[
        str,
        Meta(
            description="Mailbox to which people answer pages by e-mail:"
            " `imaps://user:password@host/INBOX`, or `imap://` with STARTTLS. Needs"
            " `TOCSIN_SMTP_URL`. Empty: mails are not answered."
        ),
    ] = ""
    mail_reply_to: Annotated[
        str,
        Meta(
            description="Address of the mailbox behind `TOCSIN_IMAP_URL`; empty means that of"
            " `TOCSIN_MAIL_FROM`."
        ),
    ] = ""
    matrix_url: Annotated[
        str,
        Meta(
            description="Matrix homeserver of Tocsin's own account, `https://matrix.example.org`."
        ),
    ] = ""
    matrix_token: Annotated[
        str, Meta(description="Access token of Tocsin's own Matrix account.")
    ] = ""
    matrix_servers: Annotated[
        tuple[str, ...],
        Meta(
            description="Comma-separated Matrix server names whose users may invite Tocsin into"
            " rooms. Empty means those of its own server."
        ),
    ] = ()
    ntfy_replies: Annotated[
        str,
        Meta(
            description="ntfy topic to which phones send acknowledgements, with the token that"
            " reads it: `https://:tk_token@ntfy.example.org/tocsin-replies-8Kq3`. Empty: phones"
            " acknowledge at `TOCSIN_URL`."
        ),
    ] = ""
    slack_app_token: Annotated[
        str,
        Meta(description="App-level token of the Slack app, `xapp-`, for Socket Mode."),
    ] = ""
    slack_bot_token: Annotated[
        str, Meta(description="Bot token of the Slack app, `xoxb-`, for pages by Slack.")
    ] = ""
    slack_api: Annotated[
        str,
        Meta(description="Where Slack's API is; GovSlack's is `https://slack-gov.com/api/`."),
    ] = "https://slack.com/api/"
    last_resort: Annotated[
        tuple[str, ...],
        Meta(
            description="Comma-separated static contacts that are told out of band when a page reaches"
            " nobody, and by `tocsin sentinel`: `mailto:`, `https://`, `ntfy://host/topic`,"
            " `sms:+49…` or `tel:+49…`. Each but ntfy and https needs what sends it to be set:"
            " `TOCSIN_SMTP_URL`, `TOCSIN_SMS_URL` or `TOCSIN_TWILIO_ACCOUNT`."
        ),
    ] = ()
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Comma-separated private networks that webhooks may reach, e.g. `10.0.0.0/8`."
            " Public addresses are always allowed, private ones never without this."
        ),
    ] = ()
    apprise_disable: Annotated[
        tuple[str, ...],
        Meta(
            description="Comma-separated Apprise services that nobody may use as a contact method,"
            " e.g. `mailto,mqtt`. Those that act on this machine are never used."
        ),
    ] = ()
    twilio_account: Annotated[
        str, Meta(description="Twilio account for text messages and calls, `AC…`.")
    ] = ""
    twilio_token: Annotated[
        str, Meta(description="Auth token of the Twilio account; it also proves its webhooks.")
    ] = ""
    twilio_from: Annotated[
        str,
        Meta(
            description="The number of yours at Twilio that sends and calls, `+4915123456789`; or"
            " a messaging service `MG…`, which only sends."
        ),
    ] = ""
    twilio_url: Annotated[
        str, Meta(description="Twilio's API; another address for another region.")
    ] = "https://api.twilio.com"
    twilio_replies: Annotated[
        Literal["auto", "webhook", "poll"],
        Meta(
            description="How answers and receipts come from Twilio: it calls `TOCSIN_URL`"
            " (`webhook`), or Tocsin asks every five seconds (`poll`). `auto` is `webhook` where"
            " `TOCSIN_URL` is https and not this machine."
        ),
    ] = "auto"
    sms_url: Annotated[
        str,
        Meta(
            description="A gateway for text messages that takes HTTP; `{to}`, `{text}` and `{key}`"
            " may stand in it. It is tried before Twilio."
        ),
    ] = ""
    sms_method: Annotated[
        Literal["POST", "PUT", "GET"], Meta(description="Method of the gateway's request.")
    ] = "POST"
    sms_headers: Annotated[
        tuple[str, ...],
        Meta(
            description="Headers of the gateway's request, comma-separated or one a line:"
            " `Authorization: Bearer …`."
        ),
    ] = ()
    sms_format: Annotated[
        Literal["json", "form", "none"], Meta(description="How the gateway takes its body.")
    ] = "json"
    sms_body: Annotated[
        str,
        Meta(
            description="Body of the gateway's request, JSON or a form, with `{to}`, `{text}` and"
            " `{key}` where they belong."
        ),
    ] = '{"to": "{to}", "text": "{text}"}'
    sms_id: Annotated[
        str,
        Meta(
            description="Where in the gateway's JSON answer the message's id stands, as"
            " `messages.0.id`."
        ),
    ] = ""
    heartbeat_url: Annotated[
        str,
        Meta(
            description="Address of a monitor outside (a healthchecks.io check, another Tocsin's"
            " `/heartbeat/…`) that is pinged once a minute while this Tocsin is ready, and pages"
            " when it is not. Empty: nobody is."
        ),
    ] = ""
    tls_cert: Annotated[
        str,
        Meta(
            description="File with the certificate and what it is signed by (PEM): then `serve`"
            " speaks HTTPS and nothing else. A renewed file is taken over within 10 seconds."
        ),
    ] = ""
    tls_key: Annotated[
        str,
        Meta(description="File with the key of `TOCSIN_TLS_CERT` (PEM, without a password)."),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Comma-separated networks of the reverse proxies in front of Tocsin, e.g."
            " `10.0.0.0/8`: from them `X-Forwarded-For` is believed, so that sign-in limits count"
            " each visitor and not the proxy."
        ),
    ] = ()
    roles: Annotated[
        tuple[Literal["accept", "work"], ...],
        Meta(
            description="What this process does beside its screens and API: take alerts (`accept`),"
            " sort, page and seal (`work`), or both, comma-separated."
        ),
    ] = ("accept", "work")
    lag_limit_s: Annotated[
        float,
        Meta(gt=0, description="Seconds of unsorted backlog above which intake answers 503."),
    ] = 5.0
    retention_days: Annotated[
        int, Meta(ge=1, description="Days for which raw signals are kept.")
    ] = 90
    log_level: Annotated[
        str, Meta(pattern="^(debug|info|warning|error)$", description="Least level logged.")
    ] = "info"

    @property
    def base_url(self) -> str:
        """The address in links, without a slash at the end."""
        return (self.url or self.bound_url).rstrip("/")

    @property
    def bound_url(self) -> str:
        """The address that is listened on."""
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Say whether people reach this Tocsin on this machine only, by what its links say."""
        host = urlsplit(self.base_url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")


def config_home(environ: Mapping[str, str] | None = None) -> Path:
    """Return where a person's own configuration lives, by the XDG base directory specification."""
    environ = os.environ if environ is None else environ  # noqa: TID251 - the one place
    found = Path(environ.get("XDG_CONFIG_HOME", ""))
    return found if found.is_absolute() else Path.home() / ".config"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read settings from `environ` (the process's own by default).

    Raises Invalid for an unknown variable or a bad value, naming the variable and the cure.
    """
    environ = os.environ if environ is None else environ  # noqa: TID251 - the one place
    hints = get_type_hints(Settings, include_extras=True)
    values: dict[str, object] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        if variable in FOREIGN:
            continue
        name = variable.removeprefix(PREFIX).lower()
        text = environ[variable]
        if name.endswith("_file") and name.removesuffix("_file") in SECRETS:
            name = name.removesuffix("_file")
            text = _read_secret(variable, text)
        if name not in hints:
            raise Invalid(_unknown(variable, hints), field=variable)
        if name in values:
            raise Invalid(f"{variable}: set it or its value, not both", field=variable)
        values[name] = _value(text, hints[name])
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        variable = PREFIX + path.partition("[")[0].rstrip("`").upper()
        raise Invalid(
            f"{variable}: {text}; see docs/reference/settings.md", field=variable
        ) from error


def _value(text: str, hint: object) -> object:
    plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(plain) is tuple:
        parts = text.replace("\n", ",").split(",")  # a file has a line for each
        return tuple(part.strip() for part in parts if part.strip())
    return Path(text) if plain is Path else text


def _read_secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Invalid(
            f"{variable}: cannot read {path}: {error.strerror}", field=variable
        ) from error


def _unknown(variable: str, hints: Mapping[str, object]) -> str:
    import difflib  # noqa: PLC0415 - only on the way to an error

    names = [name.upper() for name in hints]
    near = difflib.get_close_matches(variable.removeprefix(PREFIX), names, n=1)
    known = ", ".join(PREFIX + name for name in names)
    cure = f"did you mean {PREFIX}{near[0]}?" if near else f"known: {known}"
    return f"unknown setting {variable}: {cure}"
