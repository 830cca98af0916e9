"""Configuration over JSON: plan, apply, export, one resource, its history, and who may see what."""

import asyncio
from typing import Any

import httpx
import pytest
import yaml

from fakes.world import ACME, World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db

SCHEDULE = {
    "apiVersion": "tocsin/v1",
    "kind": "Schedule",
    "metadata": {"name": "nights"},
    "spec": {
        "timezone": "UTC",
        "rotation": {"start": "2026-01-05T09:00", "every": "day", "people": ["maya"]},
    },
}


def documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


async def ask(
    world: World, method: str, path: str, body: Any = None, **headers: str
) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.http.request(
        method, f"/api/v1/resources{path}", json=body, headers=world.bearer | sent
    )


async def good(world: World, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = await ask(world, method, path, body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def as_role(world: World, role: Role) -> dict[str, str]:
    token = await world.make_token(f"a-{role}", role)
    return {"authorization": f"Bearer {token}"}


async def test_a_plan_says_in_words_what_an_apply_then_does(acme: World) -> None:
    changed = ACME.replace("[maya, jonas]", "[boss, jonas]")
    body = {"documents": documents(changed)}
    plan = await good(acme, "POST", "/plan", body)
    assert plan["changed"]
    assert plan["words"] == [
        "the default route pages Bea Boss instead of Maya Okafor from Monday 09:00 (Europe/Berlin)",
        "Maya Okafor is no longer on call for primary",
    ]
    [change] = [one for one in plan["changes"] if one["action"] != "unchanged"]
    assert (change["kind"], change["name"], change["action"]) == (
        "Schedule", "primary", "changed",
    )  # fmt: skip
    assert change["fields"] == [
        {
            "path": "spec.rotation.people",
            "before": ["maya", "jonas"],
            "after": ["boss", "jonas"],
            "private": False,
            "secret": False,
        }
    ]
    assert (await good(acme, "POST", "/apply", body))["changed"]
    again = await good(acme, "POST", "/plan", body)
    assert (again["changed"], again["words"]) == (False, [])


async def test_who_may_not_apply_is_not_even_told_whether_a_private_field_changes(
    acme: World,
) -> None:
    body = {"documents": documents(ACME.replace("maya@example.org", "m@example.net"))}
    viewer = await as_role(acme, Role.VIEWER)
    answer = await ask(acme, "POST", "/plan", body, **viewer)
    right = await ask(acme, "POST", "/plan", {"documents": documents(ACME)}, **viewer)
    assert answer.json() == right.json()
    assert not answer.json()["changed"]
    assert "Person/maya" in answer.json()["warnings"][0]
    assert "was not compared" in answer.json()["warnings"][0]
    assert "example" not in answer.text
    full = await good(acme, "POST", "/plan", body)
    [change] = [one for one in full["changes"] if one["action"] == "changed"]
    assert change["fields"][0]["before"] == "maya@example.org"


async def test_an_export_applies_again_without_any_change(acme: World) -> None:
    answer = await ask(acme, "GET", "/export")
    assert answer.headers["content-type"].startswith("application/yaml")
    assert "timezone: UTC" not in answer.text  # what is default is not written
    plan = await good(
        acme, "POST", "/plan", {"documents": documents(answer.text), "prune": True}
    )
    assert not plan["changed"]
    one = await ask(acme, "GET", "/export?kind=Schedule")
    assert [d["metadata"]["name"] for d in documents(one.text)] == ["primary"]
    assert (await ask(acme, "GET", "/export?kind=Ship")).status_code == 404


async def test_an_export_for_a_viewer_holds_nothing_private(acme: World) -> None:
    viewer = await as_role(acme, Role.VIEWER)
    answer = await ask(acme, "GET", "/export", **viewer)
    assert answer.status_code == 200
    assert "@example.org" not in answer.text
    assert "Okafor" not in answer.text
    shown = (await ask(acme, "GET", "/Person/maya", **viewer)).json()
    assert shown["withheld"] == ["contact", "displayName"]
    assert shown["document"]["spec"] == {}


async def test_a_resource_is_written_by_who_has_seen_its_version(acme: World) -> None:
    created = await ask(acme, "PUT", "/Schedule/nights", SCHEDULE)
    assert created.status_code == 200, created.text
    assert created.headers["etag"] == '"1"'
    assert created.json()["managed_by"] == "screen"
    blind = await ask(acme, "PUT", "/Schedule/nights", SCHEDULE)
    assert (blind.status_code, blind.json()["code"]) == (412, "precondition-failed")
    assert "If-Match" in blind.json()["detail"]
    spec = {**SCHEDULE["spec"], "timezone": "Europe/Berlin"}  # type: ignore[dict-item]
    changed = {**SCHEDULE, "spec": spec}
    done = await ask(acme, "PUT", "/Schedule/nights", changed, if_match='"1"')
    assert done.headers["etag"] == '"2"'
    stale = await ask(acme, "PUT", "/Schedule/nights", SCHEDULE, if_match='"1"')
    assert stale.status_code == 412
    assert "version 2 now" in stale.json()["detail"]
    other = await ask(acme, "PUT", "/Schedule/days", SCHEDULE)
    assert (other.status_code, other.json()["field"]) == (422, "metadata.name")
    gone = await ask(acme, "DELETE", "/Schedule/nights", if_match='"2"')
    assert gone.json()["changes"] == ["deleted Schedule/nights"]
    assert (await ask(acme, "GET", "/Schedule/nights")).status_code == 404
    history = await good(acme, "GET", "/Schedule/nights/history")
    assert [(v["version"], v["deleted"]) for v in history["versions"]] == [
        (3, True), (2, False), (1, False),
    ]  # fmt: skip
    assert history["versions"][1]["fields"] == [
        {
            "path": "spec.timezone",
            "before": "UTC",
            "after": "Europe/Berlin",
            "private": False,
            "secret": False,
        }
    ]


async def test_of_two_writers_at_once_one_wins(acme: World) -> None:
    await good(acme, "PUT", "/Schedule/nights", SCHEDULE)
    zones = ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "Asia/Tokyo"]
    answers = await asyncio.gather(
        *(
            ask(
                acme,
                "PUT",
                "/Schedule/nights",
                {**SCHEDULE, "spec": {**SCHEDULE["spec"], "timezone": zone}},  # type: ignore[dict-item]
                if_match='"1"',
            )
            for zone in zones
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert (await ask(acme, "GET", "/Schedule/nights")).headers["etag"] == '"2"'


async def test_what_a_file_manages_is_edited_in_the_file_or_taken_over(acme: World) -> None:
    [maya, *_] = documents(ACME)
    path = "/Person/maya"
    refused = await ask(acme, "PUT", path, maya, if_match="*")
    assert refused.status_code == 409
    assert "managed by a file" in refused.json()["detail"]
    assert (await ask(acme, "DELETE", path)).status_code == 409
    taken = await ask(acme, "PUT", f"{path}?take_over=true", maya, if_match='"1"')
    assert (taken.json()["managed_by"], taken.json()["version"]) == ("screen", 2)
    back = await good(acme, "POST", "/apply", {"documents": [maya]})
    assert back["changes"] == ["changed Person/maya"]
    history = await good(acme, "GET", f"{path}/history")
    assert [f["path"] for f in history["versions"][0]["fields"]] == ["managedBy"]


async def test_what_is_pointed_at_cannot_be_deleted(acme: World) -> None:
    answer = await ask(acme, "DELETE", "/Person/maya?take_over=true")
    assert answer.status_code == 409
    assert "Schedule/primary points at Person/maya" in answer.json()["detail"]


async def test_a_rollback_brings_a_spec_back_and_leaves_private_fields_as_they_are(
    acme: World,
) -> None:
    await acme.apply(
        ACME.replace("{name: maya}\nspec: {", "{name: maya}\nspec: {active: false, ")
    )
    await acme.apply(ACME.replace("maya@example.org", "m@example.net"))
    path = "/Person/maya"
    refused = await ask(acme, "POST", f"{path}/rollback", {"to": 2})
    assert refused.status_code == 409
    await good(acme, "POST", f"{path}/rollback?take_over=true", {"to": 2}, if_match='"3"')
    spec = (await good(acme, "GET", path))["document"]["spec"]
    assert spec["active"] is False
    assert spec["contact"] == [{"type": "email", "address": "m@example.net"}]
    assert (await ask(acme, "POST", f"{path}/rollback", {"to": 99})).status_code == 404


async def test_the_list_goes_on_where_it_was_left(acme: World) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        part = await good(acme, "GET", f"?limit=2{cursor}")
        found += [f"{one['kind']}/{one['name']}" for one in part["items"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert found == [
        "EscalationPolicy/default", "Person/boss", "Person/jonas", "Person/maya",
        "Schedule/primary",
    ]  # fmt: skip
    people = await good(acme, "GET", "?kind=Person")
    assert len(people["items"]) == 3
    assert (await ask(acme, "GET", "?cursor=nonsense")).status_code == 422


async def test_the_schema_knows_every_kind(acme: World) -> None:
    schema = await good(acme, "GET", "/schema")
    assert set(schema["properties"]["kind"]["enum"]) == set(acme.app.store.kinds)
    assert len(schema["allOf"]) == len(acme.app.store.kinds)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/apply", {"documents": []}),
        ("PUT", "/Schedule/nights", SCHEDULE),
        ("DELETE", "/Schedule/primary", None),
        ("POST", "/Schedule/primary/rollback", {"to": 1}),
        ("DELETE", "/Schedule/primary/scheduled", None),
    ],
)
async def test_only_who_may_apply_writes(
    acme: World, method: str, path: str, body: Any
) -> None:
    for role in (Role.VIEWER, Role.RESPONDER, Role.AUDITOR, Role.INTEGRATION):
        answer = await ask(acme, method, path, body, **await as_role(acme, role))
        assert answer.status_code == 403, (role, answer.text)


async def test_an_empty_set_with_prune_is_refused(acme: World) -> None:
    answer = await ask(acme, "POST", "/apply", {"documents": [], "prune": True})
    assert (answer.status_code, answer.json()["field"]) == (422, "documents")


async def test_a_change_that_cannot_come_into_force_calls_somebody(acme: World) -> None:
    """The whole way: scheduled over the API, due, refused by a context, an incident with a page."""
    since = "2026-03-30T09:00:00+02:00"
    scheduled = {**SCHEDULE, "metadata": {"name": "nights", "effectiveFrom": since}}
    done = await good(acme, "POST", "/apply", {"documents": [scheduled]})
    assert done["changes"] == ["scheduled Schedule/nights from 2026-03-30T07:00:00Z"]
    history = await good(acme, "GET", "/Schedule/nights/history")
    assert history["versions"] == []
    assert history["scheduled"][0]["failure"] is None
    async with acme.app.db.connection() as conn:
        await conn.execute(
            """UPDATE kernel.resource_scheduled SET spec = spec || '{"timezone": "Mars"}'"""
        )
    await acme.forward(hours=72)
    history = await good(acme, "GET", "/Schedule/nights/history")
    assert "Mars" in history["scheduled"][0]["failure"]
    assert "TocsinConfigurationNotInForce" in str(
        await acme.rows("SELECT title FROM command.incidents")
    )
    assert acme.mail.sent
    cancelled = await good(acme, "DELETE", "/Schedule/nights/scheduled")
    assert cancelled["changed"]


async def test_what_is_scheduled_over_the_api_is_in_force_on_time(acme: World) -> None:
    since = "2026-03-30T09:00:00+02:00"
    scheduled = {**SCHEDULE, "metadata": {"name": "nights", "effectiveFrom": since}}
    await good(acme, "POST", "/apply", {"documents": [scheduled]})
    await acme.forward(hours=67)
    assert (await ask(acme, "GET", "/Schedule/nights")).headers["etag"] == '"1"'
