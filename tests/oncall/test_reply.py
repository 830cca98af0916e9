"""What people write to Tocsin: read tolerantly, done only when nothing of it is unclear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.oncall.core.reply import Reply, Unclear, Verb, read


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("!ack", Reply(verb=Verb.ACKNOWLEDGE)),
        ("  ! ACK  ", Reply(verb=Verb.ACKNOWLEDGE)),
        ("/tocsin ack", Reply(verb=Verb.ACKNOWLEDGE)),
        ("tocsin: ack inc-12", Reply(verb=Verb.ACKNOWLEDGE, number=12)),
        ("!tocsin Acknowledge INC 12.", Reply(verb=Verb.ACKNOWLEDGE, number=12)),
        ("!ack #12", Reply(verb=Verb.ACKNOWLEDGE, number=12)),
        ("!ack 12 please", Reply(verb=Verb.ACKNOWLEDGE, number=12)),
        ("!ack all", Reply(verb=Verb.ACKNOWLEDGE, is_all=True)),
        ("!escalate", Reply(verb=Verb.ESCALATE)),
        ("!esc INC-3", Reply(verb=Verb.ESCALATE, number=3)),
        ("!snooze 1h", Reply(verb=Verb.SNOOZE, for_s=3600)),
        ("!snooze INC-12 for 1h30m", Reply(verb=Verb.SNOOZE, number=12, for_s=5400)),
        ("!snooze 2 hours inc-12", Reply(verb=Verb.SNOOZE, number=12, for_s=7200)),
        ("/tocsin", Reply(verb=Verb.HELP)),
        ("!help me", Reply(verb=Verb.HELP)),
        ("\u200b!\uff41\uff43\uff4b\u00a0INC\u201112", None),
    ],
)
def test_what_can_be_said_in_a_room(text: str, reply: Reply | None) -> None:
    found = read(text, is_direct=False)
    assert found == reply if reply is not None else not isinstance(found, Reply)


@pytest.mark.parametrize("text", ["", "ack", "hello all", "!deploy", "ack!", "\n\n", "!!", "?"])
def test_what_is_not_said_to_tocsin_in_a_room_is_left_alone(text: str) -> None:
    assert read(text, is_direct=False) is None


@pytest.mark.parametrize(
    "text",
    ["thanks", "ack? what is this", "don't ack", "ack INC-12 INC-13", "ack INC-12 all",
     "escalate all", "snooze", "snooze 30", "snooze 0m", "snooze 90d", "resolve INC-12",
     "ack allegedly", "ack 12345678901234"],
)  # fmt: skip
def test_what_is_unclear_does_nothing_and_says_what_would(text: str) -> None:
    found = read(text, is_direct=True)
    assert isinstance(found, Unclear)
    assert "ack" in found.words or "snooze" in found.words


def test_of_a_mail_the_first_line_counts() -> None:
    mail = "\r\n  Ack\r\n\r\nOn Monday Tocsin wrote:\r\n> escalate\r\n"
    assert read(mail, is_direct=True) == Reply(verb=Verb.ACKNOWLEDGE)


@given(st.text(max_size=500), st.booleans())
def test_no_text_breaks_it_and_none_of_another_language_acts(
    text: str, is_direct: bool
) -> None:
    found = read(text, is_direct=is_direct)
    if isinstance(found, Reply):
        assert found.number is None or 0 <= found.number < 10**9
        assert 0 <= found.for_s <= 30 * 86_400
        assert not (found.is_all and found.verb is not Verb.ACKNOWLEDGE)


@given(
    st.sampled_from(["ack", "escalate", "snooze 5m"]), st.integers(1, 10**8), st.sampled_from(
        ["!{} INC-{}", "/tocsin {}  inc{}", "!  {}\tINC-{} ", "tocsin {} #{}"]
    )
)  # fmt: skip
def test_case_and_space_do_not_matter(verb: str, number: int, shape: str) -> None:
    plain = read(shape.format(verb, number), is_direct=False)
    loud = read(shape.format(verb, number).upper().replace(" ", "   "), is_direct=False)
    assert isinstance(plain, Reply)
    assert plain == loud
    assert plain.number == number
