"""Can alerts be taken and pages sent? The answer behind `/health/ready`, `doctor` and the banner."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.governance import reads as access
from tocsin.kernel import jobs as job_rows
from tocsin.kernel import metrics
from tocsin.kernel.clock import MAX_SKEW_S, Clock, DatabaseClock
from tocsin.kernel.db_locks import blocker
from tocsin.kernel.db_trouble import WORDS, Trouble
from tocsin.kernel.db_watch import DatabaseWatch
from tocsin.kernel.resources import Store
from tocsin.kernel.settings import Settings
from tocsin.kernel.worker import Worker
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.jobs import SETTINGS
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel
from tocsin.signals import reads as signals
from tocsin.web import services

DUE_LAG_MAX_S = 30.0
BEAT_MAX_S = 10.0
MEASURE_LIMIT_S = 3.0
LOCKS_LIMIT_S = 1.0
_CHATS = frozenset({MethodKind.MATRIX, MethodKind.SLACK})
NAMED_MAX = 10  # kinds and fields that one warning names

OWN_BANNER = frozenset({"paging-held", *(one.code for one in Trouble)})
"""Problems that screens show without being told from here."""

SHOWN_WARNINGS = frozenset({"clock-skew"})


def skew_words(skew_s: float) -> str:
    """Say how this machine's clock is wrong; `skew_s` is the database's minus this machine's."""
    way = "behind" if skew_s > 0 else "ahead of"
    return (
        f"this machine's clock is {abs(skew_s):.1f} s {way} the database's, which counts; set"
        " it by NTP"
    )


class _Lags(Struct, frozen=True, kw_only=True):
    sort_s: float = 0.0
    due_s: float = 0.0
    unsealed_s: float = 0.0


