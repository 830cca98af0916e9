"""The parking lot: MAY reactions that failed, tried again until they pass."""

from collections.abc import Awaitable, Callable

from tocsin.kernel.events import Catalog
from tocsin.kernel.jobs import backoff
from tocsin.kernel.logs import Log
from tocsin.kernel.reactions import Reactions, RetryReaction
from tocsin.kernel.unit import Unit

GIVE_UP_AFTER = 20
log = Log("parking")


def retrier(
    reactions: Reactions, catalog: Catalog
) -> Callable[[Unit, RetryReaction], Awaitable[None]]:
    """Return the timer's code: run the parked reaction again, in a savepoint of its own."""
    by_name = {reaction.name: reaction for row in reactions.values() for reaction in row}

    async def retry(unit: Unit, job: RetryReaction) -> None:
        cursor = await unit.conn.execute(
            """
            SELECT reaction, event_id, event, attempts
              FROM kernel.parked
             WHERE id = %(id)s
               FOR UPDATE
            """,
            {"id": job.parked_id},
        )
        row = await cursor.fetchone()
        if row is None:
            return
        name, event_id, text, attempts = row
        events, deferred = len(unit.events), len(unit.jobs)
        try:
            async with unit.conn.transaction():
                with unit.reacting(event_id):
                    await by_name[name].run(unit, catalog.decode_event(text))
                await unit.conn.execute(
                    "DELETE FROM kernel.parked WHERE id = %(id)s", {"id": job.parked_id}
                )
        except Exception as error:  # noqa: BLE001 - door: a parked reaction may fail for any reason
            del unit.events[events:], unit.jobs[deferred:]
            log.warning(
                "reaction.still_parked", reaction=name, attempts=attempts, error=str(error)
            )
            await unit.conn.execute(
                """
                UPDATE kernel.parked
                   SET attempts = attempts + 1, error = %(error)s
                 WHERE id = %(id)s
                """,
                {"id": job.parked_id, "error": f"{type(error).__name__}: {error}"[:2000]},
            )
            if attempts < GIVE_UP_AFTER:
                unit.defer(job, at=unit.now + 20 * backoff(attempts))
            else:
                log.error("reaction.given_up", reaction=name, parked_id=job.parked_id)

    return retry
