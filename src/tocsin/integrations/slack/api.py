"""The few methods of Slack's Web API that Tocsin calls; see this folder's `doc.md`."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.oncall.ports import Outcome, PermanentFailure, TransientFailure

_TOO_MANY = 429
_PASSING = frozenset({
    "fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout",
    "service_unavailable", "team_added_to_org", "unreachable",
})  # fmt: skip
_ADDRESS = frozenset({
    "cannot_dm_bot", "channel_not_found", "is_archived", "not_in_channel", "user_disabled",
    "user_not_found", "user_not_visible", "users_not_found",
})  # fmt: skip
_CURES = {
    "not_in_channel": "invite the app into the channel",
    "invalid_auth": "TOCSIN_SLACK_BOT_TOKEN or TOCSIN_SLACK_APP_TOKEN is not valid (any more)",
    "missing_scope": "the app lacks a scope; see the list in the documentation",
}


class Refusal(Exception):
    """Slack said no, by a code of its own; `retry_after_s` where it asks for patience."""

    def __init__(
        self, code: str, *, words: str = "", retry_after_s: float | None = None
    ) -> None:
        cure = f": {_CURES[code]}" if code in _CURES else ""
        super().__init__(words or f"Slack answered {code}{cure}")
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def outcome(self) -> Outcome:
        """Say what it means for a message."""
        if self.code in _PASSING:
            return TransientFailure(str(self), self.retry_after_s)
        return PermanentFailure(str(self), address_wrong=self.code in _ADDRESS)


class Answered(Struct, frozen=True, kw_only=True):
    """What of an answer is read."""

    ok: bool = False
    error: str = ""
    url: str = ""
    ts: str = ""
    channel: str | Mapping[str, object] = ""

    @property
    def channel_id(self) -> str:
        """The channel, whichever way the method spells it."""
        found = self.channel if isinstance(self.channel, str) else self.channel.get("id")
        return found if isinstance(found, str) else ""


class SlackApi:
    """Slack's methods with one token."""

    def __init__(self, outbound: Outbound, *, base: str, token: str) -> None:
        self._outbound = outbound
        self._base = base.rstrip("/") + "/"
        self._token = "".join(sign for sign in token if " " < sign < "\x7f")

    async def call(self, method: str, arguments: Mapping[str, object]) -> Answered:
        """Call one method. Raises Refusal."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Tocsin",
        }
        try:
            answer = await self._outbound.request(
                "POST", self._base + method, headers=headers,
                content=msgspec.json.encode(arguments),
            )  # fmt: skip
        except Blocked as blocked:
            raise Refusal("blocked", words=str(blocked)) from None
        except Unreachable as unreachable:
            raise Refusal("unreachable", words=str(unreachable)) from None
        if answer.status == _TOO_MANY:
            asked = answer.headers.get("retry-after", "")
            wait_s = float(asked) if asked.isascii() and asked.isdigit() else 1.0
            raise Refusal("ratelimited", retry_after_s=min(wait_s, 3600.0))
        if answer.status >= 500:  # noqa: PLR2004 - server errors
            raise Refusal("service_unavailable", words=f"Slack answered {answer.status}")
        try:
            found = msgspec.json.decode(answer.body, type=Answered)
        except (msgspec.DecodeError, msgspec.ValidationError):
            code = "channel_not_found" if answer.status == 404 else "unreadable"  # noqa: PLR2004
            raise Refusal(code, words=f"Slack answered {answer.status}") from None
        if not found.ok:
            raise Refusal(_code(found.error))
        return found


def _code(error: str) -> str:
    plain = "".join(sign for sign in error[:60] if sign.isalnum() or sign == "_")
    return plain or "unknown_error"
