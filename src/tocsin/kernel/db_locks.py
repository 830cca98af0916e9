"""Who outside of Tocsin holds a lock that a statement of ours has waited for."""

from typing import Any

from psycopg import AsyncConnection

WAITED_S = 2.0


async def blocker(conn: AsyncConnection[Any], waited_s: float = WAITED_S) -> str | None:
    """Name the session that has held us up the longest, with the cure; None where there is none."""
    cursor = await conn.execute(
        """
        SELECT b.pid, b.application_name, b.state,
               extract(epoch FROM clock_timestamp() - b.xact_start)
          FROM pg_stat_activity w
         CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocking(pid)
          JOIN pg_stat_activity b ON b.pid = blocking.pid
         WHERE w.datname = current_database() AND w.usename = current_user
           AND w.application_name LIKE 'tocsin%%' AND w.wait_event_type = 'Lock'
           AND w.query_start < clock_timestamp() - make_interval(secs => %(waited)s)
           AND b.application_name NOT LIKE 'tocsin%%'
         ORDER BY b.xact_start
         LIMIT 1
        """,
        {"waited": waited_s},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    pid, program, state, held_s = row
    what = f"{program or 'unnamed'}, {state or 'working'} for {held_s or 0:.0f} s"
    return (
        f"another program holds a lock that Tocsin waits for: {what};"
        f" `SELECT pg_terminate_backend({pid})` ends it"
    )
