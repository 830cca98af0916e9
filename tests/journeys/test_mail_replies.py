"""A page is answered by a reply to its mail: a real mailbox, and a mail server on loopback."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hearing import hearing, is_in_state, said_how, states, until, verify

from fakes.world import World, running
from integrations.imap_peer import NEEDS_DOVECOT, Mailserver, dovecot_at
from integrations.loopback import Mailbox, mail_server
from tocsin.app.contacts import reply_address
from tocsin.integrations.smtp.send import Smtp
from tocsin.kernel.errors import Invalid
from tocsin.oncall.model import MethodKind

pytestmark = [
    pytest.mark.peer, pytest.mark.journey, pytest.mark.db, NEEDS_DOVECOT,
]  # fmt: skip
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@example.org}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{person: maya}], timeout: 5m}], ackTimeout: 30m}
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Mailserver]:
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-dovecot-") as home,
        dovecot_at(Path(home)) as found,
    ):
        yield found


@asynccontextmanager
async def paged(
    dsn: str, dovecot: Mailserver, imap_url: str = ""
) -> AsyncIterator[tuple[World, Mailbox]]:
    """Page Maya by mail; her address is proved."""
    with mail_server() as (mailbox, smtp_url):
        async with running(
            dsn, smtp_url=smtp_url, mail_from="Tocsin <tocsin@example.org>",
            imap_url=imap_url or dovecot.url,
        ) as world:  # fmt: skip
            settings = world.app.settings
            world.channels[MethodKind.EMAIL] = Smtp(
                smtp_url, sender=settings.mail_from, now=world.clock.now,
                reply_to=reply_address(settings),
            )  # fmt: skip
            await world.apply(PEOPLE)
            await verify(world, "maya", MethodKind.EMAIL, "maya@example.org")
            ends_at = world.clock.now() + timedelta(hours=9)
            await world.signal({"alertname": "CheckoutSlow"}, ends_at=ends_at)
            async with hearing(world):
                await until(lambda: is_connected(world), "connected")
                yield world, mailbox


async def is_connected(world: World) -> bool:
    return "mail-not-heard" not in (await world.http.get("/health/ready")).text


def reply_to(
    page: EmailMessage, text: str, sender: str = "Maya <Maya@Example.org>"
) -> EmailMessage:
    """Write what a mail program makes of an answer."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = page["Reply-To"] or page["From"]
    mail["Subject"] = f"Re: {page['Subject']}"
    mail["Message-ID"] = "<answer@example.org>"
    mail["In-Reply-To"] = page["Message-ID"]
    mail["References"] = f"{page['References']} {page['Message-ID']}"
    mail.set_content(f"{text}\r\n\r\nOn Monday Tocsin wrote:\r\n> [INC-1]\r\n")
    return mail


async def test_ack_as_the_first_line_of_a_reply_acknowledges(
    dsn: str, dovecot: Mailserver
) -> None:
    async with paged(dsn, dovecot) as (world, mailbox):
        (page,) = mailbox.mails
        assert page["Reply-To"] == "Tocsin <tocsin@example.org>"
        body = page.get_body(("plain",))
        assert body is not None
        assert "write ack, escalate or snooze 1h" in body.get_content()
        dovecot.arrive(reply_to(page, "Ack"))
        await until(lambda: is_in_state(world, "acknowledged"), "acknowledged")
        await until(lambda: has_mails(mailbox, 2), "an answer in words")
        await world.settle()
        assert await said_how(world) == [("e-mail reply",)]
        answer = mailbox.mails[-1]
        assert answer["To"].casefold() == "maya@example.org"
        assert "INC-1 acknowledged" in str(answer.get_body(("plain",)))
        assert dovecot.seen() >= 1


async def has_mails(mailbox: Mailbox, count: int) -> bool:
    return len(mailbox.mails) >= count


async def test_neither_a_forged_sender_nor_a_stolen_word_is_enough_and_nobody_is_answered(
    dsn: str, dovecot: Mailserver
) -> None:
    async with paged(dsn, dovecot) as (world, mailbox):
        (page,) = mailbox.mails
        forged = reply_to(page, "ack")
        del forged["References"]
        forged["References"] = f"<re.{'0' * 32}@example.org>"
        dovecot.arrive(forged)  # her address, without the word
        dovecot.arrive(reply_to(page, "ack", sender="Eve <eve@example.org>"))
        away = reply_to(page, "ack")
        away["Auto-Submitted"] = "auto-replied"
        dovecot.arrive(away)
        plain = EmailMessage()
        plain["From"] = "maya@example.org"
        plain.set_content("ack\r\n")
        dovecot.arrive(plain)
        # a last one that is heard says that those before it were
        dovecot.arrive(reply_to(page, "what is this about?"))
        await until(lambda: has_mails(mailbox, 2), "an answer to Maya")
        assert "I did nothing" in str(mailbox.mails[-1].get_body(("plain",)))
        assert mailbox.recipients.count("maya@example.org") + mailbox.recipients.count(
            "Maya@Example.org"
        ) == len(mailbox.mails)
        assert (await states(world))[-1] == "triggered"


async def test_html_alone_will_do_and_starttls_too(dsn: str, dovecot: Mailserver) -> None:
    async with paged(dsn, dovecot, dovecot.starttls_url) as (world, mailbox):
        (page,) = mailbox.mails
        mail = reply_to(page, "")
        mail.set_content(
            "<html><head><title>x</title><style>p {}</style></head><body><div>Snooze 2h</div>"
            "<blockquote>escalate</blockquote></body></html>", subtype="html",
        )  # fmt: skip
        dovecot.arrive(mail)
        await until(lambda: is_in_state(world, "snoozed"), "snoozed")


async def test_a_wrong_password_is_said_without_it(dsn: str, dovecot: Mailserver) -> None:
    wrong = dovecot.url.replace("s3cret", "wr0ng")
    with mail_server() as (_, smtp_url):
        async with running(dsn, smtp_url=smtp_url, imap_url=wrong) as world:
            (listening,) = world.app.listening
            assert await listening.round() > 0
            ready = (await world.http.get("/health/ready")).json()
            assert "check TOCSIN_IMAP_URL" in str(ready["warnings"])
            assert "wr0ng" not in str(ready)


@pytest.mark.parametrize("url", ["http://h", "imaps://h", "imaps://u:p@h?x=1"])
async def test_a_mailbox_that_makes_no_sense_is_refused_at_the_start(
    dsn: str, url: str
) -> None:
    with pytest.raises(Invalid, match="TOCSIN_IMAP_URL"):
        async with running(dsn, smtp_url="smtp://127.0.0.1", imap_url=url):
            pass
