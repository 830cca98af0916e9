"""Triage's rows: what goes in comes out, keys are free again, and locks keep their order."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fakes.patience import until_waiting
from tocsin.kernel.db import Database
from tocsin.kernel.ids import AlertId, GroupId, uuid7
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage import reads, store
from tocsin.triage.core.outcomes import Refresh
from tocsin.triage.model import Alert, AlertState, Group, GroupState

pytestmark = pytest.mark.db

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def alert(key: bytes = b"k" * 16, group_id: GroupId | None = None) -> Alert:
    return Alert(
        id=AlertId(uuid7()),
        dedup_key=key,
        state=AlertState.FIRING,
        labels={"alertname": "Down", "ü": "'\"\\"},
        annotations={"summary": "it is\ndown"},
        source_url="https://prometheus/graph?g0.expr=up%20%3D%3D%200",
        integration="prom",
        starts_at=NOON,
        ends_at=NOON + 5 * MINUTE,
        ends_by_timeout=True,
        updated_at=NOON,
        group_id=group_id,
        seen_count=1,
        fired_count=1,
        urgency=Urgency.HIGH,
        reasons=("dedupe: new", "route: default"),
    )


def group(key: str = "default/x") -> Group:
    return Group(
        id=GroupId(uuid7()),
        key=key,
        state=GroupState.ACTIVE,
        labels={"service": "checkout"},
        title="Down",
        summary="it is down",
        integration="prom",
        route="default",
        policy="",
        urgency=Urgency.HIGH,
        firing_count=1,
        alert_count=1,
        noted_count=1,
        opened_at=NOON,
        due_at=NOON + 5 * MINUTE,
        cleared_at=None,
        storm=False,
    )


_instants = st.integers(0, 2**51).map(lambda n: NOON - timedelta(days=9999, microseconds=-n))
_texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
_alerts = st.builds(
    Alert,
    id=st.builds(uuid7),
    dedup_key=st.binary(min_size=16, max_size=16),
    state=st.sampled_from(AlertState),
    labels=st.dictionaries(_texts, _texts, max_size=3),
    annotations=st.dictionaries(_texts, _texts, max_size=2),
    source_url=_texts,
    integration=_texts,
    starts_at=_instants,
    ends_at=_instants,
    ends_by_timeout=st.booleans(),
    updated_at=_instants,
    group_id=st.none() | st.builds(uuid7),
    seen_count=st.integers(0, 2**31 - 1),
    fired_count=st.integers(0, 2**31 - 1),
    urgency=st.sampled_from(Urgency),
    reasons=st.lists(_texts, max_size=3).map(tuple),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_alerts, min_size=1, max_size=5, unique_by=lambda one: one.dedup_key))
async def test_an_alert_comes_back_as_it_was_written(
    database: Database, alerts: list[Alert]
) -> None:
    async with database.connection() as conn:
        await conn.execute("TRUNCATE triage.alerts")
        await store.add_alerts(conn, alerts)
        keys = [one.dedup_key for one in alerts]
        found = await store.alerts_for_update(conn, [*keys, b"absent"])
        assert found == {one.dedup_key: one for one in alerts}
        changed = [replace(one, state="resolved", reasons=(), group_id=None) for one in alerts]
        await store.save_alerts(conn, changed)
        found = await store.alerts_for_update(conn, keys)
        assert list(found.values()) == sorted(changed, key=lambda one: one.dedup_key)


async def test_being_heard_of_again_is_added_up_and_leaves_the_rest_alone(
    database: Database,
) -> None:
    one, two = alert(b"1" * 16), alert(b"2" * 16)
    later = NOON + MINUTE
    async with database.connection() as conn:
        await store.add_alerts(conn, [one, two])
        again = Refresh(
            id=one.id, ends_at=later, ends_by_timeout=False, updated_at=later, seen_add=3,
            annotations=None,
        )  # fmt: skip
        await store.refresh_alerts(conn, [again, replace(again, id=two.id, annotations={})])
        found = await store.alerts_for_update(conn, [one.dedup_key, two.dedup_key])
    wanted = replace(one, ends_at=later, ends_by_timeout=False, updated_at=later, seen_count=4)
    assert found[one.dedup_key] == wanted
    assert found[two.dedup_key].annotations == {}


async def test_only_firing_alerts_past_their_end_are_due_the_longest_first(
    database: Database,
) -> None:
    fires = [replace(alert(bytes([n]) * 16), ends_at=NOON + n * MINUTE) for n in (3, 1, 2, 9)]
    gone = replace(alert(b"g" * 16), ends_at=NOON, state=AlertState.RESOLVED)
    async with database.connection() as conn:
        await store.add_alerts(conn, [*fires, gone])
        assert await reads.next_expiry(conn) == NOON + MINUTE
        due = await store.alerts_due_for_update(
            conn, NOON + 3 * MINUTE, heard_since=None, limit=2
        )
        assert [one.ends_at - NOON for one in due] == [MINUTE, 2 * MINUTE]
        due = await store.alerts_due_for_update(
            conn, NOON + 3 * MINUTE, heard_since=None, limit=9
        )
        assert len(due) == 3
        later = NOON + timedelta(seconds=1)  # nobody could be heard before
        late = NOON + 3 * MINUTE
        assert await store.alerts_due_for_update(conn, late, heard_since=later, limit=9) == []
        assert (
            len(await store.alerts_due_for_update(conn, late, heard_since=NOON, limit=9)) == 3
        )


async def test_an_alert_in_other_hands_is_skipped_by_expiry(database: Database) -> None:
    held, free = alert(b"1" * 16), alert(b"2" * 16)
    async with database.connection() as one, database.connection() as two:
        await store.add_alerts(one, [held, free])
        async with one.transaction(), two.transaction():
            await store.alerts_for_update(one, [held.dedup_key])
            due = await store.alerts_due_for_update(
                two, NOON + 9 * MINUTE, heard_since=None, limit=9
            )
            assert [found.id for found in due] == [free.id]


async def test_locks_are_taken_in_one_order_whatever_the_order_of_the_asking(
    database: Database,
) -> None:
    """Two sorters with the same alerts wait for each other; they never kill each other."""
    alerts = [alert(bytes([n]) * 16) for n in range(20)]
    groups = [group(f"default/{n}") for n in range(20)]
    async with database.connection() as conn:
        await store.add_alerts(conn, alerts)
        await store.save_groups(conn, groups)

    async def lock(keys: list[bytes], group_keys: list[str]) -> int:
        async with database.connection() as conn, conn.transaction():
            found = await store.alerts_for_update(conn, keys)
            assert list(found) == sorted(keys)
            locked = await store.groups_for_update(conn, group_keys, ())
            return len(found) + len(locked)

    keys, names = [one.dedup_key for one in alerts], [one.key for one in groups]
    async with asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(lock(keys[::order], names[::order])) for order in (1, -1) * 4
        ]
    assert {one.result() for one in asked} == {40}


async def test_of_one_key_one_group_lives_and_an_ended_one_frees_it(database: Database) -> None:
    first, second = group(), group()
    ended = replace(first, state=GroupState.ENDED, due_at=None)
    async with database.connection() as conn:
        await store.save_groups(conn, [first])
        await store.save_groups(conn, [ended, second])
        assert await store.groups_for_update(conn, [first.key], ()) == [second]
        both = await store.groups_for_update(conn, [], [first.id, second.id])
        assert both == [ended, second]


async def test_how_long_a_storm_lasts_is_in_its_row(database: Database) -> None:
    storm = replace(
        group("storm:prom"), storm=True, storm_until=NOON + 5 * MINUTE, surge_at=NOON, surge=("a", "b")
    )  # fmt: skip
    async with database.connection() as conn:
        await store.save_groups(conn, [storm])
        assert await store.groups_for_update(conn, ["storm:prom"], ()) == [storm]
        later = replace(storm, storm_until=NOON + 9 * MINUTE, surge_at=None, surge=())
        await store.save_groups(conn, [later])
        assert await store.groups_for_update(conn, ["storm:prom"], ()) == [later]


async def test_two_sorters_that_open_the_same_group_wait_for_each_other(
    database: Database,
) -> None:
    async def open_it() -> str:
        async with database.connection() as conn, conn.transaction():
            await store.save_groups(conn, [group()])
        return "opened"

    async with database.connection() as conn, conn.transaction():
        await store.save_groups(conn, [group()])
        other = asyncio.ensure_future(open_it())
        await until_waiting(database)
    with pytest.raises(Exception, match="groups_live"):  # which units.run runs again
        await other


async def test_the_storm_guard_counts_one_minute_of_each_integration_without_storms(
    database: Database,
) -> None:
    groups = [
        replace(group("1"), opened_at=NOON - timedelta(seconds=60)),
        replace(group("2"), opened_at=NOON - timedelta(seconds=59)),
        replace(group("3"), opened_at=NOON),
        replace(group("4"), opened_at=NOON + MINUTE),  # another process's clock is ahead
        replace(group("5"), opened_at=NOON, storm=True),
        replace(group("6"), opened_at=NOON, integration="other"),
    ]
    async with database.connection() as conn:
        await store.save_groups(conn, groups)
        assert await store.opened_last_minute(conn, NOON) == {"prom": 2, "other": 1}


async def test_a_sample_is_the_first_few_that_fire(database: Database) -> None:
    one = group()
    alerts = [
        replace(alert(bytes([n]) * 16, one.id), starts_at=NOON + n * MINUTE) for n in range(8)
    ]
    alerts[0] = replace(alerts[0], state=AlertState.RESOLVED)
    async with database.connection() as conn:
        await store.add_alerts(conn, alerts[::-1])
        assert await store.sample(conn, one.id) == [a.id for a in alerts[1:6]]
