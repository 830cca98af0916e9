"""Web push from subscription to receipt, over a push service on loopback that speaks HTTP."""

import json
from typing import Any

import httpx
import pytest
from pages_world import FIRE, browser, person
from push_phone import JSON, PUSHED, phone_of

from fakes.world import NOON, World
from integrations.loopback import answer
from integrations.push_browser import PushBrowser, checked_token
from tocsin.integrations.outbound import Outbound
from tocsin.kernel.access import Role
from tocsin.oncall.model import MethodKind

pytestmark = pytest.mark.db


async def fire(world: World) -> None:
    await world.signal(
        FIRE,
        ends_at=NOON.replace(hour=20),
        summary="5xx above 5 %",
        runbook_url="https://r.test",
    )


async def test_a_page_reaches_the_lock_screen_and_only_the_phone_can_read_it(
    acme: World,
) -> None:
    async with phone_of(acme) as phone:
        assert (await phone.subscribe()).status_code == 200
        assert await phone.reachable()
        await fire(acme)
        [request] = phone.service.requests
        assert request.path == "/phone"
        claims = checked_token(request.headers["authorization"], phone.key)
        assert claims["aud"] == f"http://127.0.0.1:{phone.service.port}"
        assert claims["exp"] == int(NOON.timestamp()) + 12 * 3600
        assert claims["sub"].startswith("mailto:")
        assert request.headers["urgency"] == "high"
        assert request.headers["content-encoding"] == "aes128gcm"
        assert int(request.headers["ttl"]) > 0
        assert len(request.headers["topic"]) == 32
        for word in (b"HighErrorRate", b"5xx", b"/a/"):
            assert word not in request.body
        shown = phone.shown()
        assert shown["title"].startswith("[INC-1]")
        assert "5xx above 5 %" in shown["body"]
        assert "://" not in shown["body"]
        assert shown["url"] == "/incidents/INC-1"
        assert shown["ack"].startswith("/a/")
        # what the service worker does on a tap: no cookie, no session
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(acme.app.site), base_url="http://tocsin.test"
        ) as stranger:
            assert (await stranger.post(shown["ack"])).status_code == 200
        await acme.settle()
        found = await acme.rows("SELECT state, acknowledged_via FROM oncall.pages")
        assert found[0][0] == "acknowledged"


async def test_the_phone_says_that_it_has_it_and_nobody_else_can(acme: World) -> None:
    async with phone_of(acme) as phone:
        await phone.subscribe()
        await fire(acme)
        shown = phone.shown()
        said = {name: shown[name] for name in ("device", "key", "receipt", "seal")}
        forged = said | {"receipt": "x/1"}
        strange = {"accept": "application/json"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(acme.app.site), base_url="http://tocsin.test"
        ) as stranger:
            refused = await stranger.post("/api/v1/push/received", json=forged, headers=strange)
            assert refused.status_code == 403
            taken = await stranger.post("/api/v1/push/received", json=said, headers=strange)
            assert taken.status_code == 204
        [(device,)] = await acme.rows("SELECT received_at FROM oncall.push_devices")
        [(state,)] = await acme.rows(
            "SELECT received_at FROM oncall.contact_states WHERE kind = 'push'"
        )
        assert (device, state) == (NOON, NOON)


async def test_a_test_is_received_and_says_how_long_it_took(acme: World) -> None:
    async with phone_of(acme) as phone:
        await phone.subscribe()
        answered = await phone.maya.post("/api/v1/me/contacts/0/test", headers=JSON)
        assert answered.json()["outcome"] == "sent"
        shown = phone.shown()
        assert shown["title"].startswith("[TEST]")
        assert shown["ack"] == ""
        acme.clock.forward(seconds=2)
        said = {name: shown[name] for name in ("device", "key", "receipt", "seal")}
        await phone.maya.post("/api/v1/push/received", json=said, headers=JSON)
        [push, _] = (await phone.maya.get("/api/v1/me/contacts", headers=JSON)).json()["items"]
        assert push["last_test"]["received_at"] is not None
        assert push["last_test"]["latency_s"] == pytest.approx(2)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_forgotten_and_the_next_method_follows(
    acme: World, status: int
) -> None:
    async with phone_of(acme, answer(status)) as phone:
        await phone.subscribe()
        await fire(acme)
        assert acme.mail.to("maya@example.org")
        assert await acme.rows("SELECT id FROM oncall.push_devices") == []
        assert not await phone.reachable()
        found = (await phone.maya.get("/api/v1/me/contacts", headers=JSON)).json()
        assert found["reachable"] is False
        assert "cannot be reached" in found["says"]
        story = await acme.story()
        assert "oncall.push_device_removed" in story
        assert "oncall.contact_dropped" in story


async def test_one_of_two_browsers_is_enough_and_the_lost_one_is_forgotten(acme: World) -> None:
    async with phone_of(acme, answer(410), answer(201)) as phone:
        await phone.subscribe("one")
        await phone.subscribe("two")
        await fire(acme)
        assert len(phone.service.requests) == 2
        assert not acme.mail.to("maya@example.org")
        assert len(await acme.rows("SELECT id FROM oncall.push_devices")) == 1
        assert await phone.reachable()


async def test_a_push_service_that_is_busy_is_asked_again_and_then_given_up(
    acme: World,
) -> None:
    async with phone_of(acme, answer(429, "retry-after: 7")) as phone:
        await phone.subscribe()
        await fire(acme)
        await acme.forward(minutes=3)
        assert len(phone.service.requests) > 1
        topics = {one.headers["topic"] for one in phone.service.requests}
        assert len(topics) == 1  # what has not arrived is replaced, not doubled
        assert acme.mail.to("maya@example.org")
        assert await phone.reachable()  # it is the service, not the address
        # and not everybody's service: other people's browsers have vendors of their own
        assert "oncall.provider_failed" not in await acme.story()


