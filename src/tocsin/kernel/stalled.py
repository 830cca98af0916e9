"""End the sessions of nodes that stopped in the middle of a transaction, so that their locks go.

PostgreSQL ends a session that is idle in a transaction by itself, and the keepalives that
`kernel/db.py` sets end one whose host is gone. Neither sees a process that is stopped (SIGSTOP,
a frozen virtual machine) inside a COPY or while it should read an answer: its kernel goes on
acknowledging, and no timeout of the server counts there. So every node looks for such sessions.
"""

from typing import Any

from psycopg import AsyncConnection

STALLED_S = 10.0
"""As long as a lease: whoever says nothing for that long has lost what it held."""


async def end_stalled(conn: AsyncConnection[Any], limit_s: float = STALLED_S) -> list[int]:
    """End transactions of this application that have waited for their client; return their pids.

    Sessions of one role may end each other: nobody needs a superuser for it.
    """
    cursor = await conn.execute(
        """
        WITH stalled AS MATERIALIZED (
            SELECT pid
              FROM pg_stat_activity
             WHERE datname = current_database() AND usename = current_user
               AND application_name = current_setting('application_name')
               AND pid <> pg_backend_pid()
               AND wait_event_type = 'Client' AND xact_start IS NOT NULL
               AND state_change < clock_timestamp() - make_interval(secs => %(limit)s)
        )
        SELECT pid FROM stalled WHERE pg_terminate_backend(pid)
        """,
        {"limit": limit_s},
    )
    return [row[0] for row in await cursor.fetchall()]
