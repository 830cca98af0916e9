"""What is taken over is what is in force, whoever applies in between and whatever changes outside."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kernel_world import MAYA
from msgspec.structs import replace
from resources_shelf import Shelf, document

from fakes.world import ACME
from tocsin.app.wiring import KINDS, compilers
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources import Document, Store
from tocsin.oncall.core.config import Directory

pytestmark = pytest.mark.db


class Slow:
    """A connection during whose long read something else is committed."""

    def __init__(self, conn: Any, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._conn = conn
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def cursor(self, **more: Any) -> AsyncIterator[Any]:
        async with self._conn.cursor(**more) as cursor:
            yield cursor
        await self._meanwhile()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


def person(name: str, display_name: str = "Ada") -> Document:
    return document("Person", name, {"displayName": display_name})


async def test_an_apply_that_commits_while_another_is_taken_over_is_not_missed(
    database: Database,
) -> None:
    shelf = Shelf(database)
    await shelf.apply(ACME)

    async def meanwhile() -> None:
        if not await database_has(shelf, "ada"):
            await shelf.put([person("ada")])

    async with database.connection() as conn:
        await shelf.store.refresh(Slow(conn, meanwhile))  # type: ignore[arg-type]
    await shelf.refresh()  # as the next unit does
    people = shelf.store.current.part(Directory).people.values()
    assert "Ada" in {one.display_name for one in people}


async def database_has(shelf: Shelf, name: str) -> bool:
    return any(one.metadata.name == name for one in await shelf.export())


async def test_what_is_in_force_holds_up_no_other_change_when_it_would_not_be_taken_today(
    database: Database,
) -> None:
    refused: list[str] = []

    def accept(spec: Any) -> None:
        if spec.display_name in refused:
            raise Invalid("not any more", field="spec.displayName")

    shelf = Shelf(database)
    kinds = [replace(k, accept=accept) if k.name == "Person" else k for k in KINDS]
    shelf.store = Store(kinds, compilers())
    await shelf.put([person("ada")])
    refused.append("Ada")
    assert (await shelf.put([person("bob", "Bob"), person("ada")])).changed
    with pytest.raises(Invalid, match="Person/cleo: not any more") as caught:
        await shelf.put([person("cleo", "Ada")])
    assert caught.value.field == "spec.displayName"
    with pytest.raises(Invalid, match="Person/cleo: not any more"):
        await shelf.units.run(
            MAYA, lambda unit: shelf.store.plan(unit, [person("cleo", "Ada")])
        )
