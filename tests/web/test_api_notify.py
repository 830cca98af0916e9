"""Paging by hand and testing oneself over JSON."""

import httpx
import pytest

from fakes.world import NOON, World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


async def post(world: World, path: str, body: object = None) -> httpx.Response:
    answer = await world.http.post(f"/api/v1{path}", json=body, headers=world.bearer)
    await world.settle()
    return answer


@pytest.fixture
async def world(acme: World) -> World:
    await acme.signal(FIRE, ends_at=NOON.replace(hour=20), summary="secret words")
    return acme


async def test_a_person_is_paged_by_name_and_the_page_says_so(world: World) -> None:
    answer = await post(world, "/incidents/INC-1/page", {"person": "boss"})
    page = answer.json()
    assert answer.status_code == 200
    assert (page["requested"], page["asked_person"]["name"]) == (True, "Bea Boss")
    assert world.mail.sent[-1][1].to == "boss@example.org"
    why = (await world.http.get(f"/api/v1/pages/{page['id']}", headers=world.bearer)).json()
    assert why["notifications"][0]["attempts"][0]["show"] == "full"
    assert "pag" in why["log"][-1]["sentence"].lower()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"person": "boss", "policy": "default"}, 422),
        ({"person": "nobody"}, 422),
        ({"policy": "nobody"}, 422),
        ({"person": "x" * 64}, 422),
        ({"human": "boss"}, 422),
    ],
)
async def test_whom_to_page_must_be_said_once_and_exist(
    world: World, body: object, status: int
) -> None:
    answer = await post(world, "/incidents/INC-1/page", body)
    assert answer.status_code == status
    assert len(world.mail.sent) == 1


async def test_escalating_answers_with_the_pages_that_climbed(world: World) -> None:
    answer = await post(world, "/incidents/INC-1/escalate")
    assert [page["step"] for page in answer.json()["pages"]] == [1]
    assert len(world.mail.sent) == 2
    await post(world, "/incidents/INC-1/resolve")
    assert (await post(world, "/incidents/INC-1/escalate")).status_code == 409
    assert (await post(world, "/incidents/INC-1/page", {"person": "boss"})).status_code == 409


async def test_a_viewer_pages_nobody(world: World) -> None:
    headers = {"authorization": f"Bearer {await world.make_token('screen', Role.VIEWER)}"}
    for path, body in (("page", {"person": "boss"}), ("escalate", None)):
        answer = await world.http.post(
            f"/api/v1/incidents/INC-1/{path}", json=body, headers=headers
        )
        assert answer.status_code == 403


async def test_a_token_of_nobody_has_no_methods_to_test(world: World) -> None:
    answer = await post(world, "/me/contacts/0/test")
    assert answer.status_code == 422
    assert "personal token" in answer.json()["detail"]
    assert (
        await world.http.get("/api/v1/me/contacts", headers=world.bearer)
    ).status_code == 422
