"""Web push encryption is the RFCs' own, and only the browser that subscribed can read it."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from integrations.push_browser import PushBrowser, checked_token, unb64
from tocsin.integrations.webpush import encryption
from tocsin.integrations.webpush.encryption import PLAIN_MAX, b64

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
# RFC 8291, section 5 and appendix A
PLAIN = b"When I grow up, I want to be a watermelon"
SERVER = unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
BROWSER = unb64(
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SALT = unb64("DGv6ra1nlYgDCS1FRnbzlw")
AUTH = unb64("BTBZMqHH6r4Tts7J_aSIgg")
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_rfc_comes_out_letter_for_letter() -> None:
    body = encryption.encrypt(
        PLAIN, p256dh=BROWSER, auth=AUTH, ephemeral=encryption.private_key(SERVER), salt=SALT
    )
    assert b64(body) == BODY


@given(st.binary(max_size=PLAIN_MAX))
def test_what_is_encrypted_is_read_by_its_browser_and_fits_every_push_service(
    plain: bytes,
) -> None:
    browser = _BROWSER
    body = encryption.encrypt(plain, p256dh=browser.p256dh, auth=browser.auth)
    assert browser.decrypt(body) == plain
    assert len(body) <= 4096


def test_another_browser_reads_nothing_and_no_two_messages_are_alike() -> None:
    one, other = PushBrowser(), PushBrowser()
    bodies = [encryption.encrypt(PLAIN, p256dh=one.p256dh, auth=one.auth) for _ in range(2)]
    assert bodies[0] != bodies[1]
    with pytest.raises(InvalidTag):
        other.decrypt(bodies[0])


def test_what_is_too_long_or_for_no_browser_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        encryption.encrypt(b"x" * (PLAIN_MAX + 1), p256dh=_BROWSER.p256dh, auth=AUTH)
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        encryption.encrypt(PLAIN, p256dh=b"\x04" + bytes(64), auth=AUTH)


def test_the_token_says_for_whom_until_when_and_by_whom() -> None:
    key = encryption.new_key()
    header = encryption.vapid(
        key, audience="https://push.example.org", subject="mailto:ops@example.org", now=NOON
    )
    claims = checked_token(header, encryption.application_key(key))
    assert claims == {
        "aud": "https://push.example.org",
        "exp": int(NOON.timestamp()) + 12 * 3600,
        "sub": "mailto:ops@example.org",
    }
    assert json.dumps(claims)


def test_a_receipt_is_sealed_for_its_parts_alone() -> None:
    key = encryption.new_key()
    seal = encryption.seal(key, "device", "page/e0", "n/1")
    assert encryption.is_sealed(key, seal, "device", "page/e0", "n/1")
    assert not encryption.is_sealed(key, seal, "device", "page/e0", "n/2")
    assert not encryption.is_sealed(encryption.new_key(), seal, "device", "page/e0", "n/1")
    assert not encryption.is_sealed(key, "ä", "device", "page/e0", "n/1")


def test_keys_are_new_and_of_the_right_size() -> None:
    first, second = encryption.new_key(), encryption.new_key()
    assert first != second
    assert len(first) == 32
    point = unb64(encryption.application_key(first))
    ec.EllipticCurvePublicKey.from_encoded_point(encryption.CURVE, point)


_BROWSER = PushBrowser()
