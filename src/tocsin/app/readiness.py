"""Can alerts be taken and pages sent? The answer behind `/health/ready`, `doctor` and the banner."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection

from tocsin.kernel import jobs as job_rows
from tocsin.kernel import metrics
from tocsin.kernel.clock import MAX_SKEW_S, Clock, DatabaseClock
from tocsin.kernel.db import Database
from tocsin.kernel.resources import Store
from tocsin.kernel.settings import Settings
from tocsin.kernel.worker import Worker
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel
from tocsin.signals import reads as signals
from tocsin.web import services

DUE_LAG_MAX_S = 30.0
BEAT_MAX_S = 10.0


class Readiness:
    """Asks each part; remembers nothing."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        clock: Clock,
        store: Store,
        worker: Worker,
        channels: Mapping[MethodKind, Channel],
    ) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._store = store
        self._worker = worker
        self._channels = channels

    async def check(self) -> services.Readiness:
        """Measure now, set the gauges, and say what is wrong in words."""
        problems: list[str] = []
        lags = (0.0, 0.0, 0.0)
        try:
            async with self._db.connection() as conn:
                lags = await self._measure(conn)
        except Exception as error:  # noqa: BLE001 - door: whatever fails, the answer is "not ready"
            problems.append(f"the database does not answer ({type(error).__name__})")
        sort_lag_s, due_lag_s, unsealed_s = lags
        skew_s = self._clock.skew_s if isinstance(self._clock, DatabaseClock) else 0.0
        metrics.SKEW.set(skew_s)
        if sort_lag_s > self._settings.lag_limit_s:
            problems.append(f"sorting is {sort_lag_s:.0f} s behind")
        if due_lag_s > DUE_LAG_MAX_S:
            problems.append(f"the oldest due timer is {due_lag_s:.0f} s late")
        if abs(skew_s) > MAX_SKEW_S:
            problems.append(f"this machine's clock is {skew_s:+.1f} s off the database's")
        silent_s = (self._clock.now() - self._worker.beat_at).total_seconds()
        if "work" in self._settings.roles and silent_s > BEAT_MAX_S:
            problems.append(f"the worker has not looked for jobs for {silent_s:.0f} s")
        warnings = self._warnings(problems)
        return services.Readiness(
            ready=not problems, problems=tuple(problems), warnings=warnings,
            sort_lag_s=sort_lag_s, due_lag_s=due_lag_s, skew_s=skew_s, unsealed_s=unsealed_s,
        )  # fmt: skip

    async def _measure(self, conn: AsyncConnection[Any]) -> tuple[float, float, float]:
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
        return sort_lag_s, due_lag_s, unsealed_s

    def _warnings(self, problems: list[str]) -> tuple[str, ...]:
        directory = self._store.current.part(Directory)
        warnings = []
        if not directory.policies:
            warnings.append(
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
            problems.append("people are paged by e-mail, but TOCSIN_SMTP_URL is not set")
        return tuple(warnings)