@pytest.mark.parametrize("answers", [True, False])
async def test_a_phone_that_says_nothing_is_followed_by_the_next_method(
    acme: World, answers: bool
) -> None:
    async with phone_of(acme) as phone:
        await phone.subscribe()
        await fire(acme)
        if answers:
            shown = phone.shown()
            said = {name: shown[name] for name in ("device", "key", "receipt", "seal")}
            taken = await phone.maya.post("/api/v1/push/received", json=said, headers=JSON)
            assert taken.status_code == 204
            await acme.settle()
            assert "oncall.notification_delivered" in await acme.story()
        await acme.forward(seconds=60)
        assert bool(acme.mail.to("maya@example.org")) is not answers


async def test_only_as_much_leaves_as_the_method_says(acme: World) -> None:
    async with phone_of(acme) as phone:
        await acme.apply(PUSHED.replace("{type: push}", "{type: push, show: reference}"))
        await phone.subscribe()
        await fire(acme)
        shown = phone.shown()
        assert "HighErrorRate" not in json.dumps(shown)
        assert "5xx" not in json.dumps(shown)
        assert "INC-1" in shown["title"]


async def test_a_browser_that_changes_hands_reaches_only_its_last_person(acme: World) -> None:
    async with phone_of(acme) as phone:
        await phone.subscribe()
        async with browser(acme, Role.RESPONDER, await person(acme, "jonas")) as jonas:
            body = phone.keys.subscription(phone.endpoint(), "shared desk")
            assert (
                await jonas.post("/api/v1/me/push", json=body, headers=JSON)
            ).status_code == 200
        assert not await phone.reachable()
        assert await acme.rows("SELECT name FROM oncall.push_devices") == [("shared desk",)]


async def test_browsers_are_renamed_renewed_and_removed_by_their_person_alone(
    acme: World,
) -> None:
    async with phone_of(acme) as phone:
        device = (await phone.subscribe()).json()
        url = f"/api/v1/me/push/{device['id']}"
        async with browser(acme, Role.ADMIN, await person(acme, "jonas")) as jonas:
            assert (await jonas.delete(url, headers=JSON)).status_code == 404
            mine = (await jonas.get("/api/v1/me/push", headers=JSON)).json()
            assert mine["items"] == []
        unnamed = await phone.maya.patch(url, json={"name": "\n"}, headers=JSON)
        assert (unnamed.status_code, unnamed.json()["field"]) == (422, "name")
        renamed = await phone.maya.patch(url, json={"name": " My \n phone "}, headers=JSON)
        assert renamed.status_code == 204
        renewed = (await phone.subscribe("new", replaces=phone.endpoint())).json()
        assert renewed["name"] == "My phone"
        [only] = (await phone.maya.get("/api/v1/me/push", headers=JSON)).json()["items"]
        assert only["id"] == renewed["id"]
        assert "endpoint" not in only
        gone = await phone.maya.delete(f"/api/v1/me/push/{only['id']}", headers=JSON)
        assert gone.status_code == 204
        assert not await phone.reachable()


AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
NONSENSE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"endpoint": "ftp://push.example.org/x"}, "endpoint"),
    ({"endpoint": "http://push.example.org/x"}, "endpoint"),
    ({"endpoint": "https://"}, "endpoint"),
    ({"endpoint": "https://push.example.org/\u00e4"}, "endpoint"),
    ({"keys": {"p256dh": "AAAA", "auth": AUTH}}, "p256dh"),
    ({"keys": {"p256dh": "a", "auth": AUTH}}, "keys.p256dh"),
)


async def test_what_no_browser_would_say_is_refused(acme: World) -> None:
    async with phone_of(acme) as phone:
        for change, field in NONSENSE:
            refused = await phone.subscribe(**change)
            assert (refused.status_code, refused.json()["field"]) == (422, field), change


async def test_twenty_browsers_are_enough_and_a_page_without_any_goes_on(acme: World) -> None:
    async with phone_of(acme) as phone:
        await fire(acme)
        assert acme.mail.to("maya@example.org")
        for number in range(20):
            assert (await phone.subscribe(f"d{number}", PushBrowser())).status_code == 200
        assert (await phone.subscribe("d20", PushBrowser())).status_code == 409
        assert (await phone.subscribe("d19", PushBrowser())).status_code == 200


async def test_the_key_is_made_once_and_no_answer_shows_a_secret(acme: World) -> None:
    async with phone_of(acme) as phone:
        await phone.subscribe()
        [(private,)] = await acme.rows("SELECT private FROM oncall.push_key")
        again = (await phone.maya.get("/api/v1/me/push", headers=JSON)).json()
        assert again["application_key"] == phone.key
        await acme.settle()
        await fire(acme)
        seen = [
            (await phone.maya.get(path, headers={**JSON, **extra})).text
            for path, extra in (
                ("/account/contacts", {"accept": "text/html"}),
                ("/api/v1/me/push", {}),
                ("/api/v1/me/contacts", {}),
            )
        ]
        log = str(await acme.rows("SELECT * FROM kernel.log"))
        for text in (*seen, log):
            assert phone.endpoint() not in text
            assert bytes(private).hex() not in text
        assert len(bytes(private)) == 32


async def test_a_push_service_of_our_own_network_is_never_asked(acme: World) -> None:
    async with phone_of(acme) as phone:
        acme.channels[MethodKind.PUSH] = acme.app.push.channel(Outbound())
        await phone.subscribe()
        await fire(acme)
        assert phone.service.requests == []
        assert acme.mail.to("maya@example.org")
