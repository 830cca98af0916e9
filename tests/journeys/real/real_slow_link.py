"""A link on which everything takes a while: each byte arrives a fixed time after it was sent."""

import contextlib
import queue
import socket
import threading
import time


class SlowLink:
    """A TCP relay to a local port; a round trip over it takes `round_trip_s`, and more is not lost."""

    def __init__(self, target_port: int, *, round_trip_s: float) -> None:
        self._target_port = target_port
        self._delay_s = round_trip_s / 2
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._server.getsockname()[1])
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it with all connections."""
        _hang_up(self._server)
        while self._sockets:
            _hang_up(self._sockets.pop())

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
                self._sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    self._join(one, other)

    def _join(self, one: socket.socket, other: socket.socket) -> None:
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()
        threading.Thread(target=self._take, args=(one, waiting), daemon=True).start()
        threading.Thread(target=_give, args=(other, waiting), daemon=True).start()

    def _take(self, one: socket.socket, waiting: "queue.Queue[tuple[float, bytes]]") -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = one.recv(65_536)
            except OSError:
                chunk = b""
            waiting.put((time.monotonic() + self._delay_s, chunk))


def _give(other: socket.socket, waiting: "queue.Queue[tuple[float, bytes]]") -> None:
    with contextlib.suppress(OSError):
        while True:
            due, chunk = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not chunk:
                break
            other.sendall(chunk)
    _hang_up(other)


def _hang_up(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
