"""A token is recognised, and a mistyped one refused, before anybody looks it up."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.governance.core.token_text import ENTROPY_BYTES, PREFIX, compose, is_token

entropies = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KNOWN = "tocsin_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf4eY9uK"


@given(entropies)
def test_what_is_composed_is_a_token_of_the_form_that_scanners_know(entropy: bytes) -> None:
    token = compose(entropy)
    assert is_token(token)
    assert re.fullmatch(r"tocsin_[0-9A-Za-z]{49}", token)


@given(entropies, st.integers(min_value=0), st.sampled_from(DIGITS))
def test_one_wrong_character_is_noticed(entropy: bytes, at: int, digit: str) -> None:
    token = compose(entropy)
    at = len(PREFIX) + at % (len(token) - len(PREFIX))
    wrong = token[:at] + digit + token[at + 1 :]
    assert is_token(wrong) == (wrong == token)


@given(entropies, st.integers(min_value=0))
def test_two_swapped_characters_are_noticed(entropy: bytes, at: int) -> None:
    token = compose(entropy)
    at = len(PREFIX) + at % (len(token) - len(PREFIX) - 1)
    swapped = token[:at] + token[at + 1] + token[at] + token[at + 2 :]
    assert is_token(swapped) == (swapped == token)


@given(entropies, st.integers(min_value=1, max_value=20))
def test_a_token_that_is_cut_off_or_too_long_is_none(entropy: bytes, count: int) -> None:
    token = compose(entropy)
    assert not is_token(token[:-count])
    assert not is_token(token + "0" * count)
    assert not is_token(token + "\n")


@given(entropies, entropies)
def test_no_two_secrets_have_one_text(one: bytes, other: bytes) -> None:
    assert (compose(one) == compose(other)) == (one == other)


def test_the_form_stays_as_it_was_published() -> None:
    assert compose(bytes(32)) == "tocsin_" + "0" * 43 + compose(bytes(32))[-6:]
    # fixed, so that a change of the checksum, which would end every token, is noticed
    assert compose(bytes(range(32))) == KNOWN
    with pytest.raises(ValueError, match="32 bytes"):
        compose(b"short")
