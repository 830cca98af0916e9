"""Twilio's REST API: one request, and what its answer means for a message."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from tocsin.integrations.outbound import Answer, Blocked, Outbound, Unreachable
from tocsin.oncall.ports import Outcome, PermanentFailure, Sent, TransientFailure

API = "https://api.twilio.com"
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
RETRY_AFTER_MAX_S = 3600.0

# the number itself is at fault: none such, a landline, told to stop, not to be called
_NUMBER_WRONG = frozenset(
    {21211, 21214, 21217, 21219, 21401, 21407, 21421, 21601, 21610, 21614}
)
# Twilio is busy, or our queue there is full
_BUSY = frozenset({14107, 20429, 21611, 63038})
_OK = range(200, 300)
_WORTH_RETRYING = frozenset({408, 425, 429})
_SERVER_ERROR = 500

Form = Sequence[tuple[str, str]]


class Account(Struct, frozen=True, kw_only=True):
    """Whose account it is: `sender` is a number, or a messaging service (MG…)."""

    sid: str
    token: str
    sender: str
    url: str = API


class Said(Struct, frozen=True, rename={"error_code": "code"}):
    """What Twilio says of a request that it refused, or of a message that it took."""

    sid: str = ""
    error_code: int | None = None
    message: str = ""


class Client:
    """One account. Nothing of its token is ever in what this returns."""

    def __init__(self, outbound: Outbound, account: Account) -> None:
        """Check the account. Raises ValueError, saying what is wrong with it."""
        if not account.sid or not account.token or not account.sender:
            raise ValueError("account, token and sender belong together: set all three")
        if not ACCOUNT.fullmatch(account.sid):
            raise ValueError("an account is named AC and 32 hexadecimal digits")
        if not NUMBER.fullmatch(account.sender) and not SERVICE.fullmatch(account.sender):
            raise ValueError(
                "the sender is a number as +4915123456789, or a messaging service MG…"
            )
        self.account = account
        self._outbound = outbound
        self._base = f"{account.url.rstrip('/')}/2010-04-01/Accounts/{account.sid}"
        credentials = b64encode(f"{account.sid}:{account.token}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {credentials}",
            "Accept": "application/json",
            "User-Agent": "Tocsin",
        }

    async def create(self, resource: str, form: Form, key: str) -> Outcome:
        """Make a message or a call; whatever comes back is an outcome."""
        headers = {
            **self._headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "I-Twilio-Idempotency-Token": "".join(s for s in key if " " < s < "\x7f")[:200],
        }
        try:
            answer = await self._outbound.request(
                "POST", f"{self._base}/{resource}.json", headers=headers,
                content=urlencode(form).encode(),
            )  # fmt: skip
        except Blocked as blocked:
            return PermanentFailure(str(blocked))
        except Unreachable as unreachable:
            return TransientFailure(str(unreachable))
        return judge(answer)

    def below(self, uri: str) -> str:
        """Return what follows the account in a path that Twilio names; "" for any other."""
        root = f"/2010-04-01/Accounts/{self.account.sid}/"
        return uri.removeprefix(root) if uri.startswith(root) else ""

    async def read(self, path: str) -> Mapping[str, Any]:
        """Return a JSON object below the account. Raises Unreachable."""
        url = f"{self._base}/{path}"
        try:
            answer = await self._outbound.request("GET", url, headers=self._headers)
            if answer.status not in _OK:
                raise Unreachable(f"Twilio answered {answer.status}")
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except Blocked as blocked:
            raise Unreachable(str(blocked)) from None
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise Unreachable("Twilio's answer cannot be read") from None


def judge(answer: Answer) -> Outcome:
    """Read an answer as an outcome."""
    try:
        said = msgspec.json.decode(answer.body, type=Said)
    except (msgspec.DecodeError, msgspec.ValidationError):
        said = Said()
    if answer.status in _OK:
        return Sent(said.sid[:200])
    code = said.error_code or 0
    reason = f"Twilio {code}: {said.message}" if code else f"Twilio answered {answer.status}"
    is_busy = answer.status in _WORTH_RETRYING or code in _BUSY
    if is_busy or answer.status >= _SERVER_ERROR:
        return TransientFailure(reason[:300], _retry_after_s(answer))
    return PermanentFailure(reason[:300], address_wrong=code in _NUMBER_WRONG)


def _retry_after_s(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), RETRY_AFTER_MAX_S) if text.isascii() and text.isdigit() else None
