"""Asks the server that runs how it is, from the host that it runs on."""

from collections.abc import Sequence

import httpx
from msgspec import Struct

from tocsin.kernel.settings import Settings

LIMIT_S = 2.0
WORDS_MAX = 200


class Said(Struct, frozen=True, kw_only=True):
    """What the server says is wrong, or why it cannot be asked."""

    problems: Sequence[str]
    warnings: Sequence[str] = ()


async def ask(settings: Settings) -> Said | None:
    """Ask by TOCSIN_URL, else where the server listens; None where nothing listens at either."""
    failed: dict[str, Exception] = {}
    async with httpx.AsyncClient(timeout=LIMIT_S) as client:
        for url in dict.fromkeys((settings.base_url, settings.bound_url)):
            try:
                found = (await client.get(f"{url}/health/ready")).json()
                problems, warnings = list(found["problems"]), list(found["warnings"])
            except (
                httpx.HTTPError,
                httpx.InvalidURL,
                ValueError,
                KeyError,
                TypeError,
            ) as error:
                failed[url] = error
                continue
            if failed:  # links may lead astray, and commands do
                warnings.append(f"TOCSIN_URL is not reached from this host: {_words(failed)}")
            return Said(problems=problems, warnings=warnings)
    if all(_is_refused(error) for error in failed.values()):
        return None
    why = f"cannot be asked whether it is ready: {_words(failed)}"
    return Said(problems=[f"{why}; doctor must reach TOCSIN_URL as its users do"])


def _words(failed: dict[str, Exception]) -> str:
    """Say the first failure; where it was no answer of Tocsin's, that, and never an address."""
    error = next(one for one in failed.values() if not _is_refused(one) or len(failed) == 1)
    if not isinstance(error, httpx.HTTPError):
        return "what answers there is not Tocsin"
    words = f"{type(error).__name__}: {error}"[:WORDS_MAX]
    is_unknown = "CERTIFICATE_VERIFY_FAILED" in words
    return f"{words} (name its authority in SSL_CERT_FILE)" if is_unknown else words


def _is_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False
