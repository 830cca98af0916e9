"""Many rows in one statement: PostgreSQL's binary COPY format, packed by hand.

Measured against one jsonb parameter, which is the next best: half of the server's cost for a
row of sixteen columns, and a tenth of what it costs to adapt each value.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_TEXT_OID = 25
_length = struct.Struct("!i").pack
_array_head = struct.Struct("!iiiii").pack
_encode = msgspec.json.Encoder().encode

NULL = _length(-1)


def micros(instant: datetime) -> int:
    """Return a timestamptz as PostgreSQL counts it, in microseconds."""
    return (instant - _EPOCH) // _MICROSECOND


def field(value: bytes) -> bytes:
    """Pack a bytea, or whatever is sent as its bytes."""
    return _length(len(value)) + value


def text(value: str) -> bytes:
    """Pack a text."""
    return field(value.encode())


def jsonb(value: object) -> bytes:
    """Pack a jsonb, version byte first."""
    return field(b"\1" + _encode(value))


@lru_cache(maxsize=1024)
def texts(values: tuple[str, ...]) -> bytes:
    """Pack a text[] of one dimension, none at all when it is empty; the same ones come again."""
    if not values:
        return field(struct.pack("!iii", 0, 0, _TEXT_OID))
    return field(_array_head(1, 0, _TEXT_OID, len(values), 1) + b"".join(map(text, values)))


async def copy_in(
    conn: AsyncConnection[Any], statement: LiteralString, rows: Iterable[bytes]
) -> None:
    """Send packed rows to `COPY … FROM STDIN (FORMAT BINARY)`: all of them, or none."""
    payload = b"".join((_HEADER, *rows, _TRAILER))
    async with conn.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(payload)
