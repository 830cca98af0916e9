"""The suite in lanes: processes that take test files from one pile, and one that tells of them all.

`pytest --lanes=2` collects once, forks, and reports as a single run does. Slow journeys come after
all others, one at a time: they start whole servers and measure seconds, so nothing runs beside them.
What a fixture writes with `record_testsuite_property` is kept only without lanes.
"""

import argparse
import atexit
import io
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NoReturn, cast

import pytest
from _pytest._io import TerminalWriter

AUTO_MAX = 4  # the database under the tests is one for all
END_LIMIT_S = 10.0
LOOK_S = 0.1
STDERR = 2
HEAD = 4  # bytes that say how long a report is

Pile = list[pytest.Item]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--lanes`."""
    parser.addoption(
        "--lanes", type=_count, default=1, help="processes abreast; auto: one a core, 4 at most"
    )


def _count(text: str) -> int:
    if text == "auto":
        return min(AUTO_MAX, len(os.sched_getaffinity(0)))
    if not text.isdecimal() or text == "0":
        raise argparse.ArgumentTypeError("auto, or how many")
    return int(text)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run in lanes where that was asked for and there is something to share."""
    option = session.config.option
    if option.lanes == 1 or option.collectonly or option.usepdb or session.testsfailed:
        return None
    alone = [item for item in session.items if _is_alone(item)]
    shared = [item for item in session.items if not _is_alone(item)]
    piles = [list(found) for _, found in groupby(shared, key=_file)]
    if len(piles) < 2:
        return None
    piles.sort(key=lambda pile: not any(_is(item, "slow") for item in pile))  # long ones first
    _abreast(session, piles, option.lanes)
    _run(session, alone, None)
    return True


def _abreast(session: pytest.Session, piles: Sequence[Pile], count: int) -> None:
    """Run all piles in `count` processes; return when everything is reported."""
    seen = Seen()
    numbers = _pipe_of_numbers(len(piles))
    lanes = [Lane(session, piles, numbers) for _ in range(count - 1)]
    session.config.pluginmanager.register(seen)
    try:
        for number in _taken(numbers):
            _run(session, piles[number], session)
            _tell(session, lanes)
        while not all(lane.is_over() for lane in lanes):
            time.sleep(LOOK_S)
            _tell(session, lanes)
        _tell(session, lanes)
        lost = [item for pile in piles for item in pile if item.nodeid not in seen.ids]
        for item in lost:
            session.config.hook.pytest_runtest_logreport(report=_lost(item, lanes))
    finally:
        for lane in lanes:
            lane.end()
        session.config.pluginmanager.unregister(seen)
        os.close(numbers)


def _tell(session: pytest.Session, lanes: Sequence["Lane"]) -> None:
    for lane in lanes:
        for report in lane.news():
            hook = session.config.hook
            told = hook.pytest_report_from_serializable(config=session.config, data=report)
            if told.when == "setup":
                hook.pytest_runtest_logstart(nodeid=told.nodeid, location=told.location)
            hook.pytest_runtest_logreport(report=told)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)


def _lost(item: pytest.Item, lanes: Sequence["Lane"]) -> pytest.TestReport:
    """Fail what a lane took and never reported, so that no test is missed without a word."""
    ends = ", ".join(str(lane.status) for lane in lanes)
    return pytest.TestReport(
        nodeid=item.nodeid, location=item.location, keywords={}, outcome="failed", when="call",
        longrepr=f"The process that was to run it has ended before ({ends}).",
    )  # fmt: skip


class Seen:
    """What has been reported to its end, by whomever."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember it."""
        if report.when == "teardown":
            self.ids.add(report.nodeid)


def _is_alone(item: pytest.Item) -> bool:
    return _is(item, "slow") and _is(item, "journey")


def _is(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _pipe_of_numbers(count: int) -> int:
    """Return a pipe from which every process reads the number of the next pile, each once."""
    taking, giving = os.pipe()
    os.write(giving, b"".join(n.to_bytes(2, "big") for n in range(count)))
    os.close(giving)
    return taking


def _taken(numbers: int) -> Iterator[int]:
    while found := os.read(numbers, 2):
        yield int.from_bytes(found, "big")


def _run(session: pytest.Session, items: Pile, after: pytest.Session | None) -> None:
    """Run `items` as pytest does; what belongs to `after` stays set up at their end."""
    for number, item in enumerate(items, 1):
        following = items[number] if number < len(items) else cast("pytest.Item", after)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


class Lane:
    """Another process, and what it has said so far."""

    def __init__(self, session: pytest.Session, piles: Sequence[Pile], numbers: int) -> None:
        self.status: int | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self._heard = 0
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            _live(session, piles, numbers, Teller(session.config, self._said.fileno()))

    def news(self) -> Iterator[dict[str, Any]]:
        """Return what it has reported since the last time."""
        while head := os.pread(self._said.fileno(), HEAD, self._heard):
            size = int.from_bytes(head, "big")
            body = os.pread(self._said.fileno(), size, self._heard + HEAD)
            if len(body) < size:  # it is writing
                return
            self._heard += HEAD + size
            yield pickle.loads(body)

    def is_over(self) -> bool:
        """Say whether it has ended."""
        if self.status is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def end(self) -> None:
        """End it, if it has not ended by itself."""
        give_up_at = time.monotonic() + END_LIMIT_S
        if not self.is_over():
            os.kill(self._pid, signal.SIGINT)
        while not self.is_over():
            time.sleep(LOOK_S)
            if time.monotonic() > give_up_at:
                os.kill(self._pid, signal.SIGKILL)
        self._said.close()


class Teller:
    """Stands in a lane for everything that would report: it passes reports on."""

    def __init__(self, config: pytest.Config, said: int) -> None:
        self._config = config
        self._said = said

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the report down in one piece."""
        hook = self._config.hook
        wanted = hook.pytest_report_to_serializable(config=self._config, report=report)
        body = pickle.dumps(wanted)
        os.write(self._said, len(body).to_bytes(HEAD, "big") + body)


def _live(
    session: pytest.Session, piles: Sequence[Pile], numbers: int, teller: Teller
) -> NoReturn:
    """Be a lane: take piles until there are none, let everything go, and end."""
    status = 0
    try:
        _silence(session.config)
        session.config.pluginmanager.register(teller)
        for number in _taken(numbers):
            _run(session, piles[number], session)
        session._setupstate.teardown_exact(None)
    except (pytest.Session.Failed, pytest.Session.Interrupted):
        pass  # the reports say why
    except BaseException:  # noqa: BLE001 - door: a lane never goes on as pytest
        status = 1
        os.write(STDERR, traceback.format_exc().encode())
    finally:
        try:
            atexit._run_exitfuncs()
        finally:
            os._exit(status)


def _silence(config: pytest.Config) -> None:
    """Have a capture of its own, and nobody who writes to the terminal, a file or the cache."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    config.pluginmanager.getplugin("terminalreporter")._tw = TerminalWriter(io.StringIO())
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ in {"LogXML", "LFPlugin", "NFPlugin", "StepwisePlugin"}:
            config.pluginmanager.unregister(plugin)
