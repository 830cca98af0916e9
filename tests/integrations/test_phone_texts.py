"""What leaves as text message, what is said in a call, and whose webhooks are believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sender_rigs import MESSAGE

from tocsin.integrations.sms.numbers import refuse
from tocsin.integrations.sms.text import SEPTETS_MAX, gsm, septets, short
from tocsin.integrations.twilio import twiml
from tocsin.integrations.twilio.client import Account
from tocsin.integrations.twilio.wire import TwilioWire, call_news, message_news, signed
from tocsin.kernel.errors import Forbidden, Invalid
from tocsin.oncall.core.phone import Script, read_text
from tocsin.oncall.core.receipt import ReceiptKind
from tocsin.oncall.core.reply import Reply, Unclear, Verb
from tocsin.oncall.core.verification import compose_code
from tocsin.oncall.model import MethodKind

ACCOUNT = Account(sid="AC" + "0" * 32, token="12345", sender="+15005550006")
# the example of https://www.twilio.com/docs/usage/security
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_text_is_longer_than_two_segments_or_has_a_letter_a_phone_does_not_know(
    subject: str, text: str
) -> None:
    for event in ("page", "test"):
        message = replace(MESSAGE, subject=subject, text=text, event=event)
        left = short(message, can_answer=True)
        assert septets(left) <= SEPTETS_MAX
        assert gsm(left) == left


def test_a_page_is_its_subject_the_keys_and_the_link() -> None:
    assert short(MESSAGE, can_answer=False).startswith("INC-7 SEV2 checkout: latency\n")
    left = short(
        replace(MESSAGE, subject="[INC-7] Köln \u2013 \u201cslow\u201d \u202etime"),
        can_answer=True,
    )
    assert left == (
        '[INC-7] Köln - "slow" time\nReply 4 ack, 6 escalate\nhttp://127.0.0.1/ack/abc'
    )
    alone = short(replace(MESSAGE, subject="[INC-7] " + "x" * 500), can_answer=False)
    assert alone.endswith("...\nhttp://127.0.0.1/ack/abc")
    assert "Reply" not in alone


def test_letters_without_a_likeness_are_marked_and_accents_fall() -> None:
    assert gsm("Çağrıyı 日本 café\u2026") == "Çagr?y? ?? café..."  # noqa: RUF001 - the very letter


def test_a_signature_is_that_of_the_documentation_and_of_nothing_else() -> None:
    wire = TwilioWire(ACCOUNT)
    found = wire.fields(FORM, urls=[URL], signature=SIGNATURE)
    assert found["Digits"] == "1234"
    with_port = URL.replace("mycompany.com", "mycompany.com:443")
    assert wire.fields(FORM, urls=[with_port], signature=SIGNATURE) == found
    for urls, body, signature in (
        ([URL + "&x=1"], FORM, SIGNATURE),
        ([URL], FORM + b"&x=1", SIGNATURE),
        ([URL], FORM, SIGNATURE.lower()),
        ([URL], FORM, ""),
        ([URL], FORM, "ä"),
        ([], FORM, SIGNATURE),
    ):
        with pytest.raises(Forbidden):
            wire.fields(body, urls=urls, signature=signature)


def test_repeated_fields_are_signed_once_each() -> None:
    pairs = [
        ("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"),
        ("Digits", "1234"),
    ]  # fmt: skip
    assert signed(URL, pairs, "12345") == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


def test_another_accounts_request_is_refused_whoever_signed_it() -> None:
    wire = TwilioWire(ACCOUNT)
    signature = signed(URL, [("AccountSid", "AC1")], "12345")
    with pytest.raises(Forbidden):
        wire.fields(b"AccountSid=AC1", urls=[URL], signature=signature)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=1"] * 300)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises((Invalid, Forbidden)):
        TwilioWire(ACCOUNT).fields(body, urls=[URL], signature="x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", Reply(verb=Verb.ACKNOWLEDGE)),
        (" 4. ", Reply(verb=Verb.ACKNOWLEDGE)),
        ("4 12", Reply(verb=Verb.ACKNOWLEDGE, number=12)),
        ("6 INC-12", Reply(verb=Verb.ESCALATE, number=12)),
        ("ack", Reply(verb=Verb.ACKNOWLEDGE)),
        ("Snooze 1h", Reply(verb=Verb.SNOOZE, for_s=3600)),
        ("STOP", None),
    ],
)
def test_a_text_message_is_a_key_or_words(text: str, expected: Reply | None) -> None:
    assert read_text(text) == expected


@pytest.mark.parametrize("text", ["", "42", "5", "on my way", "4" * 300])
def test_what_is_neither_does_nothing_and_says_what_would(text: str) -> None:
    found = read_text(text)
    assert isinstance(found, Unclear)
    assert "Reply 4" in found.words


def test_a_number_that_no_country_has_is_refused_without_being_quoted() -> None:
    assert refuse("+4915123456789") is None
    assert refuse("+15005550006") is None
    for number in ("+1500555000", "+150055500066", "+9991234567"):
        reason = refuse(number)
        assert reason is not None
        assert number not in reason


def test_an_alert_writes_no_twiml() -> None:
    nasty = "</Say><Dial>+1900</Dial>\x00&"
    for said in (
        twiml.call(Script(nasty, keys=True), 'https://x/"><Dial>1</Dial>'),
        twiml.text(nasty),
        twiml.speech(replace(MESSAGE, subject=nasty)),
    ):
        assert b"<Dial>" not in said
        assert b"\x00" not in said


def test_a_code_is_read_and_said_whole() -> None:
    for kind, expected in ((MethodKind.SMS, "123 456"), (MethodKind.VOICE, "1, 2, 3, 4, 5, 6")):
        said = compose_code("123456", kind)
        message = replace(MESSAGE, subject=said.subject, text=said.text, event="code")
        left = short(message, can_answer=True)
        if kind is MethodKind.VOICE:
            left = twiml.speech(message).decode()
        assert expected in left


def test_a_call_that_is_over_says_nothing_unless_somebody_took_it() -> None:
    assert call_news("completed", "") is None
    assert call_news("ringing", "") is None
    for status, by, kind in (
        ("completed", "human", ReceiptKind.DELIVERED),
        ("completed", "unknown", ReceiptKind.DELIVERED),
        ("completed", "machine_end_beep", ReceiptKind.UNDELIVERED),
        ("no-answer", "", ReceiptKind.UNDELIVERED),
    ):
        found = call_news(status, by)
        assert found is not None
        assert found[0] is kind
    assert message_news("queued", "") is None
    lost = message_news("undelivered", "30003")
    assert lost == (
        ReceiptKind.UNDELIVERED,
        "Twilio: undelivered 30003, the telephone is off or out of reach",
    )
