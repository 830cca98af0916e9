"""Somebody's phone for tests of web push: signed in, with its own keys, behind a push service on loopback."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import httpx
from pages_world import browser, person

from fakes.world import World
from integrations.loopback import HttpServer, answer, http_server
from integrations.push_browser import PushBrowser
from tocsin.integrations.outbound import Outbound
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.oncall import reads
from tocsin.oncall.model import MethodKind

PUSHED = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec:
  displayName: Maya Okafor
  contact: [{type: push}, {type: email, address: maya@example.org}]
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{person: maya}], timeout: 5m}], catchAll: [{person: boss}]}
"""
JSON = {"accept": "application/json", "sec-fetch-site": "same-origin"}


class Phone:
    """Maya, signed in, her phone's keys, and the push service of its vendor."""

    def __init__(self, world: World, maya: httpx.AsyncClient, service: HttpServer) -> None:
        self.world = world
        self.maya = maya
        self.service = service
        self.keys = PushBrowser()
        self.key = ""

    def endpoint(self, name: str = "phone") -> str:
        return f"http://127.0.0.1:{self.service.port}/{name}"

    async def subscribe(
        self, name: str = "phone", by: PushBrowser | None = None, **more: Any
    ) -> httpx.Response:
        found = (await self.maya.get("/api/v1/me/push", headers=JSON)).json()
        self.key = found["application_key"]
        body = (by or self.keys).subscription(self.endpoint(name), name) | more
        return await self.maya.post("/api/v1/me/push", json=body, headers=JSON)

    def shown(self, at: int = -1) -> Any:
        """Return what the phone reads in a request to its push service."""
        return json.loads(self.keys.decrypt(self.service.requests[at].body))

    async def reachable(self) -> bool:
        found = await self.world.app.units.run(SYSTEM, reads.reachability)
        return found[(await person_id(self.world))].is_reachable


async def person_id(world: World) -> Any:
    return await person(world, "maya")


@asynccontextmanager
async def phone_of(world: World, *answers: bytes) -> AsyncIterator[Phone]:
    await world.apply(PUSHED)
    outbound = Outbound(allowed=(ip_network("127.0.0.0/8"),), timeout_s=5)
    world.channels[MethodKind.PUSH] = world.app.push.channel(outbound)
    async with (
        http_server(*(answers or (answer(201),))) as service,
        browser(world, Role.RESPONDER, await person(world, "maya")) as maya,
    ):
        yield Phone(world, maya, service)
