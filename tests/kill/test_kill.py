"""SIGKILL at random instants, under load, loses nothing that was promised by a 2xx."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median

import msgspec
import pytest
from kill_audit import Audit, Tally, snapshot
from kill_clients import EventSender, Responder, Sender, WebhookSender
from kill_http import Wire
from kill_mail import Sink, mail_sink
from kill_rounds import Rounds, blows, counted, until_settled
from kill_server import Tocsin, free_port

from tocsin.kernel import postgres

pytestmark = [pytest.mark.journey, pytest.mark.slow]
SENDERS = {
    **{f"client{n}": Sender for n in range(4)},
    "events": EventSender,
    "webhook": WebhookSender,
}
STOP_LIMIT_S = 1.0

Record = Callable[[str, object], None]


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    """How often to kill."""
    return int(pytestconfig.getoption("--kills"))


@pytest.fixture
def rng(kills: int) -> Random:
    """The same choices for the same number of kills; the instants are the machine's."""
    return Random(kills)


@pytest.fixture
def sink(rng: Random) -> Iterator[Sink]:
    """Mail that takes a moment, and now and then asks to come again."""
    with mail_sink(rng, slow_s=0.02, refused_share=0.02) as sink:
        yield sink


@pytest.fixture
def tocsin(tmp_path: Path, rng: Random, sink: Sink) -> Iterator[Tocsin]:
    """An installation of its own, with a database that waits for its disk."""
    made = Tocsin(tmp_path / "home", free_port(rng), TOCSIN_SMTP_URL=sink.url)
    yield made
    made.clear()


async def test_whoever_is_killed_every_2xx_is_there_once_and_no_page_is_lost(
    kills: int, rng: Random, sink: Sink, tocsin: Tocsin, record_testsuite_property: Record
) -> None:
    tocsin.start()
    await tocsin.until_ready()
    await tocsin.furnish()
    senders = [await sender(tocsin, name, kind, rng) for name, kind in SENDERS.items()]
    responder = Responder(Wire(tocsin.port, tocsin.admin.token), rng)
    dealt = blows(rng, kills)
    rounds = Rounds(tocsin, rng, dealt)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for one in senders:
            group.create_task(one.run(stop))
        group.create_task(responder.run(stop))
        await rounds.run()
        stop.set()
    settle_s = await until_settled(tocsin)
    code, stop_s = await tocsin.stop()

    tally = await asyncio.to_thread(audited, tocsin, senders, responder, sink)
    assert (code, stop_s < STOP_LIMIT_S) == (0, True), f"{code} after {stop_s:.2f} s"
    found = {
        "kills": len(dealt),
        "killed": counted(dealt),
        "requests_kept": sum(len(one.kept_at) for one in senders),
        "requests_sent_again": sum(n - 1 for s in senders for n in s.tries.values()),
        "answers_refused": sum((one.refusals for one in senders), Counter()),
        **msgspec.structs.asdict(tally),
        "pages_acknowledged": len(responder.taken),
        "recovery_s": {
            str(blow): {"median": round(median(all_s), 2), "max": round(max(all_s), 2)}
            for blow, all_s in rounds.recoveries_s.items()
        },
        "settle_s": round(settle_s, 2),
        "stop_s": round(stop_s, 2),
    }
    for name, value in found.items():
        record_testsuite_property(name, msgspec.json.encode(value).decode())


async def sender(tocsin: Tocsin, name: str, kind: type[Sender], rng: Random) -> Sender:
    """Make a sender with a token of its own, as each one has."""
    wanted = {"name": name, "role": "integration"}
    made = await tocsin.tell("POST", "/api/v1/tokens", wanted)
    return kind(name, Wire(tocsin.port, made["token"]), rng)


def audited(tocsin: Tocsin, senders: list[Sender], responder: Responder, sink: Sink) -> Tally:
    """Look at what is left once everything has ended."""
    conninfo = postgres.ensure(tocsin.home)
    with snapshot(conninfo) as conn:
        audit = Audit(conn)
        audit.settled()
        audit.promises(senders)
        audit.acknowledged(responder.taken)
        repeated = audit.mails(sink.accepted)
        audit.insist()
        return audit.tally(sink.accepted, repeated)
