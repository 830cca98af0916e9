"""Will this page someone? The API, the screen, the nightly check and the alert that it raises."""

from datetime import timedelta

import pytest
from pages_world import browser, person

from fakes.world import NOON, World
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import fingerprint

pytestmark = pytest.mark.db

LOUD = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: boss}
spec: {displayName: Bea Boss, contact: [{type: sms, number: "+4915123456789"}]}
"""


async def verify(world: World, name: str) -> None:
    """Say that all that a person has is theirs, as a code would."""
    found = await person(world, name)

    async def act(unit: Unit) -> None:
        one = next(p for p in unit.config(Directory).people.values() if p.id == found)
        for method in one.methods:
            await unit.conn.execute(
                """
                INSERT INTO oncall.contact_states (person_id, fingerprint, kind, verified_at)
                VALUES (%(person)s, %(key)s, %(kind)s, %(now)s)
                    ON CONFLICT (person_id, fingerprint) DO UPDATE
                   SET verified_at = excluded.verified_at, dropped_at = NULL
                """,
                {"person": found, "key": fingerprint(method), "kind": method.kind,
                 "now": unit.now},
            )  # fmt: skip

    await world.app.units.run(SYSTEM, act)


async def night(world: World) -> None:
    """Let the next nightly check run."""
    await world.app.units.run(SYSTEM, world.app.services.assurances.keep_nightly)
    world.clock.forward(hours=24)
    await world.settle()


async def test_what_nobody_can_be_woken_by_is_said_with_its_reason(acme: World) -> None:
    answer = await acme.http.get("/api/v1/policies/check?days=7", headers=acme.bearer)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["proven"] is False
    [path] = found["paths"]
    assert (path["route"], path["policy"], path["outcome"]) == ("default", "default", "lost")
    assert "Jonas Weber cannot be woken" in path["holes"][0]["words"]
    assert path["holes"][0]["after_seconds"] is None


async def test_a_catch_all_that_wakes_somebody_proves_it(acme: World) -> None:
    await acme.apply(LOUD)
    await verify(acme, "boss")
    answer = await acme.http.get("/api/v1/policies/check", headers=acme.bearer)
    [path] = answer.json()["paths"]
    assert (answer.json()["proven"], path["outcome"]) == (True, "late")
    assert path["worst_seconds"] == 30 * 60  # two rounds of five and ten minutes
    other = await acme.http.get("/api/v1/policies/check?name=nobody", headers=acme.bearer)
    assert other.status_code == 404
    many = await acme.http.get("/api/v1/policies/check?days=1000", headers=acme.bearer)
    assert many.status_code in (400, 422)


async def test_a_page_is_simulated_rung_by_rung(acme: World) -> None:
    await acme.apply(LOUD)
    await verify(acme, "boss")
    answer = await acme.http.get(
        "/api/v1/policies/default/simulate",
        params={"at": "2026-03-28T09:00:00+01:00"}, headers=acme.bearer,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["after_seconds"] == 1800
    told = [(one["after_seconds"], one["step"], len(one["tells"])) for one in found["calls"]]
    assert told == [(0, 1, 1), (300, 2, 1), (900, 1, 1), (1200, 2, 1), (1800, 0, 1)]
    last = found["calls"][-1]["tells"][0]
    assert (last["name"], last["method"], last["wakes"]) == ("Bea Boss", "sms", True)
    for at, status in (("2026-03-28T09:00:00", 422), ("2030-01-01T00:00:00Z", 422)):
        refused = await acme.http.get(
            "/api/v1/policies/default/simulate", params={"at": at}, headers=acme.bearer
        )
        assert refused.status_code == status
    gone = await acme.http.get("/api/v1/policies/none/simulate", headers=acme.bearer)
    assert gone.status_code == 404


async def test_the_screen_says_when_and_why_and_works_without_script(acme: World) -> None:
    async with browser(acme) as client:
        page = await client.get("/assurance")
        assert page.status_code == 200, page.text
        assert "On 1 of 1 paths there are times at which an alert wakes nobody." in page.text
        assert "No nightly check has run yet" in page.text
        assert "Jonas Weber cannot be woken" in page.text
        assert 'href="/assurance"' in (await client.get("/policies")).text
        await acme.apply(LOUD)
        await verify(acme, "boss")
        page = await client.get("/assurance?now=1")
        assert "Every alert of the next 30 days wakes somebody" in page.text
        await night(acme)
        page = await client.get("/assurance")
        assert "Checked in the night" in page.text


async def test_a_path_that_is_lost_raises_an_alert_until_it_is_proven_again(
    acme: World,
) -> None:
    async def firing() -> list[object]:
        return [
            row[0]
            for row in await acme.rows(
                "SELECT state FROM triage.alerts WHERE labels->>'alertname' = 'TocsinPathLost'"
            )
        ]

    await night(acme)  # what never was proven is no news
    assert await firing() == []
    await acme.apply(LOUD)
    await verify(acme, "boss")
    await night(acme)
    assert await firing() == []
    await acme.rows("UPDATE oncall.contact_states SET dropped_at = now() RETURNING 1")
    await night(acme)
    assert await firing() == ["firing"]
    await night(acme)
    assert await firing() == ["firing"]
    events = await acme.rows("SELECT 1 FROM kernel.log WHERE kind = 'oncall.path_lost'")
    assert len(events) == 1
    await verify(acme, "boss")
    await night(acme)
    assert await firing() == ["resolved"]


async def test_what_comes_into_force_later_counts_from_then_on(acme: World) -> None:
    await acme.apply(LOUD)
    await verify(acme, "boss")
    later = NOON + timedelta(days=10)
    await acme.apply(f"""
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {{name: default, effectiveFrom: "{later.isoformat()}"}}
spec: {{steps: [{{targets: [{{person: maya}}]}}]}}
""")
    answer = await acme.http.get("/api/v1/policies/check", headers=acme.bearer)
    [path] = answer.json()["paths"]
    lost = [one for one in path["holes"] if one["after_seconds"] is None]
    assert [one["start_at"] for one in lost] == [later.isoformat().replace("+00:00", "Z")]


async def test_a_plan_says_which_path_a_change_breaks(acme: World) -> None:
    await acme.apply(LOUD)
    await verify(acme, "boss")
    quiet = {
        "apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": "boss"},
        "spec": {
            "displayName": "Bea Boss", "contact": [{"type": "sms", "number": "+4915199999999"}],
        },
    }  # fmt: skip
    answer = await acme.http.post(
        "/api/v1/resources/plan", json={"documents": [quiet]}, headers=acme.bearer
    )
    assert answer.status_code == 200, answer.text
    [words] = [one for one in answer.json()["words"] if "can be woken" in one]
    assert words.startswith(
        "nobody can be woken any more on route default, 2026-03-27 13:00 to"
    )
    assert "Bea Boss cannot be woken: an SMS would be urgent, but is not verified" in words


NIGHTS = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: nights}
spec:
  timezone: UTC
  layers: [{name: a, start: "2026-01-05T09:00", every: week, people: [boss]}]
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{schedule: nights}]}]}
"""


async def test_a_plan_looks_thirty_days_ahead_for_who_cannot_be_woken(acme: World) -> None:
    await acme.apply(LOUD)
    await verify(acme, "boss")
    await acme.apply(NIGHTS)
    layer = {"name": "a", "start": "2026-01-05T09:00", "every": "week", "people": ["boss"]}
    until = {
        "apiVersion": "tocsin/v1", "kind": "Schedule", "metadata": {"name": "nights"},
        "spec": {"timezone": "UTC", "layers": [layer | {"end": "2026-04-20T09:00"}]},
    }  # fmt: skip
    answer = await acme.http.post(
        "/api/v1/resources/plan", json={"documents": [until]}, headers=acme.bearer
    )
    [words] = [one for one in answer.json()["words"] if "can be woken" in one]
    assert words.startswith("nobody can be woken any more on route default, 2026-04-20 0")


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2026-12-24T09:00:00Z"])
async def test_a_page_is_simulated_for_about_now(acme: World, at: str) -> None:
    answer = await acme.http.get(
        "/api/v1/policies/default/simulate", params={"at": at}, headers=acme.bearer
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "at")
