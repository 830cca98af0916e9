"""Which passwords are taken; how they are hashed is `jobs.Passwords`.

NIST SP 800-63B: length counts, composition rules do not, and nothing that names the person.
"""

import unicodedata
from collections.abc import Iterable

from tocsin.kernel.errors import Invalid

LENGTH_MIN = 12
LENGTH_MAX = 200  # a longer one would only keep the hash busy
DIFFERENT_MIN = 5
_NAME_MIN = 3  # a shorter name is part of too many words


def normal(password: str) -> str:
    """Return the form that is hashed: the same however a keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password)


def require_good(password: str, names: Iterable[str], *, field: str = "password") -> None:
    """Refuse what is easily guessed; `names` are the person's own. Raises Invalid."""
    length = len(normal(password))
    if length < LENGTH_MIN:
        raise Invalid(
            f"the password has {length} characters; take {LENGTH_MIN} or more, e.g. four words",
            field=field,
        )
    if length > LENGTH_MAX:
        raise Invalid(f"the password is longer than {LENGTH_MAX} characters", field=field)
    plain = normal(password).casefold()
    if len(set(plain)) < DIFFERENT_MIN:
        raise Invalid(
            f"the password repeats itself; use {DIFFERENT_MIN} or more different characters",
            field=field,
        )
    for name in _words(names):
        if name in plain:
            raise Invalid("the password holds your name; choose another", field=field)


def _words(names: Iterable[str]) -> list[str]:
    parts = (part for name in names for part in normal(name).casefold().split())
    return [part for part in parts if len(part) >= _NAME_MIN]
