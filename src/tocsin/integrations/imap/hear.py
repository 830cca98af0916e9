"""Hear what people answer by mail: look into a mailbox, and be told when something arrives."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tocsin.integrations.imap.client import Account, Imap, ImapError, Line, account, quoted
from tocsin.integrations.imap.mail import Answer, read
from tocsin.kernel.logs import Log
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel, Deaf, Ear, Outgoing, Said, Sent

LOOK_S = 10.0
IDLE_S = 60.0
MAIL_MAX = 262_144  # of a larger mail the beginning is read
AT_ONCE_MAX = 200
_NUMBER = re.compile(rb"\[(UIDVALIDITY|UIDNEXT) (\d{1,10})\]", re.IGNORECASE)
log = Log("mail")


class Mailbox:
    """One mailbox over IMAP. Mails that were there before the first look are left alone."""

    name = "mail"

    def __init__(self, url: str, *, answers: Channel) -> None:
        """Answer by `answers`, a mail server. Raises ValueError for a bad URL."""
        self._account: Account = account(urlsplit(url))
        self._answers = answers

    async def listen(self, ear: Ear) -> None:
        """Read what arrives until the connection breaks. Raises Deaf."""
        try:
            async with Imap(self._account) as imap:
                validity, last = await self._select(imap, ear.position)
                await ear.keep(f"{validity}:{last}")
                await ear.connected()
                while True:
                    before, last = last, await self._look(imap, ear, validity, last)
                    if last == before:
                        await imap.wait(IDLE_S if "IDLE" in imap.capabilities else LOOK_S)
        except ImapError as failed:
            raise Deaf(str(failed)) from None
        except TimeoutError:
            raise Deaf("the mail server does not answer") from None
        except OSError as failed:
            raise Deaf(f"cannot reach the mail server: {type(failed).__name__}") from None

    async def _select(self, imap: Imap, position: str) -> tuple[int, int]:
        """Open the mailbox; return which numbering counts in it, and the last mail that was read."""
        found = {"UIDVALIDITY": 0, "UIDNEXT": 1}
        for line in await imap.ask(f"SELECT {quoted(self._account.mailbox)}"):
            for name, number in _NUMBER.findall(line.text):
                found[name.decode().upper()] = int(number)
        validity, newest = found["UIDVALIDITY"], found["UIDNEXT"] - 1
        known, _, last = position.partition(":")
        if known == str(validity) and last.isdigit():
            return validity, int(last)
        return validity, newest

    async def _look(self, imap: Imap, ear: Ear, validity: int, last: int) -> int:
        numbers: list[int] = []
        for line in await imap.ask(f"UID SEARCH UID {last + 1}:*"):
            if line.text.upper().startswith(b"* SEARCH"):
                numbers += [int(word) for word in line.text.split()[2:] if word.isdigit()]
        # of an empty range "*" names the newest mail, however old it is
        for number in sorted(one for one in numbers if one > last)[:AT_ONCE_MAX]:
            await self._hear(imap, ear, f"{validity}/{number}", number)
            last = number
            await ear.keep(f"{validity}:{last}")
        return last

    async def _hear(self, imap: Imap, ear: Ear, name: str, number: int) -> None:
        lines = await imap.ask(f"UID FETCH {number} (BODY.PEEK[]<0.{MAIL_MAX}>)")
        raw = _body(lines)
        answer = read(raw) if raw else None
        if answer is None or not answer.word:
            return
        words = await ear.hear(
            Said(
                kind=MethodKind.EMAIL, id=name, sender=answer.sender, text=answer.text,
                word=answer.word, is_direct=True,
            )
        )  # fmt: skip
        await imap.ask(f"UID STORE {number} +FLAGS.SILENT (\\Seen)")
        if words:
            await self._answer(answer, words, name)

    async def _answer(self, answer: Answer, words: str, name: str) -> None:
        """Say by mail what came of it; only to who has answered a mail of ours."""
        subject = (
            answer.subject if answer.subject[:3].lower() == "re:" else f"Re: {answer.subject}"
        )
        outcome = await self._answers.send(
            Outgoing(
                to=answer.sender, subject=subject, text=f"{words}\n", key=f"answer/{name}",
                event="answer", thread=answer.message_id,
            )
        )  # fmt: skip
        if not isinstance(outcome, Sent):
            log.warning("answer.failed", reason=type(outcome).__name__)


def _body(lines: Sequence[Line]) -> bytes:
    """Return the mail of a FETCH; empty when it is gone by now."""
    return next((line.literals[0] for line in lines if line.literals), b"")
