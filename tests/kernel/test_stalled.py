"""A node that stops in the middle of a transaction loses its locks, whatever it was doing."""

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection

from tocsin.kernel.db import Database, connect
from tocsin.kernel.stalled import STALLED_S, end_stalled

pytestmark = pytest.mark.db
FREE = "SELECT lane FROM signals.lanes WHERE lane = 3 FOR UPDATE SKIP LOCKED"
HELD = "SELECT lane FROM signals.lanes WHERE lane = 3 FOR UPDATE"


def _taken(dsn: str) -> Connection[Any]:
    """Open a transaction that holds a lane."""
    node = connect(dsn, application_name="tocsin test", statement_limit_s=0.05)
    node.execute("BEGIN")
    node.execute(HELD)
    return node


async def _until_client_read(conn: AsyncConnection[Any], node: Connection[Any]) -> None:
    pid = {"pid": node.info.backend_pid}
    query = "SELECT wait_event FROM pg_stat_activity WHERE pid = %(pid)s"
    while await (await conn.execute(query, pid)).fetchone() != ("ClientRead",):
        pass


async def _is_free(conn: AsyncConnection[Any]) -> bool:
    return await (await conn.execute(FREE)).fetchone() is not None


async def test_a_node_that_stops_inside_a_copy_is_ended_by_another(
    database: Database, dsn: str
) -> None:
    with _taken(dsn) as node:
        node.pgconn.send_query(
            b"COPY signals.receipts FROM STDIN"
        )  # and no more is heard of it
        async with database.connection() as conn:
            await conn.execute("SELECT pg_sleep(0.1)")  # no statement timeout of the node helps
            await _until_client_read(conn, node)
            assert not await _is_free(conn)
            assert await end_stalled(conn) == []  # not yet
            assert await end_stalled(conn, limit_s=0.0) == [node.info.backend_pid]
            while not await _is_free(conn):
                pass
        node.pgconn.finish()


async def test_who_works_or_holds_nothing_or_is_another_program_is_left_alone(
    database: Database, dsn: str
) -> None:
    with (
        connect(dsn, application_name="tocsin test") as idle,
        psycopg.connect(dsn, application_name="psql") as other,
    ):
        other.execute(HELD)
        async with database.connection() as conn:
            await _until_client_read(conn, idle)
            assert await end_stalled(conn, limit_s=0.0) == []
        assert idle.execute("SELECT 1").fetchone() == (1,)


async def test_both_ends_of_a_connection_let_go_of_it_within_a_lease(
    database: Database,
) -> None:
    names = (
        "idle_in_transaction_session_timeout", "tcp_user_timeout",
        "client_connection_check_interval",
    )  # fmt: skip
    async with database.connection() as conn:
        cursor = await conn.execute(
            "SELECT setting::int FROM pg_settings WHERE name = ANY(%(names)s) ORDER BY name",
            {"names": list(names)},
        )
        found = [row[0] for row in await cursor.fetchall()]
    # the socket of this server is a local one, for which there is no tcp_user_timeout
    assert found == [2000, STALLED_S * 1000, 0]
