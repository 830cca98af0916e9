"""HTTPS without a proxy: the certificate, taken over again whenever its files change."""

import asyncio
import ssl
from pathlib import Path

from tocsin.kernel.errors import Invalid
from tocsin.kernel.logs import Log
from tocsin.kernel.settings import Settings

LOOK_S = 10.0
Stamp = tuple[tuple[int, int], ...]
log = Log("tls")


class Certificate:
    """A certificate and its key on disk, and the context that every new connection asks."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert, self._key = cert, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._taken = self._stamp()
        self._take(self.context)

    def renew(self) -> bool:
        """Take changed files over; the connections there are go on. False: there is nothing new.

        Raises Invalid for files that are no pair (they are written one after the other): then
        the certificate before stays, and they are looked at again.
        """
        stamp = self._stamp()
        if stamp == self._taken:
            return False
        self._take(
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        )  # what fails, fails beside the real one
        self._take(self.context)
        self._taken = stamp
        return True

    async def watch(self) -> None:
        """Look for renewed files until cancelled."""
        failed: Stamp = ()
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if self.renew():
                    log.info("tls.renewed", cert=self._cert)
            except Invalid as error:
                if (stamp := self._try_stamp()) != failed:  # once for each change
                    log.error("tls.not_renewed", why=error.detail)
                    failed = stamp

    def _take(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._cert, self._key, password=_no_password)
        except (OSError, ssl.SSLError) as error:  # its words may hold nothing of the key
            raise Invalid(
                f"TOCSIN_TLS_CERT and TOCSIN_TLS_KEY: {self._cert} and {self._key} are no"
                f" certificate with its unencrypted key ({error.strerror or type(error).__name__})",
                field="TOCSIN_TLS_CERT",
            ) from error

    def _stamp(self) -> Stamp:
        try:
            found = [path.stat() for path in (self._cert, self._key)]
        except OSError as error:
            raise Invalid(
                f"TOCSIN_TLS_CERT and TOCSIN_TLS_KEY: cannot read {error.filename}:"
                f" {error.strerror}",
                field="TOCSIN_TLS_CERT",
            ) from error
        return tuple((one.st_mtime_ns, one.st_ino) for one in found)

    def _try_stamp(self) -> Stamp:
        try:
            return self._stamp()
        except Invalid:
            return ()


def certificate(settings: Settings) -> Certificate | None:
    """Return the certificate of the settings; None: plain HTTP. Raises Invalid."""
    if not settings.tls_cert and not settings.tls_key:
        return None
    if not settings.tls_cert or not settings.tls_key:
        raise Invalid("TOCSIN_TLS_CERT and TOCSIN_TLS_KEY: set both, or neither")
    return Certificate(Path(settings.tls_cert), Path(settings.tls_key))


def _no_password() -> str:
    """Answer instead of asking on a terminal, where nobody sits."""
    return ""
