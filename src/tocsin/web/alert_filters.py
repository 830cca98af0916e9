"""The filters of a list of alerts, as they stand in a URL, in the API and on a command line."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.errors import Invalid
from tocsin.topology.model import Catalogue, Service
from tocsin.triage.core.matchers import parse_matcher
from tocsin.triage.model import AlertState, Matcher
from tocsin.triage.reads import Filter

MATCHERS_MAX = 16
TEXT_MAX = 2048


class AlertFilter(StrEnum):
    """Which alerts a list holds."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ALL = "all"


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked for, in words."""

    state: AlertFilter = AlertFilter.FIRING
    matchers: Sequence[str] = ()
    integration: str = ""
    team: str = ""
    service: str = ""
    text: str = ""
    group_ids: tuple[UUID, ...] | None = None


def parsed(asked: Asked, catalogue: Catalogue) -> Filter:
    """Read filters. Raises Invalid, naming the one that cannot be read."""
    words = (asked.integration, asked.team, asked.service, asked.text, *asked.matchers)
    if any("\0" in word for word in words):
        raise Invalid("a filter holds no NUL characters; leave them out", field="filter")
    return Filter(
        state=None if asked.state is AlertFilter.ALL else AlertState(asked.state),
        matchers=read_matchers(asked.matchers),
        integration=asked.integration or None,
        group_ids=asked.group_ids,
        text=asked.text[:TEXT_MAX],
        any_of=_any_of(asked, catalogue),
    )


def read_matchers(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """Read matchers; one text may hold several, as in `{a="b", c=~"d"}`. Raises Invalid."""
    if sum(map(len, texts)) > TEXT_MAX:
        raise Invalid(f"the filter is longer than {TEXT_MAX} characters", field="filter")
    pieces = [piece for text in texts for piece in split(text)]
    if len(pieces) > MATCHERS_MAX:
        raise Invalid(f"{len(pieces)} matchers; at most {MATCHERS_MAX}", field="filter")
    return tuple(map(_matcher, pieces))


def split(text: str) -> list[str]:
    """Cut `{a="b", c="d"}`, with or without braces, at the commas that stand in no quotes."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    pieces = [""]
    is_quoted = is_escaped = False
    for c in text:
        if c == "," and not is_quoted:
            pieces.append("")
            continue
        pieces[-1] += c
        if c == '"' and not is_escaped:
            is_quoted = not is_quoted
        is_escaped = c == "\\" and not is_escaped
    return [piece.strip() for piece in pieces if piece.strip()]


def _matcher(text: str) -> Matcher:
    try:
        return parse_matcher(text)
    except ValueError as error:
        raise Invalid(
            f'{error}; write e.g. service="checkout" or severity=~"critical|page"',
            field="filter",
        ) from error


def _any_of(
    asked: Asked, catalogue: Catalogue
) -> tuple[dict[str, tuple[str, ...]], ...] | None:
    if asked.service:
        service = catalogue.service(asked.service)
        return (_labels(service) if service else {"service": (asked.service,)},)
    if asked.team:
        return ({"team": (asked.team,)}, *map(_labels, catalogue.owned_by(asked.team)))
    return None


def _labels(service: Service) -> dict[str, tuple[str, ...]]:
    return dict(service.labels)
