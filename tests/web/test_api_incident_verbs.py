"""The JSON API's verbs on incidents: declare, change, add, merge, split, restrict, search, export."""

from datetime import timedelta
from typing import Any

import pytest

from fakes.world import NOON, World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
LATER = NOON + timedelta(hours=5)


async def ask(
    world: World, method: str, path: str, body: object = None, status: int = 200, **headers: str
) -> Any:
    answer = await world.http.request(
        method,
        f"/api/v1{path}",
        json=body,
        headers=world.bearer | {name.replace("_", "-"): v for name, v in headers.items()},
    )
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def declare(world: World, title: str = "Checkout is slow", **more: object) -> Any:
    body = {"title": title, "urgency": "low", **more}
    return await ask(world, "POST", "/incidents", body, 201)


async def test_an_incident_is_declared_by_hand_and_pages_if_it_is_to(acme: World) -> None:
    found = await declare(
        acme, severity=2, priority="P1", services=["checkout"], team="shop", urgency="high",
        policy="",
    )  # fmt: skip
    assert (found["reference"], found["opened_by"]) == ("INC-1", "person")
    assert (found["severity"], found["priority"], found["version"]) == (2, "P1", 1)
    await acme.settle()
    assert acme.mail.sent[0][1].text.startswith("INC-1: Checkout is slow")
    shown = await ask(acme, "GET", "/incidents/INC-1")
    assert [page["policy"] for page in shown["pages"]] == ["default"]
    [row] = (await ask(acme, "GET", "/incidents"))["items"]
    assert (row["calling"], row["team"], row["services"]) == ("calling", "shop", ["checkout"])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, None),
        ({"title": " "}, 422, "title"),
        ({"title": "x" * 201}, 422, "title"),
        ({"title": "x", "policy": "nope"}, 422, "policy"),
        ({"title": "x", "severity": 9}, 422, "severity"),
        ({"title": "x", "groups": ["0195d3a0-7c1e-7a3b-9c58-5d0f4e6a1b2c"]}, 404, None),
        ({"title": "x", "restriction": {"people": ["nobody"]}}, 422, "people"),
        ({"title": "x", "restriction": {}}, 422, "roles"),
        ({"title": "x", "colour": "red"}, 422, None),
    ],
)
async def test_a_declaration_that_cannot_be_is_refused_by_field(
    acme: World, body: object, status: int, field: str | None
) -> None:
    said = await ask(acme, "POST", "/incidents", body, status)
    if field is not None:
        assert said["field"].startswith(field), said
    assert (await ask(acme, "GET", "/incidents"))["items"] == []


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"title": "x", "severity": 9}, "severity", "severity: '9' is not known; known: 1, 2"),
        ({"titel": "x"}, "titel", "did you mean title?"),
        ({}, "title", "title: is required"),
        ({"title": ""}, "title", "write at least 1 character"),
    ],
)
async def test_a_body_that_cannot_be_read_is_answered_with_field_and_cure(
    acme: World, body: object, field: str, words: str
) -> None:
    said = await ask(acme, "POST", "/incidents", body, 422)
    assert said["field"] == field
    assert words in said["detail"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "send a JSON body"),
        (b'{"title":', "the body is no JSON: Input data was truncated"),
        (b"title=x", "the body is no JSON: JSON is malformed"),
    ],
)
async def test_a_body_that_is_no_json_is_refused_in_words(
    acme: World, content: bytes, words: str
) -> None:
    answer = await acme.http.post("/api/v1/incidents", content=content, headers=acme.bearer)
    assert answer.status_code in (400, 422)
    assert words in answer.json()["detail"]


async def test_a_method_that_is_not_there_is_answered_with_those_that_are(acme: World) -> None:
    answer = await acme.http.patch("/api/v1/incidents", headers=acme.bearer)
    assert answer.status_code == 405
    allowed = answer.headers["allow"].split(", ")
    assert {"GET", "POST"} <= set(allowed)
    assert answer.json()["detail"] == f"PATCH does nothing here; send {', '.join(allowed)}."


