"""Debian's Dovecot on loopback: one account, a mailbox over TLS, and mails that arrive in it."""

import datetime as dt
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.loopback import free_port

DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin:/usr/local/sbin")
NEEDS_DOVECOT = pytest.mark.skipif(
    DOVECOT is None or os.getuid() != 0,
    reason="the Debian package dovecot-imapd is not installed, or it cannot be run as root",
)
NOBODY = 65534  # a mailbox belongs to anybody but root
CONFIG = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap
ssl = required
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
mail_location = maildir:{home}/mail
passdb {{
  driver = static
  args = password=s3cret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {plain}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {secure}
  }}
}}
"""


class Mailserver:
    """Where the mailbox is; `arrive` puts a mail into it as a mail transport does."""

    def __init__(self, home: Path, secure: int, plain: int) -> None:
        self.url = f"imaps://tocsin:s3cret@127.0.0.1:{secure}/INBOX?verify=no"
        self.starttls_url = f"imap://tocsin:s3cret@127.0.0.1:{plain}/?verify=no"
        self._home = home
        self._numbers = count(1)

    def arrive(self, mail: EmailMessage) -> None:
        """Deliver one mail."""
        name = f"{int(time.time())}.{next(self._numbers)}.test"
        waiting = self._home / "mail" / "tmp" / name
        waiting.write_bytes(bytes(mail))
        os.chown(waiting, NOBODY, NOBODY)
        waiting.rename(self._home / "mail" / "new" / name)

    def seen(self) -> int:
        """Count the mails that are marked as read."""
        return len(list((self._home / "mail" / "cur").glob("*:2,*S*")))


@contextmanager
def dovecot_at(home: Path) -> Iterator[Mailserver]:
    """Run a mail server of its own in a folder that everybody may enter."""
    assert DOVECOT is not None
    home.chmod(0o755)
    secure, plain = free_port(), free_port()
    _certificate(home)
    for folder in (home / "mail", *(home / "mail" / name for name in ("tmp", "new", "cur"))):
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    os.chown(home, NOBODY, NOBODY)
    config = home / "dovecot.conf"
    config.write_text(
        CONFIG.format(home=home, secure=secure, plain=plain, uid=NOBODY, gid=NOBODY)
    )
    server = subprocess.Popen([DOVECOT, "-F", "-c", str(config)], cwd=home)
    try:
        _wait(home / "run" / "master.pid", server, home / "dovecot.log")
        yield Mailserver(home, secure, plain)
    finally:
        server.terminate()
        server.wait(10)


def _wait(sign: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while not sign.exists():
        text = log.read_text() if log.exists() else ""
        assert server.poll() is None, f"Dovecot ended:\n{text}"
        assert time.monotonic() < deadline, f"Dovecot does not start:\n{text}"
        time.sleep(0.05)


def _certificate(home: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (home / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