class _Found:
    """What is wrong, by code and in words."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}
        self.warnings: dict[str, str] = {}


class Readiness:
    """Asks each part; remembers nothing."""

    def __init__(
        self,
        settings: Settings,
        watch: DatabaseWatch,
        clock: Clock,
        store: Store,
        worker: Worker,
        channels: Mapping[MethodKind, Channel],
    ) -> None:
        self._settings = settings
        self._watch = watch
        self._db = watch.db
        self._clock = clock
        self._store = store
        self._worker = worker
        self._channels = channels
        self.down: Callable[[], Sequence[str]] = list  # providers that are left alone
        self.listeners: Sequence[str] = ()  # connections that hear replies, by name
        self.shown: Mapping[str, str] = {}  # on screens, as of the last look
        self.refuses: Callable[[], Mapping[str, str]] = dict  # what intake tells senders now

    def words(self) -> tuple[str, ...]:
        """Return what screens say, without a look."""
        return tuple(self.shown.values())

    async def check(self) -> services.Readiness:
        """Measure now, set the gauges, and say what is wrong in words."""
        found = _Found()
        trouble = await self._watch.fresh()
        lags = await self._database(found, trouble)
        skew_s = self._clock.skew_s if isinstance(self._clock, DatabaseClock) else 0.0
        metrics.SKEW.set(skew_s)
        if abs(skew_s) > MAX_SKEW_S:
            found.warnings["clock-skew"] = skew_words(skew_s)
        if lags.sort_s > self._settings.lag_limit_s:
            found.problems["sorting-behind"] = f"sorting is {lags.sort_s:.0f} s behind"
        if lags.due_s > DUE_LAG_MAX_S:
            found.problems["timers-late"] = f"the oldest due timer is {lags.due_s:.0f} s late"
        silent_s = (self._clock.now() - self._worker.beat_at).total_seconds()
        if "work" in self._settings.roles and silent_s > BEAT_MAX_S:
            found.problems["worker-silent"] = (
                f"the worker has not looked for jobs for {silent_s:.0f} s"
            )
        if "accept" in self._settings.roles:  # what a sender hears now, whatever was measured
            found.problems.update(self.refuses())
        self._configuration(found)
        self._show(found)
        return services.Readiness(
            ready=not found.problems, problems=tuple(found.problems.values()),
            warnings=tuple(found.warnings.values()),
            codes=(*found.problems, *found.warnings), database=trouble or "ok",
            sort_lag_s=lags.sort_s, due_lag_s=lags.due_s, skew_s=skew_s,
            unsealed_s=lags.unsealed_s,
        )  # fmt: skip

    def _show(self, found: _Found) -> None:
        shown = {one: words for one, words in found.warnings.items() if one in SHOWN_WARNINGS}
        problems = {
            code: words for code, words in found.problems.items() if code not in OWN_BANNER
        }
        self.shown = problems | shown

    async def _database(self, found: _Found, trouble: Trouble | None) -> _Lags:
        """Measure what waits, unless the database is known not to answer."""
        if trouble is Trouble.SLOW:
            found.warnings[trouble.code] = self._watch.words
        elif trouble is not None:
            found.problems[trouble.code] = self._watch.words or WORDS[trouble]
        if trouble not in (None, Trouble.SLOW, Trouble.READ_ONLY, Trouble.FULL):
            return _Lags()
        lags: _Lags | None
        try:
            async with asyncio.timeout(MEASURE_LIMIT_S), self._db.connection() as conn:
                lags = await self._measure(conn)
                await self._paging(found, conn)
                await self._replies(found, conn)
        except Exception as error:  # noqa: BLE001 - door: whatever fails, the answer is "not ready"
            lags = None
            if not found.problems:
                words = f"{WORDS[Trouble.UNREACHABLE]} ({type(error).__name__})"
                found.problems[Trouble.UNREACHABLE.code] = words
        await self._locks(found)  # also where nothing is late yet: screens wait for them, too
        return lags or _Lags()

    async def _paging(self, found: _Found, conn: AsyncConnection[Any]) -> None:
        held = await oncall.held_paging(conn)
        if held is not None:
            found.problems["paging-held"] = (
                f"paging is held since {held.held_at:%Y-%m-%d %H:%M} UTC ({held.reason}): nobody"
                " is called until somebody releases it; see `tocsin paging release`"
            )

    async def _replies(self, found: _Found, conn: AsyncConnection[Any]) -> None:
        """Name the connections by which nothing is heard: pages go out all the same."""
        if not self.listeners:
            return
        known = {one.name: one for one in await oncall.listeners(conn)}
        for name in self.listeners:
            row = known.get(name)
            if row is None or row.connected_at is None or row.leased_until is None:
                why = (row.error if row else "") or "not connected yet"
            elif row.leased_until < self._clock.now():
                why = "no process listens"
            else:
                continue
            found.warnings[f"{name}-not-heard"] = f"replies by {name} are not heard: {why}"

    async def _locks(self, found: _Found) -> None:
        """Name who holds up our statements, if it is another program."""
        try:
            async with asyncio.timeout(LOCKS_LIMIT_S), self._db.connection() as conn:
                held_up = await blocker(conn)
        except (psycopg.Error, TimeoutError):
            return
        if held_up is not None:
            found.problems.pop(Trouble.UNREACHABLE.code, None)
            found.problems["database-locked"] = held_up

    async def _measure(self, conn: AsyncConnection[Any]) -> _Lags:
        now = self._clock.now()
        oldest_at = await signals.oldest_at(conn)
        sort_lag_s = max(0.0, (now - oldest_at).total_seconds()) if oldest_at else 0.0
        due_lag_s = await job_rows.lag_s(conn, now)
        cursor = await conn.execute(
            """
            SELECT (SELECT extract(epoch FROM clock_timestamp() - min(stamp))
                      FROM kernel.intake_log),
                   (SELECT count(*) FROM kernel.parked)
            """
        )
        row = await cursor.fetchone()
        unsealed_s = float(row[0] or 0.0) if row else 0.0
        metrics.SORT_LAG.set(sort_lag_s)
        metrics.DUE_LAG.set(due_lag_s)
        metrics.UNSEALED.set(unsealed_s)
        metrics.PARKED.set(row[1] if row else 0)
        metrics.OPEN_PAGES.set(await oncall.open_count(conn))
        backup = await access.last_backup(conn)
        age_s = (now - backup.taken_at).total_seconds() if backup else float("inf")
        metrics.BACKUP_AGE.set(age_s)
        return _Lags(sort_s=sort_lag_s, due_s=due_lag_s, unsealed_s=unsealed_s)

    def _newer(self, found: _Found) -> None:
        """Name what a newer release has stored that this process does without."""
        if unread := self._store.unread:
            found.problems["resources-not-understood"] = "; ".join(unread)
        if newer := self._store.newer:
            more = len(newer) - NAMED_MAX
            named = ", ".join(newer[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
            found.warnings["newer-resources"] = (
                f"a newer release has stored what this one ignores: {named}; upgrade this node"
            )

    def _configuration(self, found: _Found) -> None:
        self._newer(found)
        directory = self._store.current.part(Directory)
        if not directory.policies:
            found.warnings["no-policy"] = (
                "no escalation policy is configured, so every page is UNPAGEABLE;"
                " see `tocsin apply`"
            )
        by_mail = [
            method
            for person in directory.people.values()
            for method in person.methods
            if method.kind is MethodKind.EMAIL
        ]
        if by_mail and MethodKind.EMAIL not in self._channels:
            found.problems["no-mail-server"] = (
                "people are paged by e-mail, but TOCSIN_SMTP_URL is not set"
            )
        self._telephone(found, directory)

    def _telephone(self, found: _Found, directory: Directory) -> None:
        if down := self.down():
            found.warnings["providers-down"] = (
                f"messages by {', '.join(down)} fail, and go by other methods meanwhile"
            )
        used = {m.kind for person in directory.people.values() for m in person.methods}
        for kind in sorted(used & _CHATS - self._channels.keys()):
            found.problems[f"no-{kind}"] = (
                f"people are paged by {kind}, but {SETTINGS[kind]} is not set"
            )
        if MethodKind.SMS in used and MethodKind.SMS not in self._channels:
            found.problems["no-sms"] = (
                "people are paged by SMS, but neither TOCSIN_SMS_URL nor TOCSIN_TWILIO_ACCOUNT"
                " is set"
            )
        if MethodKind.VOICE in used and MethodKind.VOICE not in self._channels:
            found.problems["no-voice"] = (
                "people are called, but no TOCSIN_TWILIO_ACCOUNT with a number is set"
            )
