"""The heartbeat that Tocsin itself sends: while it is well, and one warning when it cannot."""

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from msgspec.structs import replace

from fakes.world import ACME, running
from integrations.loopback import HttpServer, answer, http_server
from tocsin.app.outside import AGAIN_S, EVERY_S, WATCHED_MAX, Outside
from tocsin.integrations.outbound import Outbound
from tocsin.kernel.clock import FakeClock
from tocsin.kernel.metrics import OUTSIDE_TOLD
from tocsin.web.services import Readiness

NOON = datetime(2026, 7, 6, 12, tzinfo=UTC)
WELL = Readiness(
    ready=True, problems=(), warnings=(), sort_lag_s=0, due_lag_s=0, skew_s=0, unsealed_s=0
)
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Rig:
    def __init__(self, server: HttpServer) -> None:
        self.clock = FakeClock(NOON)
        self.readiness = WELL
        self.outside = Outside(
            Outbound(allowed=LOOPBACK),
            f"http://127.0.0.1:{server.port}/ping/s3cret",
            self.clock,
            self.judged,
        )

    async def judged(self) -> Readiness:
        return self.readiness


def told() -> float:
    return OUTSIDE_TOLD._value.get()


async def test_it_pings_while_all_is_well() -> None:
    async with http_server(answer(200)) as server:
        rig = Rig(server)
        assert await rig.outside.beat() == EVERY_S
        assert [(one.method, one.path) for one in server.requests] == [("GET", "/ping/s3cret")]
        assert told() == 1


async def test_it_is_silent_when_it_is_not_ready_or_nobody_watches(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with http_server(answer(200)) as server:
        rig = Rig(server)
        rig.readiness = replace(WELL, ready=False, codes=("timers-late",))
        assert await rig.outside.beat() == AGAIN_S
        rig.readiness = WELL
        rig.clock.forward(seconds=WATCHED_MAX.total_seconds() + 1)
        assert await rig.outside.beat() == AGAIN_S
        assert server.requests == []
        assert told() == 0
        assert len(caplog.records) == 1
        rig.outside.watched()
        assert await rig.outside.beat() == EVERY_S
        assert len(server.requests) == 1


async def test_one_outage_is_one_warning_and_no_secret_is_in_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = (answer(500), answer(404), answer(200), answer(301), answer(200))
    async with http_server(*answers) as server:
        rig = Rig(server)
        rig.outside.watched()
        waits = [await rig.outside.beat() for _ in range(5)]
    assert waits == [AGAIN_S, AGAIN_S, EVERY_S, AGAIN_S, EVERY_S]
    assert await rig.outside.beat() == AGAIN_S  # nothing listens any more
    said = [(one.getMessage(), str(one.__dict__)) for one in caplog.records]
    warned = [event for event, _ in said if event == "outside.not_told"]
    assert len(warned) == 3
    assert "s3cret" not in str(said)


async def test_a_private_address_needs_to_be_allowed(caplog: pytest.LogCaptureFixture) -> None:
    async with http_server(answer(200)) as server:
        rig = Rig(server)
        outside = Outside(
            Outbound(), f"http://127.0.0.1:{server.port}/s3cret", rig.clock, rig.judged
        )
        outside.watched()
        assert await outside.beat() == AGAIN_S
        assert server.requests == []
        assert "no allowed network holds it" in str(caplog.records[0].__dict__)


@pytest.mark.db
async def test_the_application_judges_as_its_own_readiness_does(dsn: str) -> None:
    async with http_server(answer(200)) as server:
        url = f"http://127.0.0.1:{server.port}/ping"
        async with running(dsn, heartbeat_url=url, allow_networks=("127.0.0.0/8",)) as world:
            await world.apply(ACME)
            outside = world.app.outside
            outside.watched()
            assert outside.is_used
            assert await outside.beat() == EVERY_S
            world.clock.forward(seconds=60)  # the worker has not looked for jobs since
            outside.watched()
            assert await outside.beat() == AGAIN_S
        assert len(server.requests) == 1
