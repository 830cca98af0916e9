"""Matchers as they stand in `filter=` and `receiver=`, refused in upstream's shape."""

from tocsin.integrations.alertmanager.errors import HandlerError
from tocsin.triage.core import matchers
from tocsin.triage.core.matchers import Pattern
from tocsin.triage.model import Matcher


def parse_matcher(text: str) -> Matcher:
    """Read one `filter`. Raises `HandlerError` (400) in upstream's words."""
    try:
        return matchers.parse_matcher(text)
    except ValueError as error:
        raise HandlerError(400, str(error)) from None


def parse_receiver(text: str) -> Pattern:
    """Compile the `receiver` parameter, a regular expression over receivers' names."""
    try:
        return matchers.anchored(text)
    except ValueError as error:
        raise HandlerError(400, f"failed to parse receiver param: {error}") from None
