"""`tocsin run`: run a command, and tell a heartbeat when it begins and how it ended."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import BinaryIO

import click

TAIL_BYTES = 10_000  # of what the command said, which the last ping brings
CHUNK_BYTES = 64 * 1024
TRY_LIMIT_S = 10.0
PAUSES_S = (1.0, 5.0, 15.0)  # before another try of the last ping
NOT_FOUND, NOT_RUN = 127, 126  # exit codes, as shells have them
SIGNALLED = 128


@click.command("run", context_settings={"ignore_unknown_options": True})
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
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        said = f"{command[0]}: {error.strerror}"
        click.echo(f"tocsin run: {said}", err=True)
        tail.add(said.encode())
        return code
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, child.terminate)
    loop.add_signal_handler(
        signal.SIGINT, lambda: None
    )  # a terminal sends it to the child, too
    if child.stdout is None or child.stderr is None:
        raise AssertionError("both are pipes")
    async with asyncio.TaskGroup() as group:
        group.create_task(_copy(child.stdout, sys.stdout.buffer, tail))
        group.create_task(_copy(child.stderr, sys.stderr.buffer, tail))
        code = await child.wait()
    return code if code >= 0 else SIGNALLED - code


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
    import httpx

    why = ""
    for pause_s in (0.0, *pauses_s):
        await asyncio.sleep(pause_s)
        try:
            async with asyncio.timeout(TRY_LIMIT_S), httpx.AsyncClient() as client:
                answer = await client.post(
                    url, content=body, headers={"user-agent": "tocsin-run"}
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            why = type(error).__name__
            continue
        if answer.is_success:
            return True
        why = f"it answers {answer.status_code}"
        if not (answer.status_code == 429 or answer.is_server_error):  # noqa: PLR2004 - come again
            break
    click.echo(f"tocsin run: the heartbeat was not told: {why}", err=True)
    return False
