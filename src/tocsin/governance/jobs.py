"""What takes long and happens outside any transaction: hashing passwords."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tocsin.governance.core.password import normal
from tocsin.kernel.errors import TooMany

T = TypeVar("T")
# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
AT_ONCE = 2  # 40 MiB at most, and the other cores stay with the pages
WAITING_MAX = 32  # longer than this nobody waits for a sign-in page
# of no password that anybody knows; of the same parameters, so that it takes as long
_NOBODYS = (
    "$argon2id$v=19$m=19456,t=2,p=1$j8URhyBUXM+5TY4ruolupQ"
    "$8uANCwsDBhFMcVaV4ROkPS1Ky/mo9a8UnWQp2IYJcrQ"
)


class Passwords:
    """Hashes and checks passwords, few at once, in threads: a flood of sign-ins stops no page."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting_count = 0

    async def hash(self, password: str) -> str:
        """Return what is stored of a password. Raises TooMany when too many wait."""
        plain = normal(password)
        return await self._bounded(lambda: self._hasher.hash(plain))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Say whether `password` is the one that was stored.

        For somebody who has none (None) it takes as long and says no, so that nobody can tell
        by the clock which names there are.
        """
        plain = normal(password)
        return await self._bounded(lambda: self._verify(stored, plain))

    async def renewed(self, stored: str, password: str) -> str | None:
        """Return a new hash of a password that matched, if parameters have changed since."""
        if not self._hasher.check_needs_rehash(stored):
            return None
        return await self.hash(password)

    def _verify(self, stored: str | None, plain: str) -> bool:
        try:
            self._hasher.verify(stored or _NOBODYS, plain)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    async def _bounded(self, act: Callable[[], T]) -> T:
        if self._waiting_count >= WAITING_MAX:
            raise TooMany("too many sign-ins at once; try again in a moment", retry_after_s=2)
        self._waiting_count += 1
        try:
            async with self._places:
                return await asyncio.to_thread(act)
        finally:
            self._waiting_count -= 1
