"""A mailbox that is flooded is read to its end, in bites; a server that says too much is left."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tocsin.integrations.imap import client
from tocsin.integrations.imap.client import Account, Imap, ImapError
from tocsin.integrations.imap.hear import AT_ONCE_MAX, MAIL_MAX, Mailbox
from tocsin.oncall.ports import Deaf, Outcome, Outgoing, Said, Sent

WORD = "a" * 32


class Flooded:
    """A mail server of a few lines: as many mails as it is told, each an answer to a page."""

    def __init__(self, newest: int = 0) -> None:
        self.newest = newest
        self.uidnext = 1
        self.asked: list[str] = []
        self.search: Callable[[int], bytes] | None = None
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        try:
            while line := (await reader.readuntil(b"\r\n")).decode().strip():
                tag, _, command = line.partition(" ")
                self.asked.append(command)
                said = self.answer(command)
                if said is None:
                    break  # it hangs up
                writer.write(said + f"{tag} OK done\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def answer(self, command: str) -> bytes | None:  # noqa: PLR0911 - one each
        if command == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n"
        if command.startswith("SELECT"):
            return f"* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT {self.uidnext}] x\r\n".encode()
        if found := re.fullmatch(r"UID SEARCH UID (\d+):\*", command):
            first = int(found[1])
            if self.search is not None:
                return self.search(first)
            if first > self.newest:  # of an empty range * names the newest
                return None if self.newest else b"* SEARCH\r\n"
            numbers = " ".join(str(one) for one in range(first, self.newest + 1))
            return f"* SEARCH {numbers}\r\n".encode()
        if found := re.match(r"UID FETCH (\d+)", command):
            mail = self.mail(int(found[1]))
            head = f"* {found[1]} FETCH (UID {found[1]} BODY[]<0> {{{len(mail)}}}\r\n".encode()
            return head + mail + b")\r\n"
        return b""

    def mail(self, number: int) -> bytes:
        return (
            f"From: eve{number}@example.org\r\nSubject: x\r\n"
            f"In-Reply-To: <re.{WORD}@example.org>\r\n\r\nack {number}\r\n"
        ).encode()


@asynccontextmanager
async def flooded(server: Flooded) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield f"imap://tocsin:s3cret@127.0.0.1:{server.port}/INBOX?starttls=never"


class Ear:
    """Remembers what it hears and where it goes on."""

    def __init__(self, position: str = "") -> None:
        self.position = position
        self.said: list[Said] = []
        self.kept: list[str] = []

    async def connected(self) -> None:
        """Nothing is waited for."""

    async def hear(self, said: Said) -> str:
        self.said.append(said)
        return ""

    async def keep(self, position: str) -> None:
        self.kept.append(position)
        self.position = position


class Post:
    """Takes every answer."""

    async def send(self, message: Outgoing) -> Outcome:
        return Sent(message.key)


async def test_a_flood_is_heard_to_its_end_in_order_without_waiting_between() -> None:
    server = Flooded(newest=2 * AT_ONCE_MAX + 50)
    ear = Ear("7:0")
    async with flooded(server) as url:
        with pytest.raises(Deaf, match="broke off"):
            await Mailbox(url, answers=Post()).listen(ear)
    heard = [int(one.id.partition("/")[2]) for one in ear.said]
    assert heard == list(range(1, server.newest + 1))
    looks = [one for one in server.asked if one.startswith("UID SEARCH")]
    # a bite at a time, and each goes on where the one before has ended
    assert looks[:3] == [f"UID SEARCH UID {1 + n * AT_ONCE_MAX}:*" for n in range(3)]
    assert ear.kept[-1] == f"7:{server.newest}"


async def test_what_was_heard_before_the_connection_broke_is_not_heard_again() -> None:
    server = Flooded(newest=30)
    ear = Ear("7:0")
    async with flooded(server) as url:
        normal = server.answer

        def dies(command: str) -> bytes | None:
            return None if command.startswith("UID FETCH 20 ") else normal(command)

        server.answer = dies  # type: ignore[method-assign]
        with pytest.raises(Deaf):
            await Mailbox(url, answers=Post()).listen(ear)
        server.answer = normal  # type: ignore[method-assign]
        with pytest.raises(Deaf):
            await Mailbox(url, answers=Post()).listen(ear)
    assert [one.text.strip() for one in ear.said] == [f"ack {n}" for n in range(1, 31)]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"* SEARCH " + b"9" * (client.LINE_MAX + 10) + b"\r\n", "line is too long"),
        (b"* 1 EXISTS\r\n" * (client.LINES_MAX + 1), "says too much to UID"),
        (b"* 1 FETCH (BODY[] {%d}\r\n" % (client.LITERAL_MAX + 1), "larger than was asked"),
    ],
)
async def test_a_server_that_says_too_much_is_left_and_named(said: bytes, words: str) -> None:
    server = Flooded(newest=1)
    server.search = lambda _first: said
    async with flooded(server) as url:
        with pytest.raises(Deaf, match=words):
            await Mailbox(url, answers=Post()).listen(Ear("7:0"))


async def test_of_a_mailbox_that_nobody_has_read_the_numbers_fit_into_one_line() -> None:
    server = Flooded(newest=250_000)
    async with flooded(server):
        account = Account(
            host="127.0.0.1", port=server.port, user="u", password="p", mailbox="INBOX",
            is_tls=False, starttls=False, verify=False,
        )  # fmt: skip
        async with Imap(account) as imap:
            lines = await imap.ask("UID SEARCH UID 1:*")
            assert len(lines[0].text.split()) == 250_002
            with pytest.raises(ImapError):
                await imap.ask("UID SEARCH UID 999999999:*")


async def test_of_a_large_mail_the_beginning_is_asked_for() -> None:
    server = Flooded(newest=1)
    ear = Ear("7:0")
    async with flooded(server) as url:
        with pytest.raises(Deaf):
            await Mailbox(url, answers=Post()).listen(ear)
    assert f"UID FETCH 1 (BODY.PEEK[]<0.{MAIL_MAX}>)" in server.asked
    assert len(ear.said) == 1
