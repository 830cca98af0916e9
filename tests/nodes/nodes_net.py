"""A network namespace for each node: one wire to the database, one to the rest of the world."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

WHY_NOT: Final = (
    "network namespaces need root and the program ip"
    if os.geteuid() != 0 or shutil.which("ip") is None
    else ""
)
_NETS = {"db": "10.231.1", "out": "10.231.2"}


def _ip(*words: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Net:
    """Both networks; the host itself is `.1` on each."""

    def __init__(self) -> None:
        self._mark = f"{os.getpid() % 46656:05d}"

    @property
    def database_host(self) -> str:
        return f"{_NETS['db']}.1"

    @property
    def outside_host(self) -> str:
        return f"{_NETS['out']}.1"

    def address(self, number: int) -> str:
        """Where the world finds a node."""
        return f"{_NETS['out']}.{10 + number}"

    def prefix(self, number: int) -> tuple[str, ...]:
        """What to put before a command that is to run inside."""
        return ("ip", "netns", "exec", self._space(number))

    def cut(self, number: int) -> None:
        """Drop all packets between a node and the database; nobody is told."""
        _ip("link", "set", self._wire(number, "db"), "down")

    def mend(self, number: int) -> None:
        """Let them pass again."""
        _ip("link", "set", self._wire(number, "db"), "up")

    def make(self, nodes: int) -> None:
        """Make the bridges and the namespaces. Raises OSError."""
        for name, net in _NETS.items():
            bridge = self._bridge(name)
            _ip("link", "add", bridge, "type", "bridge")
            _ip("addr", "add", f"{net}.1/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
        for number in range(nodes):
            space = self._space(number)
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            for name, net in _NETS.items():
                wire = self._wire(number, name)
                _ip("link", "add", wire, "type", "veth", "peer", "name", name, "netns", space)
                _ip("link", "set", wire, "master", self._bridge(name), "up")
                _ip("-n", space, "addr", "add", f"{net}.{10 + number}/24", "dev", name)
                _ip("-n", space, "link", "set", name, "up")

    def clear(self, nodes: int) -> None:
        """Remove all of it."""
        for number in range(nodes):
            _ip("netns", "del", self._space(number), check=False)
            for name in _NETS:
                _ip("link", "del", self._wire(number, name), check=False)
        for name in _NETS:
            _ip("link", "del", self._bridge(name), check=False)

    def _space(self, number: int) -> str:
        return f"tocsin{self._mark}n{number}"

    def _bridge(self, name: str) -> str:
        return f"tb{self._mark}{name}"

    def _wire(self, number: int, name: str) -> str:
        return f"tv{self._mark}{name}{number}"


@contextmanager
def network(nodes: int) -> Iterator[Net]:
    """Make the networks for `nodes` nodes until the end of the block. Raises OSError."""
    net = Net()
    try:
        net.make(nodes)
        yield net
    finally:
        net.clear(nodes)
