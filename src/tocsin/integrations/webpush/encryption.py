"""Encrypt a message to one browser (RFC 8291 over RFC 8188), and prove who sends it (RFC 8292).

Both are some thirty lines over primitives of `cryptography`, which is kept up by many hands. The
packages for this (pywebpush, http-ece, py-vapid) are thin layers over the same primitives, bring
HTTP clients of their own that know nothing of our rules for going out, and see few releases.
"""

import os
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
KEY_BYTES = 32
RECORD_BYTES = 4096  # what every push service takes
OVERHEAD_BYTES = 16 + 4 + 1 + 65 + 1 + 16  # salt, record size, key's length, key, end mark, tag
PLAIN_MAX = RECORD_BYTES - OVERHEAD_BYTES
TOKEN_LASTS = timedelta(hours=12)  # of 24 that the RFC allows: clocks differ
_END = b"\x02"
_MAC_BYTES = 16


def new_key() -> bytes:
    """Return a new private key of P-256, 32 bytes."""
    numbers = ec.generate_private_key(CURVE).private_numbers()
    return numbers.private_value.to_bytes(KEY_BYTES)


def private_key(raw: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key of 32 bytes."""
    return ec.derive_private_key(int.from_bytes(raw), CURVE)


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public half, as an uncompressed point of 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def application_key(raw: bytes) -> str:
    """Return what a browser is given to subscribe with: the public half, as base64url."""
    return b64(public_point(private_key(raw)))


def encrypt(
    plain: bytes,
    *,
    p256dh: bytes,
    auth: bytes,
    ephemeral: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return the body of a push message in `aes128gcm`. Raises ValueError for a bad key.

    `plain` has at most `PLAIN_MAX` bytes. `ephemeral` and `salt` are for the RFC's own example.
    """
    if len(plain) > PLAIN_MAX:
        raise ValueError(f"a message has at most {PLAIN_MAX} bytes")
    ephemeral = ephemeral or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(16)
    browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, p256dh)
    own = public_point(ephemeral)
    shared = ephemeral.exchange(ec.ECDH(), browser)
    material = _expand(_extract(auth, shared), b"WebPush: info\0" + p256dh + own, 32)
    pseudorandom = _extract(salt, material)
    key = _expand(pseudorandom, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _expand(pseudorandom, b"Content-Encoding: nonce\0", 12)
    head = salt + RECORD_BYTES.to_bytes(4) + bytes([len(own)]) + own
    return head + AESGCM(key).encrypt(nonce, plain + _END, None)


def vapid(raw: bytes, *, audience: str, subject: str, now: datetime) -> str:
    """Return the Authorization header: a token for the origin `audience`, and the public key.

    `subject` is whom a push service may complain to: `mailto:` or `https:`.
    """
    key = private_key(raw)
    claims = {
        "aud": audience,
        "exp": int((now + TOKEN_LASTS).timestamp()),
        "sub": subject,
    }
    signed = ".".join(
        b64(msgspec.json.encode(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims)
    )
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = b64(r.to_bytes(KEY_BYTES) + s.to_bytes(KEY_BYTES))
    return f"vapid t={signed}.{signature}, k={b64(public_point(key))}"


def seal(raw: bytes, *parts: str) -> str:
    """Return what shows that a receipt is about a message of ours: nobody else can make it."""
    own = hmac_digest(raw, b"tocsin receipt", sha256)
    return b64(hmac_digest(own, "\0".join(parts).encode(), sha256)[:_MAC_BYTES])


def is_sealed(raw: bytes, given: str, *parts: str) -> bool:
    """Say whether `given` is what `seal` made of these parts."""
    return compare_digest(given.encode(), seal(raw, *parts).encode())


def b64(found: bytes) -> str:
    """Spell bytes in base64url without padding."""
    return urlsafe_b64encode(found).decode().rstrip("=")


def _extract(salt: bytes, material: bytes) -> bytes:
    return hmac_digest(salt, material, sha256)


def _expand(key: bytes, label: bytes, length: int) -> bytes:
    """Return the first block of HKDF, which is all that is needed here."""
    return hmac_digest(key, label + b"\x01", sha256)[:length]
