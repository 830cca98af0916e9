"""Long lists in parts: the opaque cursor, and walking a list from where it points."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from tocsin.kernel.errors import Invalid

T = TypeVar("T")
LIMIT = 50
LIMIT_MAX = 200
TICK = timedelta(microseconds=1)
LAST_AT = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)

Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="How many at most.")]
CursorText = Annotated[
    str | None,
    QueryParameter(description="`next` of the answer before, unchanged; leave out to begin."),
]


class Cursor(Struct, frozen=True, array_like=True):
    """Where a list was left: the sort key and id of the last item."""

    at: Annotated[datetime, Meta(tz=True)]
    id: UUID


def encode(key: object) -> str:
    """Write a sort key, a struct or a tuple of any values, as text that fits into a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_as(text: str | None, kind: type[T]) -> T | None:
    """Read a sort key back as a `kind`; None begins at the top. Raises Invalid.

    `kind` is what `encode` was given: a struct, or e.g. `tuple[int, datetime, UUID]`.
    """
    if text is None:
        return None
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(plain, type=kind)
    except (binascii.Error, ValueError) as error:
        raise Invalid(
            "this is no cursor; send `next` of the answer before as it is, or leave it out",
            field="cursor",
        ) from error


def decode(text: str | None) -> Cursor | None:
    """Read a cursor of a list by instant back. Raises Invalid."""
    found = decode_as(text, Cursor)
    if found is not None and found.at > LAST_AT:
        raise Invalid("this is no cursor: nothing can have been then", field="cursor")
    return found


def cut(
    items: Sequence[T], start: Cursor | None, limit: int, key: Callable[[T], Cursor]
) -> tuple[list[T], str | None]:
    """Return up to `limit` of `items` after `start`, and the cursor of what follows.

    `items` hold at least one more than that, if there is one; any order will do.
    """
    ordered = sorted(items, key=lambda item: _order(key(item)), reverse=True)
    if start is not None:
        ordered = [item for item in ordered if _order(key(item)) < _order(start)]
    part = ordered[:limit]
    return part, encode(key(part[-1])) if len(ordered) > limit else None


async def walk(
    fetch: Callable[[datetime | None, int], Awaitable[Sequence[T]]],
    start: Cursor | None,
    limit: int,
    key: Callable[[T], Cursor],
    keep: Callable[[T], bool],
) -> list[T]:
    """Collect at least `limit` + 1 items after `start` that `keep` wants, or all there are.

    `fetch(before, count)` gives items older than an instant, newest first. Several may carry
    the same instant, so each part begins one tick later and leaves out what was seen.
    """
    found: list[T] = []
    count = LIMIT_MAX + limit
    while True:
        part = await fetch(start.at + TICK if start else None, count)
        fresh = [one for one in part if start is None or _order(key(one)) < _order(start)]
        found += [one for one in fresh if keep(one)]
        if len(part) < count or len(found) > limit:
            return found
        start = min((key(one) for one in fresh), key=_order, default=start)
        if not fresh:  # more of one instant than fit into a part
            count *= 2


def _order(cursor: Cursor) -> tuple[datetime, UUID]:
    return cursor.at, cursor.id
