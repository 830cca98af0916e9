"""What the measurements share: servers in temporary folders, their processes, and the report."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct

from tocsin.kernel.postgres_cluster import Cluster

HERE = Path(__file__).resolve().parent
PEER = "prometheus-alertmanager"
START_LIMIT_S = 60.0
TICK_S = os.sysconf("SC_CLK_TCK")


class Load(Struct, frozen=True, kw_only=True):
    """What the client sends in one run."""

    alerts: int
    batch: int
    connections: int
    rate: float = 0
    distinct: int = 0
    ends_in_s: int = 0


class Usage(Struct, frozen=True):
    """CPU seconds and proportional memory of a set of processes."""

    cpu_s: float
    pss_mib: float


class Server:
    """A server under measurement: where it listens and which processes it is made of."""

    def __init__(self, url: str, token: str, roots: Mapping[str, int]) -> None:
        self.url = url
        self.token = token
        self.roots = roots

    def usage(self) -> dict[str, Usage]:
        """Measure each named process tree; no process counts twice."""
        seen: set[int] = set()
        found = {}
        for name, pid in self.roots.items():
            pids = [one for one in _tree(pid) if one not in seen]
            seen.update(pids)
            found[name] = Usage(*map(sum, zip(*map(_usage, pids), strict=True)))
        return found

    def load(self, load: Load, *, first: int = 0, run: str = "bench") -> dict[str, Any]:
        """Send `load` from another process and return what it saw."""
        return finish(self.start_load(load, first=first, run=run))

    def start_load(
        self, load: Load, *, first: int = 0, run: str = "bench"
    ) -> subprocess.Popen[str]:
        """Begin to send `load`; `finish` waits for it."""
        words = {"url": self.url, "token": self.token, "first": first, "run": run}
        words |= {name: getattr(load, name) for name in load.__struct_fields__}
        return subprocess.Popen(
            [sys.executable, HERE / "_load.py", *(f"--{k}={v}" for k, v in words.items())],
            stdout=subprocess.PIPE,
            text=True,
        )


class Tocsin(Server):
    """A Tocsin of its own, with an embedded PostgreSQL in its own folder."""

    def __init__(self, url: str, roots: Mapping[str, int], environment: dict[str, str]) -> None:
        super().__init__(url, "", roots)
        self._environment = environment
        self.conninfo = Cluster(Path(environment["TOCSIN_DATA_DIR"]).resolve()).conninfo()

    def cli(self, *words: str) -> str:
        """Run one command on its database."""
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *words],
            env=self._environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"tocsin {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def make_token(self, name: str) -> str:
        """Create an integration's token without a limit."""
        return self.cli("token", "create", name, "--role", "integration", "--rate", "unlimited")

    def ask(self, statement: str) -> Any:
        """Return the first value of a query."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def wait_sorted(self, limit_s: float) -> float:
        """Wait until nothing is unsorted; return how long that took."""
        began_s = time.monotonic()
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            while True:
                row = connection.execute("SELECT EXISTS (SELECT FROM signals.inbox)").fetchone()
                waited_s = time.monotonic() - began_s
                if row == (False,) or waited_s > limit_s:
                    return round(waited_s, 2)
                time.sleep(0.02)


@contextmanager
def tocsin(*, workers: int = 1, **settings: str) -> Iterator[Tocsin]:
    """Run a fresh Tocsin that is ready and has a token; `settings` without `TOCSIN_`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        folder.chmod(0o755)  # PostgreSQL's own account walks through it
        port = free_port()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")} | {
            "TOCSIN_DATA_DIR": str(folder / "data"),
            "TOCSIN_PORT": str(port),
            "TOCSIN_LOG_LEVEL": "warning",
            **{f"TOCSIN_{name.upper()}": value for name, value in settings.items()},
        }
        command = [sys.executable, "-m", "tocsin", "serve"]
        command += ["--workers", str(workers)] if workers > 1 else []
        process = stack.enter_context(_running(command, folder, environment))
        url = f"http://127.0.0.1:{port}"
        _wait_ready(process, f"{url}/health/ready", folder / "output")
        postmaster = folder / "data" / "postgres" / "postmaster.pid"
        roots = {"postgresql": int(postmaster.read_text().split()[0]), "server": process.pid}
        server = Tocsin(url, roots, environment)
        server.token = server.make_token("bench")
        yield server


def has_alertmanager() -> bool:
    """Say whether there is a peer to measure beside."""
    return shutil.which(PEER) is not None


@contextmanager
def alertmanager() -> Iterator[Server]:
    """Run a fresh Alertmanager that notifies nobody, with its alerts in memory only."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        (folder / "null.yml").write_text(
            "route: {receiver: none, group_by: [alertname], group_wait: 30s}\n"
            "receivers: [{name: none}]\n"
        )
        port = free_port()
        command = [
            PEER, f"--config.file={folder}/null.yml",
            f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=", "--log.level=error",
        ]  # fmt: skip
        process = stack.enter_context(_running(command, folder, dict(os.environ)))
        url = f"http://127.0.0.1:{port}"
        _wait_ready(process, f"{url}/-/ready", folder / "output")
        yield Server(url, "", {"server": process.pid})


def finish(client: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a client and return what it saw."""
    output, _ = client.communicate()
    found: dict[str, Any] = json.loads(output)
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: Sequence[str], folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        tree = _tree(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        give_up_at = time.monotonic() + 15
        while any(map(_is_living, tree)) and time.monotonic() < give_up_at:
            time.sleep(0.05)


def _wait_ready(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    raise SystemExit(
        f"{url} did not get ready:\n{output.read_text('utf-8', 'replace')[-3000:]}"
    )


def _tree(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left.extend(children.get(found[-1], []))
    return found


def _usage(pid: int) -> tuple[float, float]:
    fields = _stat(pid)
    cpu_s = (int(fields[11]) + int(fields[12])) / TICK_S if fields else 0.0
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return cpu_s, 0.0
    return cpu_s, sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _is_living(pid: int) -> bool:
    return _stat(pid)[:1] not in ([], ["Z"])


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
