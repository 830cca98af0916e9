"""What is said of a kind or a name that is not there: what was probably meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from tocsin.kernel.errors import NotFound
from tocsin.kernel.resources.mistakes import instead
from tocsin.kernel.resources.model import Key, Kind


def no_kind(kind: str, kinds: Mapping[str, Kind]) -> NotFound:
    """Say that there is no such kind, and which there are."""
    return NotFound(f"there is no kind {kind!r}; {instead(kind, sorted(kinds))}", field="kind")


def absent(
    key: Key, kinds: Mapping[str, Kind], there: Iterable[Key], *, was: bool = False
) -> NotFound:
    """Say that a resource is not there (with `was`: nor was), and which of its kind are."""
    kind, name = key
    if kind not in kinds:
        return no_kind(kind, kinds)
    names = sorted(other for of, other in there if of == kind and other != name)
    known = instead(name, names) if names else f"there is no {kind} at all"
    return NotFound(
        f"there is {'and was ' if was else ''}no {kind} named {name!r}; {known}", field="name"
    )


def meant(name: str, names: Iterable[str]) -> str:
    """Return the near name as a question in the middle of a sentence, if there is one."""
    near = get_close_matches(name, list(names), n=1)
    return f"did you mean {near[0]}? " if near else ""
