"""Whether the configuration that a unit has pinned is still in force."""

from psycopg.errors import SerializationFailure

from tocsin.kernel.resources import rows
from tocsin.kernel.unit import Unit


async def require_newest(unit: Unit) -> None:
    """Let the unit begin anew, by the newer configuration, where there is one by now.

    To be asked under the lock of a row that an edit of its resource locks too: an edit that
    has not committed by then comes afterwards, and sees what this unit has written.
    """
    if await rows.newest_revision(unit.conn) != unit.snapshot.revision:
        raise SerializationFailure("a newer configuration is in force")
