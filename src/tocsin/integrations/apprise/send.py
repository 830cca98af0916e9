"""Send a message by an Apprise URL: one fresh Apprise object an attempt, bounded in time.

Apprise brings its own HTTP client, so what `outbound` promises is checked beforehand as far as
its plugins let one see: no scheme that acts on this machine, no host that is not public or allowed.
"""

import asyncio
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent, TransientFailure

if TYPE_CHECKING:
    from apprise import Apprise as Sender
    from apprise import AppriseAsset
    from apprise.plugins.base import NotifyBase

# they act on this machine, or speak UDP or a protocol of their own to any address
LOCAL = frozenset(
    {
        "blink1", "dbus", "exec", "file", "gio", "glib", "gnome", "growl", "kde", "macosx", "qt",
        "rsyslog", "syslog", "windows",
    }
)  # fmt: skip
# they would undo our time limit, follow redirects, or keep state on disk
_REFUSED_OPTIONS = frozenset({"cto", "redirect", "retry", "rto", "store", "wait"})
HTTPS = 443
AT_ONCE = 4
MAX_TEXT = 32_768
CALM = ("test", "code")  # what somebody asked for themselves


class AppriseChannel:
    """Any service that Apprise knows, but for the schemes in `disabled`."""

    def __init__(
        self, outbound: Outbound, *, disabled: Iterable[str] = (), timeout_s: float = 15.0
    ) -> None:
        """`disabled` adds to the schemes that are never used."""
        self._outbound = outbound
        self._disabled = LOCAL | {scheme.lower() for scheme in disabled}
        self._timeout_s = timeout_s
        # its sends run in threads that nothing can stop: a few that hang must not take them all
        self._hands = asyncio.Semaphore(AT_ONCE)

    def refuse(self, url: str) -> str | None:
        """Say why a URL cannot be used, without quoting it; None: it can. Asks nobody."""
        scheme = url.partition(":")[0].lower()
        if scheme in self._disabled:
            return f"the Apprise service {scheme}:// is not allowed here"
        options = {name.lower() for name, _ in parse_qsl(urlsplit(url).query)}
        if found := sorted(options & _REFUSED_OPTIONS):
            return f"leave out the option {found[0]!r}: Tocsin sets it itself"
        if _plugin(url) is None:
            return (
                f"Apprise cannot read this {scheme}:// URL; see its documentation of {scheme}"
            )
        return None

    async def send(self, message: Outgoing) -> Outcome:
        """Send once. Apprise says neither why nor when to come back, so a failure may pass."""
        try:
            reason = await asyncio.to_thread(self.refuse, message.to)
        except ValueError:
            reason = "not an Apprise URL"
        plugin = None if reason else await asyncio.to_thread(_plugin, message.to)
        if reason is not None or plugin is None:
            return PermanentFailure(reason or "not an Apprise URL", address_wrong=True)
        for host, port in _targets(plugin):
            # what cannot be resolved may be no host at all; if it is one, the service says so
            with suppress(Unreachable):
                try:
                    await self._outbound.check(host, port)
                except Blocked as blocked:
                    return PermanentFailure(str(blocked), address_wrong=True)
        try:
            async with asyncio.timeout(self._timeout_s), self._hands:
                return await self._notify(plugin, message)
        except TimeoutError:
            return TransientFailure(f"no answer within {self._timeout_s:g} s")

    async def _notify(self, plugin: "NotifyBase", message: Outgoing) -> Outcome:
        from apprise import AppriseResultStatus, NotifyFormat, NotifyType  # noqa: PLC0415 - slow

        sender = _sender(plugin)
        result = await sender.async_notify(
            title=_clean(message.subject)[:250] or "Tocsin",
            body=_clean(message.text)[:MAX_TEXT],
            notify_type=NotifyType.INFO if message.event in CALM else NotifyType.FAILURE,
            body_format=NotifyFormat.TEXT,
        )
        if result.status is AppriseResultStatus.SUCCESS:
            return Sent("")
        return _failed(result, self._timeout_s)


def _failed(result: Any, timeout_s: float) -> Outcome:
    """Make the best of what the service's log lines say: a refusal's status, or nothing."""
    said = " ".join(str(entry.message) for one in result.results for entry in _logs(one))
    words = said.split("error=")[-1].split(".")[0] if "error=" in said else ""
    status = int(words) if words.isascii() and words.isdigit() else 0
    if status in {401, 403, 404, 410} or 300 <= status < 400:  # noqa: PLR2004 - redirects
        return PermanentFailure(f"the service answered {status}", address_wrong=True)
    if status:
        return TransientFailure(f"the service answered {status}")
    if result.status.name == "TIMEOUT":
        return TransientFailure(f"no answer within {timeout_s:g} s")
    return TransientFailure("the service did not take it")


def _logs(one: Any) -> Iterator[Any]:
    for attempt in one.attempts:
        yield from attempt.logs


@cache
def _asset() -> "AppriseAsset":
    """Load its 170 plugins, which takes a second, once; what they complain of is not our user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from apprise import Apprise, AppriseAsset, PersistentStoreMode  # noqa: PLC0415 - slow

        Apprise.instantiate("json://localhost")
    # its own log lines may quote what was sent
    logging.getLogger("apprise").propagate = False
    return AppriseAsset(
        app_id="Tocsin",
        app_desc="Tocsin",
        http_redirects=False,
        interpret_emojis=False,
        allow_templates=False,
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=14,
        result_log_memory_size=16_384,
        pgp_autogen=False,
        pem_autogen=False,
    )


def _plugin(url: str) -> "NotifyBase | None":
    asset = _asset()
    from apprise import Apprise  # noqa: PLC0415 - slow, and loaded by now

    return Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


def _sender(plugin: "NotifyBase") -> "Sender":
    asset = _asset()
    from apprise import Apprise  # noqa: PLC0415 - as above

    sender = Apprise(asset=asset)
    sender.add(plugin)
    return sender


def _targets(plugin: "NotifyBase") -> Iterator[tuple[str, int]]:
    """Name where a plugin would connect to, as far as its fields tell."""
    port = getattr(plugin, "port", None)
    # many keep a token where others keep a host, and a token must not be asked of a name server
    has_host = "host" in plugin.template_tokens
    for name, value in vars(plugin).items():
        if not isinstance(value, str) or not value:
            continue
        if "://" in value:
            if host := urlsplit(value).hostname:
                yield host, HTTPS
        elif name.endswith("_host") or (name == "host" and has_host):
            yield value.strip("[]"), port if isinstance(port, int) else HTTPS


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
