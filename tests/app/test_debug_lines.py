"""`tocsin log-level debug` tells an alert's whole way, and names nobody on it."""

import logging
from datetime import timedelta

import pytest

from fakes.world import ACME, NOON, running
from tocsin.kernel import logs

pytestmark = pytest.mark.db

PRIVATE = ("maya", "jonas", "example.org", "Okafor", "s3cret-label", "/a/", "Bearer")


async def test_debug_tells_the_way_of_an_alert_and_info_does_not(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        logger = logging.getLogger("tocsin")
        before = logger.level
        try:
            logs.set_level("info")
            await world.signal({"alertname": "First"}, ends_at=NOON + timedelta(hours=1))
            assert {one.levelname for one in caplog.records} <= {"INFO", "WARNING"}
            logs.set_level("debug")
            caplog.clear()
            alert = {"alertname": "s3cret-label", "severity": "critical"}
            await world.signal(alert, ends_at=NOON + timedelta(hours=1))
            await world.forward(minutes=6)
        finally:
            logger.setLevel(before)
    told = [one for one in caplog.records if one.levelname == "DEBUG"]
    assert {one.getMessage() for one in told} >= {
        "intake.kept", "sort.taken", "unit.committed", "timer.ran", "page.stepped",
        "errands.leased", "attempt.begins", "errand.ended",
    }  # fmt: skip
    lines = [logs.spelled(one) for one in told]
    assert not [one for one in lines if any(word in one for word in PRIVATE)]
    assert [one for one in lines if "command.incident_declared" in one]
