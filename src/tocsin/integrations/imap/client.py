"""As much of IMAP4rev1 (RFC 3501) as a mailbox needs that is only read: log in, search, fetch, idle."""

import asyncio
import base64
import itertools
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote

from msgspec import Struct

TIMEOUT_S = 30.0
LINE_MAX = 2 * 1024 * 1024  # the numbers of a mailbox that nobody reads stand in one
LITERAL_MAX = 512 * 1024
LINES_MAX = 10_000
_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}\r\n$")
_PORTS = {"imaps": 993, "imap": 143}


class ImapError(Exception):
    """The server said no, broke off, or makes no sense; the text holds no secret."""


class Line(Struct, frozen=True):
    """One line of the server's, its literals taken out of it."""

    text: bytes
    literals: tuple[bytes, ...] = ()


class Account(Struct, frozen=True, kw_only=True):
    """Where a mailbox is, and how to get in."""

    host: str
    port: int
    user: str
    password: str
    mailbox: str
    is_tls: bool
    starttls: bool
    verify: bool


def account(parts: SplitResult) -> Account:
    """Read `imaps://user:password@host/INBOX`. Raises ValueError."""
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    starttls, verify = options.pop("starttls", "required"), options.pop("verify", "yes")
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
        raise ValueError("a mailbox is given as imaps://user:password@host/INBOX")
    if options or starttls not in {"required", "never"} or verify not in {"yes", "no"}:
        raise ValueError("a mailbox knows ?starttls=required|never and ?verify=yes|no")
    return Account(
        host=parts.hostname, port=parts.port or _PORTS[parts.scheme],
        user=unquote(parts.username), password=unquote(parts.password or ""),
        mailbox=unquote(parts.path.strip("/")) or "INBOX", is_tls=parts.scheme == "imaps",
        starttls=starttls == "required", verify=verify == "yes",
    )  # fmt: skip


class Imap:
    """One connection, logged in; an asynchronous context."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._tags = itertools.count(1)
        self.capabilities: frozenset[str] = frozenset()

    async def __aenter__(self) -> Self:
        """Connect, secure the connection and log in. Raises ImapError, OSError, TimeoutError."""
        who, context = self._account, _tls(self._account)
        async with asyncio.timeout(TIMEOUT_S):
            self._reader, self._writer = await asyncio.open_connection(
                who.host, who.port, ssl=context if who.is_tls else None, limit=LINE_MAX
            )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._read()  # the greeting
                if not who.is_tls and who.starttls:
                    await self.ask("STARTTLS")
                    await self._refuse_more()
                    await self._writer.start_tls(context, server_hostname=who.host)
                await self._log_in()
        except BaseException:
            self._writer.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up, without waiting for a goodbye."""
        with suppress(OSError):
            self._writer.write(b"Z LOGOUT\r\n")
        self._writer.close()

    async def _refuse_more(self) -> None:
        """Refuse what was said beyond the answer: anybody in between could have put it there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                if await self._reader.read(1):
                    raise ImapError("the mail server says more than it may before TLS")

    async def _log_in(self) -> None:
        await self._learn()
        who = self._account
        secret = base64.b64encode(f"\0{who.user}\0{who.password}".encode()).decode()
        try:
            if "AUTH=PLAIN" in self.capabilities:
                await self.ask("AUTHENTICATE PLAIN", secret)
            else:
                await self.ask(f"LOGIN {quoted(who.user)} {quoted(who.password)}")
        except ImapError:
            raise ImapError(
                "the mail server does not let us in: check TOCSIN_IMAP_URL"
            ) from None
        await self._learn()

    async def _learn(self) -> None:
        for line in await self.ask("CAPABILITY"):
            if line.text.startswith(b"* CAPABILITY"):
                names = line.text.decode("ascii", "replace").upper().split()[2:]
                self.capabilities = frozenset(names)

    async def ask(self, command: str, *more: str) -> Sequence[Line]:
        """Send a command, `more` where the server asks for it; return what it says untagged.

        Raises ImapError, OSError, TimeoutError.
        """
        async with asyncio.timeout(TIMEOUT_S):
            tag = f"T{next(self._tags)}"
            self._writer.write(f"{tag} {command}\r\n".encode())
            return await self._until(tag, command.split(" ", 1)[0], list(more))

    async def _until(self, tag: str, name: str, more: list[str]) -> list[Line]:
        found: list[Line] = []
        while len(found) < LINES_MAX:
            line = await self._read()
            if line.text.startswith(b"+") and more:
                self._writer.write(f"{more.pop(0)}\r\n".encode())
            elif line.text.startswith(f"{tag} ".encode()):
                if not line.text[len(tag) + 1 :].upper().startswith(b"OK"):
                    raise ImapError(f"the mail server refused {name}")
                return found
            else:
                found.append(line)
        raise ImapError(f"the mail server says too much to {name}")

    async def wait(self, seconds: float) -> None:
        """Return once there is something new, or after so many seconds (RFC 2177 where it can)."""
        if "IDLE" not in self.capabilities:
            await asyncio.sleep(seconds)
            return
        tag = f"T{next(self._tags)}"
        self._writer.write(f"{tag} IDLE\r\n".encode())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while b"EXISTS" not in (await self._read()).text.upper():
                    pass
        async with asyncio.timeout(TIMEOUT_S):
            self._writer.write(b"DONE\r\n")
            await self._until(tag, "IDLE", [])

    async def _read(self) -> Line:
        """Read one line and the literals in it."""
        text = b""
        literals: list[bytes] = []
        while True:
            try:
                part = await self._reader.readuntil(b"\r\n")
            except asyncio.IncompleteReadError:
                raise ImapError("the mail server broke off") from None
            except asyncio.LimitOverrunError:
                raise ImapError("the mail server's line is too long") from None
            found = _LITERAL.search(part)
            if found is None:
                return Line(text + part.rstrip(b"\r\n"), tuple(literals))
            size = int(found[1])
            if size > LITERAL_MAX:
                raise ImapError("a mail is larger than was asked for")
            literals.append(await self._reader.readexactly(size))
            text += part[: found.start()]


def quoted(text: str) -> str:
    """Return a quoted string. Raises ImapError for what cannot be one."""
    if not text.isascii() or not text.isprintable():
        raise ImapError("user, password and mailbox must be plain ASCII for this mail server")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tls(account: Account) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not account.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
