"""What an operator changes while Tocsin runs."""

from datetime import timedelta

from tocsin.governance.events import BackupMade, LogLevelChanged
from tocsin.governance.model import Backup, Level, LogLevel
from tocsin.governance.store import backups
from tocsin.governance.store import log_level as rows
from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit

LASTS_MAX_S = 7 * 24 * 3600


async def change_log_level(unit: Unit, level: Level, lasts_s: int) -> LogLevel:
    """Let every process log at `level` for a while, within seconds. Raises Invalid."""
    unit.require("system:operate")
    unit.require_on("system:operate", None)
    if not 0 < lasts_s <= LASTS_MAX_S:
        raise Invalid("for: at least 1s and at most 7d; set TOCSIN_LOG_LEVEL", field="for")
    chosen = LogLevel(level=level, until=unit.now + timedelta(seconds=lasts_s))
    await rows.choose_log_level(unit.conn, chosen)
    unit.record(LogLevelChanged(level=level, until=chosen.until))
    return chosen


async def reset_log_level(unit: Unit) -> None:
    """Let every process log as its settings say."""
    unit.require("system:operate")
    unit.require_on("system:operate", None)
    if await rows.log_level(unit.conn, unit.now) is not None:
        await rows.forget_log_level(unit.conn)
        unit.record(LogLevelChanged(level=None, until=None))


async def note_backup(unit: Unit, backup: Backup) -> None:
    """Put into the log that the whole database was written to a file, and when it was so."""
    unit.require("system:operate")
    unit.require_on("system:operate", None)
    await backups.keep_last_backup(unit.conn, backup)
    unit.record(
        BackupMade(taken_at=backup.taken_at, row_count=backup.row_count, bytes=backup.bytes)
    )
