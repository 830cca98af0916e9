"""Cursors: walking a list in parts sees every item once, however many share an instant."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.errors import Invalid
from tocsin.web.api import paging
from tocsin.web.api.paging import Cursor

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
items = st.lists(
    st.builds(
        Cursor,
        st.integers(0, 4).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        st.integers(1, 2**64).map(lambda number: UUID(int=number)),
    ),
    max_size=40,
    unique=True,
)


def newest_first(found: Sequence[Cursor]) -> list[Cursor]:
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


@given(items, st.integers(1, 7))
def test_cut_gives_every_item_once_and_newest_first(found: list[Cursor], limit: int) -> None:
    seen: list[Cursor] = []
    cursor: str | None = None
    while True:
        part, cursor = paging.cut(found, paging.decode(cursor), limit, lambda one: one)
        seen += part
        if cursor is None:
            break
    assert seen == newest_first(found)


@given(items, st.integers(1, 7), st.integers(1, 3))
async def test_walk_gives_every_wanted_item_once(
    found: list[Cursor], limit: int, modulus: int
) -> None:
    def wanted(one: Cursor) -> bool:
        return one.id.int % modulus == 0

    async def fetch(before: datetime | None, count: int) -> Sequence[Cursor]:
        older = [one for one in found if before is None or one.at < before]
        return newest_first(older)[: min(count, limit + 2)] if count < 30 else older

    seen: list[Cursor] = []
    cursor: str | None = None
    while True:
        start = paging.decode(cursor)
        some = await paging.walk(fetch, start, limit, lambda one: one, wanted)
        part, cursor = paging.cut(some, start, limit, lambda one: one)
        seen += part
        if cursor is None:
            break
    assert seen == [one for one in newest_first(found) if wanted(one)]


async def test_walk_passes_an_instant_that_more_items_share_than_one_part_holds() -> None:
    same = [Cursor(NOON, UUID(int=number)) for number in range(1, 1001)]
    older = [Cursor(NOON - timedelta(minutes=1), UUID(int=7))]
    rows = newest_first([*same, *older])

    async def fetch(before: datetime | None, count: int) -> Sequence[Cursor]:
        return [one for one in rows if before is None or one.at < before][:count]

    start = Cursor(NOON, UUID(int=3))
    found = await paging.walk(fetch, start, 5, lambda one: one, lambda _: True)
    assert newest_first(found) == [*newest_first(same[:2]), *older]


@pytest.mark.parametrize("text", ["", "!", "bm9wZQ", "WyIyMDI2Il0", "é"])
def test_what_is_no_cursor_is_refused_with_a_cure(text: str) -> None:
    with pytest.raises(Invalid, match="send `next`") as refused:
        paging.decode(text)
    assert refused.value.field == "cursor"
