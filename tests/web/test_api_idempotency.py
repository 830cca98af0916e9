"""A write with an `Idempotency-Key` is done once, whatever happens to its answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from pages_world import fire

from fakes.world import ACME, World
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid
from tocsin.web.api import paging
from tocsin.web.site import COMPRESSION

pytestmark = pytest.mark.db
ADA = {
    "apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": "ada"},
    "spec": {"displayName": "Ada Lovelace"},
}  # fmt: skip


async def apply(world: World, key: str | None, *documents: Any) -> httpx.Response:
    headers = world.bearer | ({"Idempotency-Key": key} if key else {})
    body = {"documents": documents}
    return await world.http.post("/api/v1/resources/apply", json=body, headers=headers)


async def test_the_same_again_is_answered_as_the_first_time_and_done_once(acme: World) -> None:
    first = await apply(acme, "one", ADA)
    again = await apply(acme, "one", ADA)
    assert first.status_code == again.status_code == 200
    assert first.json()["changed"] is True
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["content-security-policy"]
    assert (await apply(acme, "two", ADA)).json()["changed"] is False


async def test_a_long_answer_is_kept_so_that_anybody_can_read_it(acme: World) -> None:
    documents = [ADA | {"metadata": {"name": f"ada-{n}"}} for n in range(60)]
    packed = {"Accept-Encoding": "gzip", "Idempotency-Key": "long"}
    plain = packed | {"Accept-Encoding": "identity"}
    path, body = "/api/v1/resources/apply", {"documents": documents}
    first, again, unpacked = [
        await acme.http.post(path, json=body, headers=acme.bearer | one)
        for one in (packed, packed, plain)
    ]
    assert len(first.content) > COMPRESSION.minimum_size
    assert first.json() == again.json() == unpacked.json()


async def test_one_acknowledgement_sent_twice_stands_once_in_the_log(acme: World) -> None:
    await fire(acme)
    path = "/api/v1/incidents/INC-1/acknowledge"
    headers = acme.bearer | {"Idempotency-Key": "k"}
    answers = [await acme.http.post(path, headers=headers) for _ in range(3)]
    assert {one.content for one in answers} == {answers[0].content}
    assert answers[0].json()["pages"][0]["state"] == "acknowledged"
    await acme.settle()
    assert (await acme.story()).count("oncall.page_acknowledged_by_token") == 1


async def test_a_key_belongs_to_one_request_of_one_actor(acme: World) -> None:
    assert (await apply(acme, "k", ADA)).status_code == 200
    other = await apply(acme, "k", ADA | {"metadata": {"name": "grace"}})
    assert other.status_code == 422
    assert other.json()["field"] == "Idempotency-Key"
    acme.token = await acme.make_token("another", Role.ADMIN)
    assert "idempotency-replayed" not in (await apply(acme, "k", ADA)).headers


async def test_a_refusal_changes_nothing_and_leaves_the_key_free(acme: World) -> None:
    broken = ADA | {"spec": {"displayName": ""}}
    assert (await apply(acme, "k", ADA, broken)).status_code == 422
    assert await acme.rows("SELECT 1 FROM kernel.resources WHERE name = 'ada'") == []
    assert await acme.rows("SELECT 1 FROM kernel.answers") == []
    assert (await apply(acme, "k", ADA)).json()["changed"] is True


async def test_at_once_they_wait_or_are_told_to_and_one_is_done(acme: World) -> None:
    await fire(acme)
    path = "/api/v1/incidents/INC-1/resolve"
    headers = acme.bearer | {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(acme.http.post(path, headers=headers) for _ in range(8)))
    assert {one.status_code for one in answers} <= {200, 409}
    done = [one for one in answers if one.status_code == 200]
    assert len({one.content for one in done}) == 1
    fresh = [one for one in done if "idempotency-replayed" not in one.headers]
    assert len(fresh) == 1


async def test_a_secret_is_kept_nowhere_and_not_made_twice(acme: World) -> None:
    headers = acme.bearer | {"Idempotency-Key": "k"}
    body = {"name": "prometheus", "role": "integration"}
    first = await acme.http.post("/api/v1/tokens", json=body, headers=headers)
    assert first.status_code == 201, first.text
    again = await acme.http.post("/api/v1/tokens", json=body, headers=headers)
    assert again.status_code == 409
    assert "revoke" in again.json()["detail"]
    kept = await acme.rows("SELECT status, body FROM kernel.answers")
    assert kept == [(201, None)]


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ".encode().decode("latin-1")])
async def test_a_key_that_is_none_is_refused(acme: World, key: str) -> None:
    headers = acme.bearer | {"Idempotency-Key": key.encode("latin-1")}
    answer = await acme.http.post(
        "/api/v1/resources/apply", json={"documents": [ADA]}, headers=headers
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_who_may_not_is_refused_with_a_key_as_without(acme: World) -> None:
    acme.token = await acme.make_token("looks", Role.VIEWER)
    assert (await apply(acme, "k", ADA)).status_code == 403
    answer = await acme.http.post(
        "/api/v1/resources/apply", json={"documents": []}, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 401


async def test_after_a_day_answers_are_forgotten(acme: World) -> None:
    await apply(acme, "k", ADA)
    await acme.forward(hours=20)
    await apply(acme, "later", ADA)
    await acme.forward(hours=5)
    assert await acme.rows("SELECT key FROM kernel.answers") == [("later",)]
    assert "idempotency-replayed" not in (await apply(acme, "k", ADA)).headers
    await acme.forward(hours=48)
    assert await acme.rows("SELECT key FROM kernel.answers") == []
    assert await acme.rows("SELECT 1 FROM kernel.jobs WHERE kind LIKE '%forget%'") == []


async def test_reads_take_no_notice_of_a_key(acme: World) -> None:
    headers = acme.bearer | {"Idempotency-Key": "k"}
    for _ in range(2):
        answer = await acme.http.get("/api/v1/incidents", headers=headers)
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers
    assert ACME


def test_a_cursor_of_any_sort_key_comes_back_as_it_was() -> None:
    key = (3, datetime(2026, 3, 27, 12, tzinfo=UTC), UUID(int=7), "näme")
    text = paging.encode(key)
    assert text.isascii()
    assert paging.decode_as(text, tuple[int, datetime, UUID, str]) == key
    for wrong in (text[:-3], "%%", "", paging.encode((1,)), "ä"):
        with pytest.raises(Invalid, match="no cursor"):
            paging.decode_as(wrong, tuple[int, datetime, UUID, str])
