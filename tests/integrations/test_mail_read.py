"""Which mails are answers to pages, and what they say."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.integrations.imap.client import account, quoted
from tocsin.integrations.imap.mail import read

WORD = "0123456789abcdef" * 2


def answer(text: str = "ack\n", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Maya <maya@example.org>"
    mail["References"] = f"<t@h> <re.{WORD}@example.org> <m@h>"
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def test_an_answer_has_a_sender_a_word_and_a_first_line() -> None:
    found = read(bytes(answer()))
    assert found is not None
    assert (found.sender, found.word, found.text.splitlines()[0]) == (
        "maya@example.org", WORD, "ack",
    )  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"Return_Path": "<>"},
        {"X_Autoreply": "yes"},
        {"From": "a@example.org, b@example.org"},
        {"From": "nobody"},
        {"From": ""},
    ],
)
def test_machines_and_nobody_are_not_heard(headers: dict[str, str]) -> None:
    assert read(bytes(answer(**headers))) is None


def test_of_html_the_words_that_are_shown_count() -> None:
    mail = answer()
    mail.set_content("<style>x</style><p>ack<br>on it</p><blockquote>INC-1", subtype="html")
    found = read(bytes(mail))
    assert found is not None
    assert [one.strip() for one in found.text.splitlines() if one.strip()] == [
        "ack",
        "on it",
        "INC-1",
    ]


def test_an_unknown_charset_says_nothing() -> None:
    raw = bytes(answer()).replace(b'charset="utf-8"', b'charset="x-klingon"')
    found = read(raw)
    assert found is not None
    assert found.word == WORD


@given(st.binary(max_size=400))
def test_no_bytes_break_it(raw: bytes) -> None:
    read(raw)
    read(f"From: a@b.org\nReferences: <re.{WORD}@h>\n".encode() + raw)


@pytest.mark.parametrize(
    "head",
    [b"From: <@", b"From: a@", b'From: "', b"From: a@b.org\nMessage-ID: <a@["],
)
def test_a_mail_over_which_the_library_stumbles_is_no_answer(head: bytes) -> None:
    assert read(head + f"\nReferences: <re.{WORD}@h>\n\nack\n".encode()) is None


def test_mails_in_mails_without_end_are_no_answer() -> None:
    read(b"From: a@b.org\n" + b"Content-Type: message/rfc822\n\n" * 1500 + b"ack\n")


def test_a_mailbox_is_read_from_its_url() -> None:
    from urllib.parse import urlsplit

    found = account(
        urlsplit("imaps://tocsin%40example.org:p%2Fw@imap.example.org/Pages?verify=no")
    )
    assert (found.user, found.password, found.mailbox, found.port, found.verify) == (
        "tocsin@example.org", "p/w", "Pages", 993, False,
    )  # fmt: skip
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'
