"""What of an address and of a provider's answer may be shown, logged or kept."""

import re
from urllib.parse import urlsplit

from tocsin.kernel.resources.secret import MASK
from tocsin.oncall.model import Method, MethodKind

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>]+")
# a provider's answer may quote the address; the log keeps no personal data
_EMAIL = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORTEST_SECRET = 4
# who knows these addresses cannot post there; of chat they are part of a message's id
_NO_SECRETS = frozenset({MethodKind.EMAIL, MethodKind.MATRIX, MethodKind.SLACK})
_COUNTRY = 3
_LAST = -3


def masked(method: Method | None) -> str:  # noqa: C901, PLR0911, PLR0912 - one case a kind
    """Return enough of an address to recognise it, and not enough to use it."""
    if method is None:
        return "address removed"
    match method.kind:
        case MethodKind.INBOX:
            return "in Tocsin itself"
        case MethodKind.PUSH:
            return "every browser you have subscribed"
        case MethodKind.APPRISE:  # its host is a secret as often as not
            return f"{method.address.partition(':')[0]}://{MASK}"
        case MethodKind.EMAIL:
            local, _, host = method.address.rpartition("@")
            return f"{local[:1]}{MASK}@{host}"
        case MethodKind.MATRIX:
            local, _, server = method.address.partition(":")
            return f"{local[:2]}{MASK}:{server}"
        case MethodKind.SLACK:
            return f"{method.address[:_COUNTRY]}{MASK}"
        case MethodKind.SMS | MethodKind.VOICE:
            return f"{method.address[:_COUNTRY]}{MASK}{method.address[_LAST:]}"
        case MethodKind.WEBHOOK | MethodKind.NTFY | MethodKind.MATTERMOST | MethodKind.TEAMS:
            return f"{urlsplit(method.address).hostname or ''}/{MASK}"


def scrubbed(text: str, method: Method) -> str:
    """Take secrets out of a provider's answer: the address and token of `method`, and any URL."""
    if method.kind in _NO_SECRETS:
        return text  # the row shows it to who may read it, masked
    for secret in (method.address, method.secret or "", *_parts(method.address)):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return _URL.sub(lambda found: f"{found.group().partition(':')[0]}://{MASK}", text)


def unquoted(error: str, method: Method | None) -> str:
    """Hide the address in a provider's answer, which likes to quote it, from who reads a screen."""
    if method is None or not method.address:
        return error
    return scrubbed(error.replace(method.address, masked(method)), method)


def impersonal(text: str, limit: int) -> str:
    """Cut a provider's answer to what the log may keep for ever: no address, no number."""
    return _NUMBER.sub(MASK, _EMAIL.sub(MASK, _URL.sub(MASK, text)))[:limit]


def _parts(url: str) -> list[str]:
    """Return what may be a secret in a URL: user, password, and each step of path and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    found = [parts.username or "", parts.password or ""]
    return [*found, *re.split(r"[/&=?]", f"{parts.path}?{parts.query}")]
