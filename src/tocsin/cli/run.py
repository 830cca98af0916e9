"""`tocsin run`: run a command, and tell a heartbeat when it begins and how it ended."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

import click
from typing_extensions import override

TAIL_BYTES = 10_000  # of what the command said, which the last ping brings
CHUNK_BYTES = 64 * 1024
TRY_LIMIT_S = 10.0
PAUSES_S = (1.0, 5.0, 15.0)  # before another try of the last ping
NOT_FOUND, NOT_RUN = 127, 126  # exit codes, as shells have them
SIGNALLED = 128
FORWARDED = (signal.SIGTERM, signal.SIGHUP)
LAST_WORDS_S = 1.0  # for what the command said; who keeps its pipes open says more to nobody


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option(
    "--heartbeat",
    "url",
    metavar="URL",
    envvar="HEARTBEAT_URL",
    default="",
    help="The address of a heartbeat, of this or any Tocsin, or of healthchecks.io. Without it"
    " the command just runs.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(*, url: str, command: tuple[str, ...]) -> None:
    """Run COMMAND; ping its start, and at its end the exit code with the tail of its output.

    Ends as COMMAND does. A ping that does not get through is said on standard error and
    changes nothing. HEARTBEAT_URL in the environment keeps the key out of the process list.
    """
    if url and not url.startswith(("http://", "https://")):
        raise click.BadParameter(
            "write an http:// or https:// URL, as `tocsin heartbeat key NAME` prints it",
            param_hint="--heartbeat",
        )
    click.get_current_context().exit(asyncio.run(tell_and_run(url.rstrip("/"), command)))


async def tell_and_run(
    url: str, command: Sequence[str], *, pauses_s: Sequence[float] = PAUSES_S
) -> int:
    """Run a command between two pings of `url`, "" for none; return its exit code."""
    if url:
        await ping(f"{url}/start", b"", pauses_s=())
    tail = Tail()
    code = await _command(command, tail)
    if url:
        await ping(f"{url}/{code}", tail.kept(), pauses_s=pauses_s)
    return code


class Tail:
    """The last bytes of two streams, in the order in which they came."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take what came."""
        self._kept += chunk
        del self._kept[:-TAIL_BYTES]

    def kept(self) -> bytes:
        """Return the last TAIL_BYTES, from the beginning of a character on."""
        return bytes(self._kept).decode("utf-8", "ignore").encode()


async def _command(command: Sequence[str], tail: Tail) -> int:
    loop = asyncio.get_running_loop()
    try:
        child, said_by = await loop.subprocess_exec(lambda: _Child(loop), *command, stdin=None)
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        said = f"{command[0]}: {error.strerror}"
        click.echo(f"tocsin run: {said}", err=True)
        tail.add(said.encode())
        return code
    if said_by.stdout is None or said_by.stderr is None:
        raise AssertionError("both are pipes")
    async with asyncio.TaskGroup() as group:
        copies = [
            group.create_task(_copy(said_by.stdout, sys.stdout.buffer, tail)),
            group.create_task(_copy(said_by.stderr, sys.stderr.buffer, tail)),
        ]
        with _forwarding(child):
            await said_by.has_ended.wait()
        await asyncio.wait(copies, timeout=LAST_WORDS_S)
        for copy in copies:
            copy.cancel()
    code = child.get_returncode() or 0
    child.close()
    return code if code >= 0 else SIGNALLED - code


class _Child(asyncio.subprocess.SubprocessStreamProtocol):
    """Knows when the command has ended, whoever else has its pipes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK_BYTES, loop=loop)
        self.has_ended = asyncio.Event()

    @override
    def process_exited(self) -> None:
        """Take note of it."""
        super().process_exited()
        self.has_ended.set()


@contextmanager
def _forwarding(child: asyncio.SubprocessTransport) -> Iterator[None]:
    """Hand signals on to the command while it runs; after it they are meant for the last ping."""
    loop = asyncio.get_running_loop()

    def forward(number: int) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            child.send_signal(number)

    for number in FORWARDED:
        loop.add_signal_handler(number, forward, number)
    # a terminal sends it to the child, too
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    try:
        yield
    finally:
        for number in (*FORWARDED, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _copy(source: asyncio.StreamReader, target: BinaryIO, tail: Tail) -> None:
    """Hand on what a stream says, and remember its end; who does not listen ends nothing."""
    is_heard = True
    while chunk := await source.read(CHUNK_BYTES):
        tail.add(chunk)
        if not is_heard:
            continue
        try:
            target.write(chunk)
            target.flush()
        except OSError:
            is_heard = False


async def ping(url: str, body: bytes, *, pauses_s: Sequence[float]) -> bool:
    """Say something of a job; try again after each of `pauses_s`. Say why it did not get through."""
    why = ""
    for pause_s in (0.0, *pauses_s):
        await asyncio.sleep(pause_s)
        try:
            status = await _post(url, body)
        except Exception as error:  # noqa: BLE001 - door: whatever it is, the command runs
            why = type(error).__name__
            if isinstance(error, OSError | ValueError | ImportError) and not isinstance(
                error, TimeoutError
            ):  # no answer of a network, for those have types of their own: it stays so
                why += ", look at the variables for proxies and certificates"
                break
            continue
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's success
            return True
        why = f"it answers {status}"
        if not (status == 429 or status >= 500):  # noqa: PLR2004 - come again
            break
    click.echo(f"tocsin run: the heartbeat was not told: {why}", err=True)
    return False


async def _post(url: str, body: bytes) -> int:
    """Return the status of an answer; the environment may have a proxy that there is none for."""
    import httpx

    async with asyncio.timeout(TRY_LIMIT_S), httpx.AsyncClient() as client:
        answer = await client.post(url, content=body, headers={"user-agent": "tocsin-run"})
    return answer.status_code
