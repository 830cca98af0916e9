"""Pages by telephone: what a call says, and what the keys of a telephone and short words mean."""

import re

from msgspec import Struct

from tocsin.oncall.core.message import RESTRICTED
from tocsin.oncall.core.reply import Reply, Unclear, Verb, read
from tocsin.oncall.model import Brief, Page, PageState

SPOKEN_MAX = 300
KEYS = "Press 4 to acknowledge. Press 6 to escalate. Press star to hear it again."
HELP = "Reply 4 to acknowledge, 6 to escalate; with several: 4 12 for INC-12."

_KEYS = {"4": Verb.ACKNOWLEDGE, "6": Verb.ESCALATE}
_KEYED = re.compile(r"\s*([46])(?![0-9])[\s.,:;!-]*(.*)", re.DOTALL)
# the provider itself answers these, and stops or starts sending
_ANSWERED_BY_PROVIDER = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "unstop"}
)
_UNSPEAKABLE = re.compile(r"[^\w\s.,:;!?%'-]+")


class Script(Struct, frozen=True):
    """What a call says. With `keys` it waits for one of them; else it says goodbye."""

    text: str
    keys: bool


def key(digit: str) -> Verb | None:
    """Return what a key of the telephone asks for; None: to hear it again."""
    return _KEYS.get(digit.strip()[:1])


def read_text(text: str) -> Reply | Unclear | None:
    """Read a text message: a key as on the telephone, or words as in a chat.

    None: it is meant for the provider, such as STOP.
    """
    if text.strip().casefold() in _ANSWERED_BY_PROVIDER:
        return None
    keyed = _KEYED.fullmatch(text[:200])
    if keyed is not None:
        text = f"{_KEYS[keyed[1]].value} {keyed[2]}"
    found = read(text, is_direct=True)
    if found is None or isinstance(found, Unclear):
        return Unclear(HELP)
    return found


def script(brief: Brief, page: Page) -> Script:
    """Say what a call is about; `brief` is redacted already."""
    name = f"Incident {brief.number}"
    if page.state is PageState.RESOLVED:
        return Script(f"This is Tocsin. {name} is over. Goodbye.", keys=False)
    if page.state is PageState.ACKNOWLEDGED:
        return Script(f"This is Tocsin. {name} has been acknowledged. Goodbye.", keys=False)
    title = spoken(brief.title) if brief.title != RESTRICTED else RESTRICTED
    about = f"{name}. {title}." if title else f"{name}."
    return Script(f"This is Tocsin, with a page for you. {about} {KEYS}", keys=True)


def spoken(text: str) -> str:
    """Return a sender's text as a voice can read it: no signs that it would spell out."""
    plain = _UNSPEAKABLE.sub(" ", text.replace("_", " ").replace("/", " "))
    return " ".join(plain.split())[:SPOKEN_MAX]
