"""One of two nodes lacks the mail server: no page goes wrong for it, and all leave by the other."""

from pathlib import Path
from random import Random

import psycopg
import pytest
from kill_mail import mail_sink
from kill_server import free_port, until
from nodes_lab import Node, until_settled

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.usefixtures("at_length")]
PAGES = 8
SOON_S = 5.0  # a look a second at either node, and as long again for a busy machine


async def test_a_node_without_a_mail_server_kills_no_page(dsn: str, tmp_path: Path) -> None:
    rng = Random(8)
    with mail_sink(rng) as sink:
        having = Node(
            tmp_path / "having", free_port(rng), dsn, host="127.0.0.1", prefix=(),
            TOCSIN_SMTP_URL=sink.url,
        )  # fmt: skip
        without = Node(tmp_path / "without", free_port(rng), dsn, host="127.0.0.1", prefix=())
        try:
            having.start()
            await having.until_ready(60)
            await having.furnish()
            without.admin.token = having.admin.token
            without.start()

            async def says_so() -> bool:
                return "no-mail-server" in (await without.readiness()).get("codes", ())

            await until(says_so, limit_s=60, what="the other says that it has no mail server")
            for number in range(PAGES):
                labels = {"alertname": "Down", "service": f"s{number}", "instance": "i"}
                await without.tell_alerts([{"labels": labels}])
            await until_settled(dsn)
        finally:
            having.clear()
            without.clear()
        assert len({one.key for one in sink.accepted}) >= PAGES
    with psycopg.connect(dsn) as conn:
        outcomes = conn.execute("SELECT DISTINCT outcome FROM oncall.attempts").fetchall()
        slowest = conn.execute(
            """
            SELECT max(extract(epoch FROM told_at - opened_at))
              FROM (SELECT p.id, min(p.opened_at) AS opened_at, min(t.ended_at) AS told_at
                      FROM oncall.pages p
                      JOIN oncall.notifications n ON n.page_id = p.id
                      JOIN oncall.attempts t ON t.notification_id = n.id
                     GROUP BY p.id) AS told
            """
        ).fetchone()
    assert outcomes == [("sent",)]
    assert slowest is not None
    assert float(slowest[0]) < SOON_S, slowest
