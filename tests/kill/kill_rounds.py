"""Round after round: let it work for a while, kill something, see it come back."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from random import Random

import psycopg
from kill_audit import check_standing, is_settled
from kill_server import READY_LIMIT_S, Tocsin, are_gone, until

SETTLE_LIMIT_S = 60.0


class Blow(StrEnum):
    """What a round kills."""

    SERVER = "server"  # every process of it
    POSTMASTER = "postmaster"  # the server must revive it by itself
    BOTH = "server and postmaster"
    PARENT = "parent"  # of several workers, which must not outlive it
    WORKER = "worker"  # the parent must replace it


class Rounds:
    """Kills, and measures how long each recovery takes."""

    def __init__(self, tocsin: Tocsin, rng: Random, blows: Sequence[Blow]) -> None:
        self._tocsin = tocsin
        self._rng = rng
        self._blows = blows
        self.recoveries_s: dict[Blow, list[float]] = {}

    async def run(self) -> None:
        """Deal every blow at its random instant."""
        for blow in self._blows:
            await asyncio.sleep(self._rng.uniform(0.2, 1.5))
            began = time.monotonic()
            await self._deal(blow)
            await self._tocsin.until_ready()
            self.recoveries_s.setdefault(blow, []).append(time.monotonic() - began)

    async def _deal(self, blow: Blow) -> None:
        tocsin = self._tocsin
        match blow:
            case Blow.SERVER:
                tocsin.kill_all()
                check_standing(tocsin.cluster.conninfo())
                tocsin.start(workers=self._rng.choice((1, 1, 2)))
            case Blow.BOTH:
                tocsin.kill_postmaster()
                tocsin.kill_all()
                tocsin.start(workers=self._rng.choice((1, 1, 2)))
            case Blow.POSTMASTER:
                dead = tocsin.kill_postmaster()
                await self._revived(dead)
            case Blow.PARENT:
                await self._with_workers()
                orphans = tocsin.children()
                tocsin.kill_parent()
                tocsin.start(workers=1)
                await until(
                    lambda: are_gone(orphans), limit_s=READY_LIMIT_S, what="orphans end"
                )
            case Blow.WORKER:
                await self._with_workers()
                tocsin.kill_worker(self._rng)
                await self._complete()

    async def _with_workers(self) -> None:
        if self._tocsin.workers == 1:
            self._tocsin.kill_all()
            self._tocsin.start(workers=2)
            await self._tocsin.until_ready()
            await asyncio.sleep(self._rng.uniform(0.2, 1.0))
        await self._complete()

    async def _complete(self) -> None:
        async def complete() -> bool:
            return len(self._tocsin.children()) == self._tocsin.workers

        await until(complete, limit_s=READY_LIMIT_S, what="all workers run")

    async def _revived(self, dead: int | None) -> None:
        async def revived() -> bool:
            living = self._tocsin.cluster.postmaster()
            return living is not None and living.pid != dead

        await until(revived, limit_s=READY_LIMIT_S, what="a new postmaster")


def blows(rng: Random, count: int) -> list[Blow]:
    """Choose what is killed: each kind at least once where `count` allows, servers most often."""
    weights = {
        Blow.SERVER: 8, Blow.POSTMASTER: 4, Blow.BOTH: 4, Blow.PARENT: 1, Blow.WORKER: 2,
    }  # fmt: skip
    sure = [Blow.SERVER, Blow.POSTMASTER, Blow.BOTH][:count]
    more = rng.choices(list(weights), list(weights.values()), k=count - len(sure))
    found = [*sure, *more]
    rng.shuffle(found)
    return found


async def until_settled(tocsin: Tocsin) -> float:
    """Wait until nothing is left to do; return how long that took."""

    async def settled() -> bool:
        try:
            return await asyncio.to_thread(is_settled, tocsin.cluster.conninfo())
        except psycopg.OperationalError:
            return False

    return await until(settled, limit_s=SETTLE_LIMIT_S, what="all work done")


def counted(dealt: Sequence[Blow]) -> dict[str, int]:
    """Count the blows by kind."""
    return {str(blow): n for blow, n in sorted(Counter(dealt).items())}