async def test_each_verb_changes_what_it_says(acme: World) -> None:
    await declare(acme)
    path = "/incidents/INC-1"
    assert (await ask(acme, "POST", f"{path}/severity", {"severity": 1}))["severity"] == 1
    assert (await ask(acme, "POST", f"{path}/priority", {"priority": "P3"}))["priority"] == "P3"
    moved = await ask(acme, "POST", f"{path}/status", {"status": "identified"})
    assert (moved["status"], moved["version"]) == ("identified", 4)
    edited = await ask(acme, "PATCH", path, {"title": "Down"})
    assert (edited["title"], edited["description"]) == ("Down", "")
    assert (await ask(acme, "POST", f"{path}/resolve"))["status"] == "resolved"
    closed = await ask(acme, "POST", f"{path}/status", {"status": "closed"})
    assert closed["status"] == "closed"
    refused = await ask(acme, "POST", f"{path}/status", {"status": "mitigated"}, 409)
    assert "reopen it first" in refused["detail"]
    assert (await ask(acme, "POST", f"{path}/reopen"))["status"] == "investigating"


async def test_a_timeline_and_a_history_name_the_token_that_asked_even_a_revoked_one(
    world: World,
) -> None:
    bearer = {"authorization": f"Bearer {await world.make_token('deploy-bot', Role.MANAGER)}"}

    async def send(method: str, path: str, body: object) -> None:
        answer = await world.http.request(method, f"/api/v1{path}", json=body, headers=bearer)
        assert answer.is_success, answer.text

    await send("POST", "/incidents", {"title": "Checkout is slow", "urgency": "low"})
    team = {
        "apiVersion": "tocsin/v1", "kind": "Team", "metadata": {"name": "shop"},
        "spec": {"displayName": "Shop"},
    }  # fmt: skip
    await send("PUT", "/resources/Team/shop", team)
    await ask(world, "DELETE", "/tokens/deploy-bot")
    [entry] = (await ask(world, "GET", "/incidents/INC-1/timeline"))["items"]
    assert entry["sentence"] == "INC-1 declared by deploy-bot"
    [version] = (await ask(world, "GET", "/resources/Team/shop/history"))["versions"]
    assert version["by_name"] == "deploy-bot"


async def test_who_saw_another_version_is_told_to_look_again(acme: World) -> None:
    await declare(acme)
    seen = await acme.http.get("/api/v1/incidents/1", headers=acme.bearer)
    assert seen.headers["etag"] == '"1"'
    path = "/incidents/1/severity"
    await ask(acme, "POST", path, {"severity": 1}, if_match='"1"')
    await ask(acme, "POST", path, {"severity": 2}, 412, if_match='"1"')
    await ask(acme, "POST", path, {"severity": 2}, 422, if_match="nonsense")
    assert (await ask(acme, "POST", path, {"severity": 2}, if_match='"2"'))["version"] == 3


async def test_notes_and_links_stand_on_the_timeline_with_their_words(acme: World) -> None:
    await declare(acme)
    note = await ask(acme, "POST", "/incidents/1/notes", {"text": "rolled back"}, 201)
    link = await ask(
        acme, "POST", "/incidents/1/links", {"url": "https://wiki.test/a", "title": "Wiki"}
    )
    told = (await ask(acme, "GET", "/incidents/1/timeline"))["items"]
    words = {one["kind"]: one["text"] for one in told}
    assert words["command.note_added"] == "rolled back"
    assert words["command.link_added"] == "Wiki https://wiki.test/a"
    only = (await ask(acme, "GET", "/incidents/1/timeline?kinds=notes"))["items"]
    assert [one["kind"] for one in only] == ["command.note_added"]
    assert [one["text"] for one in await ask(acme, "GET", "/incidents/1/notes")] == [
        "rolled back"
    ]
    await ask(acme, "DELETE", f"/incidents/1/notes/{note['id']}", status=204)
    await ask(acme, "DELETE", f"/incidents/1/notes/{note['id']}", status=404)
    await ask(acme, "DELETE", f"/incidents/1/links/{link['id']}", status=204)
    await acme.settle()
    told = (await ask(acme, "GET", "/incidents/1/timeline?kinds=notes"))["items"]
    assert [(one["kind"], one["text"]) for one in told] == [
        ("command.note_erased", ""),
        ("command.note_added", "(erased)"),
    ]
    await ask(acme, "POST", "/incidents/1/links", {"url": "javascript:x"}, 422)
    await ask(acme, "POST", "/incidents/1/notes", {"text": "x" * 10_001}, 422)


