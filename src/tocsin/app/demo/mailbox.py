"""The demo's mail server: takes every page on the loopback address and keeps it in memory."""

import asyncio
import re
from collections import deque
from email import message_from_bytes, policy
from typing import cast

from msgspec import Struct

KEPT_COUNT = 200
SIZE_MAX = 1024 * 1024
_LINK = re.compile(r"https?://\S+/a/\S+")


class Mail(Struct, frozen=True, kw_only=True):
    """One mail as its reader sees it; `link` acknowledges, "" where it carries none."""

    to: str
    subject: str
    text: str
    link: str


class TooBig(Exception):
    """The mail is larger than SIZE_MAX."""


class Mailbox:
    """Everybody's inbox. `arrived` hands each mail to whoever reads them."""

    def __init__(self) -> None:
        self.kept: deque[Mail] = deque(maxlen=KEPT_COUNT)
        self.arrived: asyncio.Queue[Mail] = asyncio.Queue()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one SMTP conversation (RFC 5321): enough for a sender that has one recipient."""
        try:
            writer.write(b"220 demo ESMTP\r\n")
            await self._converse(reader, writer)
        except TooBig:
            writer.write(b"552 too big\r\n")
        except (ConnectionError, EOFError, ValueError):
            return  # the sender went away, or speaks something else
        finally:
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        recipients: list[str] = []
        while line := await reader.readline():
            command, _, argument = line.decode("ascii", "replace").strip().partition(" ")
            match command.upper():
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case "EHLO":
                    writer.write(b"250-demo\r\n250-8BITMIME\r\n250 SIZE %d\r\n" % SIZE_MAX)
                case "RCPT":
                    recipients.append(argument.partition("<")[2].partition(">")[0])
                    writer.write(b"250 ok\r\n")
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    self._keep(recipients, await _read_mail(reader))
                    recipients = []
                    writer.write(b"250 kept\r\n")
                case "HELO" | "MAIL" | "RSET" | "NOOP":
                    recipients = []
                    writer.write(b"250 ok\r\n")
                case _:
                    writer.write(b"502 not here\r\n")
            await writer.drain()

    def _keep(self, recipients: list[str], raw: bytes) -> None:
        message = message_from_bytes(raw, policy=policy.default)
        body = message.get_body(("plain",))
        text = cast("str", body.get_content()) if body is not None else ""
        link = _LINK.search(text)
        for recipient in recipients:
            mail = Mail(
                to=recipient,
                subject=str(message["Subject"] or ""),
                text=text,
                link=link[0] if link else "",
            )
            self.kept.append(mail)
            self.arrived.put_nowait(mail)


async def _read_mail(reader: asyncio.StreamReader) -> bytes:
    """Read up to the lone dot. A doubled dot at a line's start stands for one (§4.5.2)."""
    lines, size = [], 0
    while (line := await reader.readline()) != b".\r\n":
        if not line:
            raise EOFError
        size += len(line)
        if size > SIZE_MAX:
            raise TooBig
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return b"".join(lines)
