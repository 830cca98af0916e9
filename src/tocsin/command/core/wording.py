"""What people may write: titles, notes and links, trimmed and within their limits."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from tocsin.command import model
from tocsin.kernel.errors import Invalid


def title(text: str) -> str:
    """Return a title on one line. Raises Invalid."""
    found = " ".join(_plain(text, "title").split())
    if not found:
        raise Invalid("give it a title: what is wrong, in a few words", field="title")
    return _short(found, model.TITLE_MAX, "title")


def description(text: str) -> str:
    """Return a description. Raises Invalid."""
    return _short(_plain(text, "description").strip(), model.DESCRIPTION_MAX, "description")


def note(text: str) -> str:
    """Return a note's text. Raises Invalid."""
    found = _plain(text, "text").strip()
    if not found:
        raise Invalid("write something: an empty note says nothing", field="text")
    return _short(found, model.NOTE_MAX, "text")


def link(url: str, called: str) -> tuple[str, str]:
    """Return a link's address and name; without a name it is called by its host. Raises Invalid."""
    address = _short(_plain(url, "url").strip(), model.URL_MAX, "url")
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in address):
        raise Invalid("write an address that begins with https:// or http://", field="url")
    name = " ".join(_plain(called, "title").split()) or host
    return address, _short(name, model.LINK_TITLE_MAX, "title")


def services(names: Iterable[str]) -> tuple[str, ...]:
    """Return services' names, each once, in the order given. Raises Invalid."""
    found = tuple(
        dict.fromkeys(one for name in names if (one := _plain(name, "services").strip()))
    )
    if len(found) > model.SERVICES_MAX:
        raise Invalid(f"name at most {model.SERVICES_MAX} services", field="services")
    for name in found:
        _short(name, model.TITLE_MAX, "services")
    return found


def _plain(text: str, field: str) -> str:
    if "\0" in text:
        raise Invalid("leave out the character NUL: it cannot be stored", field=field)
    return text


def _short(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise Invalid(f"at most {limit} characters; this has {len(text)}", field=field)
    return text