async def test_a_timeline_is_cut_by_kinds(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    await acme.forward(minutes=6)
    await ask(acme, "POST", "/incidents/1/severity", {"severity": 1})
    parts = {}
    for kinds in ("all", "notes", "pages", "changes", "alerts"):
        told = await ask(acme, "GET", f"/incidents/1/timeline?kinds={kinds}&limit=200")
        parts[kinds] = {one["id"] for one in told["items"]}
        heads = {one["kind"].partition(".")[0] for one in told["items"]}
        if kinds in ("pages", "changes"):
            assert heads == {"oncall" if kinds == "pages" else "command"}
    assert parts["notes"] == set()
    assert parts["all"] == parts["pages"] | parts["changes"] | parts["alerts"]


async def test_people_join_and_incidents_are_related(acme: World) -> None:
    await declare(acme)
    await declare(acme, "Search is slow")
    [joined] = await ask(acme, "PUT", "/incidents/1/responders/maya")
    assert joined["person"]["name"] == "Maya Okafor"
    await ask(acme, "PUT", "/incidents/1/responders/nobody", status=422)
    [other] = await ask(acme, "POST", "/incidents/1/relations", {"incident": "2"})
    assert other["reference"] == "INC-2"
    shown = await ask(acme, "GET", "/incidents/2")
    assert [one["reference"] for one in shown["related"]] == ["INC-1"]
    await ask(acme, "DELETE", "/incidents/2/relations/INC-1", status=204)
    await ask(acme, "DELETE", "/incidents/1/responders/maya", status=204)
    shown = await ask(acme, "GET", "/incidents/1")
    assert (shown["related"], shown["responders"]) == ([], [])


async def test_a_merged_incident_is_told_as_one_and_can_be_split_again(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    await acme.signal(FIRE | {"service": "search"}, ends_at=LATER)
    await ask(acme, "POST", "/incidents/2/notes", {"text": "of the second"}, 201)
    into = await ask(acme, "POST", "/incidents/2/merge", {"incident": "INC-1"})
    assert into["reference"] == "INC-1"
    shown = await ask(acme, "GET", "/incidents/1")
    assert (shown["firing_count"], len(shown["groups"])) == (2, 2)
    assert [one["reference"] for one in shown["merged"]] == ["INC-2"]
    told = (await ask(acme, "GET", "/incidents/1/timeline?limit=200"))["items"]
    assert "of the second" in [one["text"] for one in told]
    sentences = [one["sentence"] for one in told]
    assert any(one.startswith("INC-2 merged into INC-1") for one in sentences)
    assert any(one.startswith("INC-2 declared") for one in sentences)
    closed = await ask(acme, "GET", "/incidents/2")
    assert (closed["status"], closed["merged_into"]) == ("closed", into["id"])
    assert {page["state"] for page in shown["pages"]} == {"triggered", "resolved"}

    search = next(one for one in shown["groups"] if one["labels"] == {"service": "search"})
    body = {"groups": [search["id"]], "title": "Search again"}
    new = await ask(acme, "POST", "/incidents/1/split", body, 201)
    assert (new["reference"], new["title"]) == ("INC-3", "Search again")
    await acme.settle()
    again = await ask(acme, "GET", "/incidents/3")
    assert [page["state"] for page in again["pages"]] == ["triggered"]
    await ask(acme, "POST", "/incidents/2/merge", {"incident": "INC-3"}, 409)
    await ask(acme, "POST", "/incidents/3/merge", {"incident": "INC-99"}, 404)


async def test_search_finds_incidents_and_alerts_in_one_question(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    await acme.forward(minutes=1)
    await declare(acme, "Checkout of the library")
    found = await ask(acme, "GET", "/search?q=checkout")
    assert [one["reference"] for one in found["incidents"]] == ["INC-2", "INC-1"]
    assert [one["name"] for one in found["alerts"]] == ["HighErrorRate"]
    listed = await ask(acme, "GET", "/incidents?q=library")
    assert [one["reference"] for one in listed["items"]] == ["INC-2"]
    await ask(acme, "GET", "/search", status=422)
    nothing = await ask(acme, "GET", "/search?q=%00%20")
    assert nothing["incidents"] == []


async def test_an_export_has_all_of_it_in_json_and_reads_well_in_markdown(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER, summary="too *many* errors")
    await ask(acme, "POST", "/incidents/1/notes", {"text": "# not a heading\n- [x](y)"}, 201)
    await ask(acme, "PUT", "/incidents/1/responders/maya")
    await ask(acme, "POST", "/incidents/1/links", {"url": "https://wiki.test/a"})
    await acme.forward(minutes=30)
    await ask(acme, "POST", "/incidents/1/resolve")
    file = await ask(acme, "GET", "/incidents/1/export")
    assert file["complete"] is True
    assert [one["text"] for one in file["notes"]] == ["# not a heading\n- [x](y)"]
    assert file["alerts"][0]["reasons"]
    assert file["incident"]["pages"][0]["notifications"][0]["attempts"]
    ids = [one["id"] for one in file["timeline"]]
    shown = await ask(acme, "GET", "/incidents/1/timeline?limit=200")
    assert ids == [one["id"] for one in reversed(shown["items"])]

    answer = await acme.http.get(
        "/api/v1/incidents/1/export?format=markdown", headers=acme.bearer
    )
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.headers["content-disposition"] == 'attachment; filename="INC-1.md"'
    text = answer.text
    assert text.startswith("# INC-1 HighErrorRate")
    for part in (
        "**Status**: resolved", "**Lasted**: 30 min", "**Responders**: Maya Okafor",
        "> too \\*many\\* errors", "<https://wiki.test/a>", "## Timeline (UTC)",
        "> \\# not a heading", "resolved by", "default: resolved",
    ):  # fmt: skip
        assert part in text, part
    await ask(acme, "GET", "/incidents/1/export?format=pdf", status=422)


async def test_who_may_only_look_changes_nothing(acme: World) -> None:
    await declare(acme)
    viewer = {"authorization": f"Bearer {await acme.make_token('eye', Role.VIEWER)}"}
    for method, path, body in (
        ("POST", "", {"title": "x"}),
        ("PATCH", "/1", {"title": "x"}),
        ("POST", "/1/severity", {"severity": 1}),
        ("POST", "/1/notes", {"text": "x"}),
        ("POST", "/1/links", {"url": "https://x.test"}),
        ("POST", "/1/reopen", None),
        ("PUT", "/1/responders/maya", None),
        ("PUT", "/1/restriction", {"roles": ["viewer"]}),
        ("DELETE", "/1/restriction", None),
    ):
        answer = await acme.http.request(
            method, f"/api/v1/incidents{path}", json=body, headers=viewer
        )
        assert answer.status_code == 403, (path, answer.text)
    for path in ("/incidents/1/export", "/incidents/1/notes", "/search?q=x"):
        answer = await acme.http.get(f"/api/v1{path}", headers=viewer)
        assert answer.status_code == 200, (path, answer.text)
