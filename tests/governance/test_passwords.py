"""Passwords are hashed slowly, few at once, and nobody can tell by the clock who exists."""

import asyncio
import threading

from argon2 import PasswordHasher, extract_parameters
from typing_extensions import override

from tocsin.governance import jobs
from tocsin.governance.jobs import Passwords
from tocsin.kernel.errors import TooMany

GOOD = "seven green parrots"


class Counting(PasswordHasher):
    """Counts how many verifications run at once, and against what."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.asked: list[str] = []
        self.now = self.most = 0
        self._lock = threading.Lock()

    @override
    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        with self._lock:
            self.asked.append(str(hash))
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.now -= 1


async def test_a_password_matches_itself_and_nothing_else() -> None:
    passwords = Passwords()
    stored = await passwords.hash(GOOD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert GOOD not in stored
    assert await passwords.matches(stored, GOOD)
    assert not await passwords.matches(stored, GOOD + " ")
    assert not await passwords.matches("no hash at all", GOOD)
    assert await passwords.hash(GOOD) != stored


async def test_one_password_has_one_hash_however_its_accents_are_typed() -> None:
    passwords = Passwords()
    assert await passwords.matches(
        await passwords.hash("caf\u00e9 au lait"), "cafe\u0301 au lait"
    )


async def test_who_does_not_exist_costs_as_much_as_who_does() -> None:
    counting = Counting()
    assert not await Passwords(counting).matches(None, GOOD)
    [asked] = counting.asked  # it was verified against something, not answered at once
    real = extract_parameters(await Passwords().hash(GOOD))
    assert extract_parameters(asked) == real


async def test_a_hash_of_older_parameters_is_renewed_and_a_new_one_is_not() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    passwords = Passwords()
    assert await passwords.matches(old, GOOD)
    renewed = await passwords.renewed(old, GOOD)
    assert renewed is not None
    assert await passwords.matches(renewed, GOOD)
    assert await passwords.renewed(renewed, GOOD) is None


async def test_few_are_hashed_at_once_and_a_flood_is_sent_away() -> None:
    counting = Counting()
    passwords = Passwords(counting)
    tries = [
        asyncio.ensure_future(passwords.matches(None, GOOD))
        for _ in range(jobs.WAITING_MAX + 10)
    ]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, TooMany) for one in found) == 10
    assert len(counting.asked) == jobs.WAITING_MAX
    assert 1 <= counting.most <= jobs.AT_ONCE
    assert not await passwords.matches(None, GOOD)  # and then there is room again


async def test_a_flood_frees_its_places_when_it_gives_up() -> None:
    passwords = Passwords(Counting())
    tries = [asyncio.ensure_future(passwords.hash(GOOD)) for _ in range(jobs.WAITING_MAX)]
    await asyncio.sleep(0)
    for one in tries:
        one.cancel()
    await asyncio.gather(*tries, return_exceptions=True)
    again = [passwords.hash(GOOD) for _ in range(jobs.WAITING_MAX + 1)]
    found = await asyncio.gather(*again, return_exceptions=True)
    assert [isinstance(one, TooMany) for one in found].count(True) == 1
    assert await passwords.hash(GOOD)
