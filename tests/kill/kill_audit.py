"""What must be true of the database, read in one snapshot, whoever has just been killed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import psycopg
from kill_clients import Sender
from kill_mail import Mail
from msgspec import Struct
from psycopg.rows import dict_row

from tocsin.kernel.events import leaf_hash
from tocsin.oncall.core.page import RETRIGGERS_MAX
from tocsin.oncall.model import Notification, key

SHOWN_MAX = 20

# each statement finds what must not be there
_STANDING = {
    "an open page without a timer of its epoch": """
        SELECT p.id, p.state, p.epoch
          FROM oncall.pages p
         WHERE (p.state IN ('triggered', 'escalating')
                OR (p.state = 'acknowledged' AND p.retriggers < %(retriggers_max)s))
           AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                            WHERE j.kind = 'oncall.page_timer' AND j.subject = p.id
                              AND j.epoch = p.epoch AND j.parked_at IS NULL)
    """,
    "a message to be sent that no job will send": """
        SELECT n.id, n.state, n.attempt_count
          FROM oncall.notifications n
         WHERE n.state IN ('queued', 'sending')
           AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                            WHERE j.kind = 'oncall.deliver' AND j.parked_at IS NULL
                              AND (j.body::jsonb ->> 'notification_id')::uuid = n.id)
    """,
    "a group that waits for nothing": """
        SELECT g.id, g.state, g.due_at
          FROM triage.groups g
         WHERE g.due_at IS NOT NULL AND g.state <> 'ended'
           AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                            WHERE j.kind = 'triage.group_due' AND j.subject = g.id
                              AND j.parked_at IS NULL)
    """,
    "a firing alert that no page was ever opened for": """
        SELECT a.id, a.group_id
          FROM triage.alerts a
         WHERE a.state = 'firing'
           AND NOT EXISTS (SELECT 1 FROM command.incident_groups c
                             JOIN oncall.pages p ON p.incident_id = c.incident_id
                            WHERE c.group_id = a.group_id)
    """,
    "a witness that the watchdog had to restore": """
        SELECT seq, line FROM kernel.log WHERE kind = 'oncall.witness_restored'
    """,
    "a receipt that is kept twice": """
        SELECT id, count(*)
          FROM (SELECT id FROM signals.inbox UNION ALL SELECT id FROM signals.receipts) r
         GROUP BY id HAVING count(*) > 1
    """,
    "a log that is not dense": """
        SELECT count(*), min(seq), max(seq), max(h.size)
          FROM kernel.log, kernel.log_head h
        HAVING count(*) <> max(h.size) OR min(seq) <> 0 OR max(seq) <> max(h.size) - 1
    """,
    "an event that is both sealed and not": """
        SELECT id FROM kernel.intake_log JOIN kernel.log USING (id)
    """,
    "a group with a wrong count of firing alerts": """
        SELECT g.id, g.firing_count, count(a.id)
          FROM triage.groups g
          LEFT JOIN triage.alerts a ON a.group_id = g.id AND a.state = 'firing'
         GROUP BY g.id HAVING g.firing_count <> count(a.id)
    """,
    "something that was given up": """
        SELECT id, reaction AS what, error FROM kernel.parked
        UNION ALL SELECT id, 'unsortable', error FROM signals.unsortable
        UNION ALL SELECT id, kind, last_error FROM kernel.jobs WHERE parked_at IS NOT NULL
    """,
}
_SETTLED = {
    "a signal that was not sorted": "SELECT id, received_at FROM signals.inbox",
    "an event that was not sealed": "SELECT id, kind FROM kernel.intake_log",
    "a message that was not sent": """
        SELECT id, state FROM oncall.notifications WHERE state IN ('queued', 'sending')
    """,
    "an errand that was not run": """
        SELECT id, kind, last_error FROM kernel.jobs WHERE mode = 'errand'
    """,
    "a message without an attempt that went through": """
        SELECT n.id, n.state
          FROM oncall.notifications n
         WHERE (n.state = 'sent') <> ((SELECT count(*) FROM oncall.attempts a
                                        WHERE a.notification_id = n.id
                                          AND a.outcome = 'sent') = 1)
    """,
}


class Tally(Struct, frozen=True, kw_only=True):
    """How much was looked at."""

    alerts: int
    receipts: int
    pages: int
    notifications: int
    attempts: int
    attempts_unknown: int  # killed between the begin and the record
    mails: int
    mails_repeated: int  # all of them inside the stated window
    log_records: int


class Audit:
    """One look at the database; a problem is a sentence."""

    def __init__(self, conn: psycopg.Connection[dict[str, Any]]) -> None:
        self._conn = conn
        self.problems: list[str] = []

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Run one SELECT."""
        return self._conn.execute(statement.encode(), values).fetchall()

    def say(self, what: str, found: Sequence[object]) -> None:
        """Note a problem where something was found."""
        if found:
            shown = "\n    ".join(str(one) for one in found[:SHOWN_MAX])
            self.problems.append(f"{what} ({len(found)}):\n    {shown}")

    def standing(self) -> None:
        """Look for what is wrong at any instant."""
        for what, statement in _STANDING.items():
            self.say(what, self.rows(statement, retriggers_max=RETRIGGERS_MAX))

    def settled(self) -> None:
        """Look for what is wrong once there was time to finish."""
        self.standing()
        for what, statement in _SETTLED.items():
            self.say(what, self.rows(statement))
        leaves = self.rows("SELECT seq, line, leaf FROM kernel.log")
        wrong = [r["seq"] for r in leaves if bytes(r["leaf"]) != leaf_hash(r["line"])]
        self.say("a leaf that is not its line's hash", wrong)

    def promises(self, senders: Iterable[Sender], *, others: str = "-") -> None:
        """Hold every 2xx against what is stored; instances that begin with `others` are no sender's."""
        stored: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows(
            "SELECT labels, state, fired_count, seen_count FROM triage.alerts"
        ):
            name = row["labels"].get("instance") or row["labels"]["source"]
            stored.setdefault(name, []).append(row)
        copies = self._copies()
        for sender in senders:
            for told in sender.alerts:
                instance = told.instance
                found = stored.pop(instance, [])
                self._alert(instance, told.labels, found)
                state = "firing" if told.is_firing else "resolved"
                for row in found:
                    if (row["state"], row["fired_count"]) != (state, told.fired_count):
                        self.say(f"{instance} is not {state}, x{told.fired_count}", [row])
                for post in told.posts:
                    count, tries = copies[instance, post], sender.tries[post]
                    if not 1 <= count <= tries:
                        self.say(
                            f"{instance} of {post}, sent {tries} x, kept {count} x", [post]
                        )
                count, tries = copies[instance, ""], sum(sender.tries[p] for p in told.ends)
                if not len(told.ends) <= count <= tries:
                    self.say(f"ends of {instance}, sent {tries} x, kept {count} x", [told.ends])
        strange = [one for one in stored if not one.startswith(others)]
        self.say("an alert that nobody sent", strange)

    def _alert(
        self, instance: str, labels: dict[str, str], found: list[dict[str, Any]]
    ) -> None:
        if len(found) != 1 or found[0]["labels"] != labels:
            self.say(f"{instance} exists {len(found)} x", [labels, *found])

    def _copies(self) -> Counter[tuple[str, str]]:
        """Count how often each alert of each post was kept; an end alone names no post."""
        copies: Counter[tuple[str, str]] = Counter()
        for row in self.rows("SELECT body FROM signals.receipts"):
            found = msgspec.json.decode(bytes(row["body"]))
            for alert in found if isinstance(found, list) else [found]:
                name = alert.get("labels", {}).get("instance") or alert["dedup_key"]
                copies[name, alert.get("annotations", {}).get("post", "")] += 1
        return copies

    def mails(self, accepted: Sequence[Mail]) -> int:
        """Hold every mail against its attempts; return how many came more than once."""
        names = ", ".join(f"n.{name}" for name in Notification.__struct_fields__)
        known = {
            key(msgspec.convert({k: row[k] for k in Notification.__struct_fields__}, Notification)): row
            for row in self.rows(f"""
                SELECT {names}, count(a.number) AS begun,
                       count(*) FILTER (WHERE a.outcome IS NULL OR a.outcome = 'transient')
                           AS open
                  FROM oncall.notifications n
                  JOIN oncall.attempts a ON a.notification_id = n.id
                 GROUP BY n.id
            """)
        }  # fmt: skip
        counts = Counter(mail.key for mail in accepted)
        self.say("a mail of no attempt", [k for k in counts if k not in known])
        self.say(
            "a key sent again outside the window",
            [
                (k, n, known[k])
                for k, n in counts.items()
                if k in known and n > 1 + known[k]["open"]
            ],
        )
        self.say(
            "a message recorded as sent that never arrived",
            [k for k, row in known.items() if row["state"] == "sent" and not counts[k]],
        )
        return sum(n - 1 for n in counts.values())

    def acknowledged(self, taken: Iterable[str]) -> None:
        """Hold every acknowledgement that got a 2xx against the log."""
        rows = self.rows("""
            SELECT DISTINCT unnest(subjects)::text AS page_id
              FROM kernel.log
             WHERE kind IN ('oncall.page_acknowledged', 'oncall.page_acknowledged_by_token')
        """)
        told = {row["page_id"] for row in rows}
        self.say("an acknowledgement that is not in the log", sorted(set(taken) - told))

    def tally(self, mails: Sequence[Mail], mails_repeated: int) -> Tally:
        """Count what was looked at."""
        return Tally(
            alerts=self._count("triage.alerts"),
            receipts=self._count("signals.receipts"),
            pages=self._count("oncall.pages"),
            notifications=self._count("oncall.notifications"),
            attempts=self._count("oncall.attempts"),
            attempts_unknown=self._count("oncall.attempts WHERE outcome IS NULL"),
            mails=len(mails),
            mails_repeated=mails_repeated,
            log_records=self._count("kernel.log"),
        )

    def _count(self, source: str) -> int:
        return int(self.rows(f"SELECT count(*) AS n FROM {source}")[0]["n"])

    def insist(self) -> None:
        """Fail with every problem that was found."""
        assert not self.problems, "\n".join(self.problems)


def snapshot(conninfo: str) -> psycopg.Connection[dict[str, Any]]:
    """Open a connection whose statements all see the same instant."""
    conn = psycopg.connect(conninfo, row_factory=dict_row)
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    return conn


def check_standing(conninfo: str) -> None:
    """Look once for what must hold at any instant."""
    with snapshot(conninfo) as conn:
        audit = Audit(conn)
        audit.standing()
        audit.insist()


def is_settled(conninfo: str) -> bool:
    """Say whether nothing is left to do that is due."""
    with snapshot(conninfo) as conn:
        row = conn.execute("""
            SELECT NOT EXISTS (SELECT 1 FROM signals.inbox)
               AND NOT EXISTS (SELECT 1 FROM kernel.intake_log)
               AND NOT EXISTS (SELECT 1 FROM kernel.jobs
                                WHERE mode = 'errand' OR due_at < clock_timestamp() + '1 s')
               AS settled
        """).fetchone()
    return bool(row and row["settled"])
