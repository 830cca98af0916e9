"""The API's description: complete, with an example of everything, and a page for people."""

import re
from typing import Any

import pytest

from fakes.world import World
from tocsin.web.api.describe import completed, example, operations, takes_key

pytestmark = pytest.mark.db


async def description(world: World) -> dict[str, Any]:
    answer = await world.http.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_every_operation_says_what_it_takes_and_gives_by_example(acme: World) -> None:
    bare = []
    for method, path, operation in operations(await description(acme)):
        contents = list(operation.get("requestBody", {}).get("content", {}).items())
        for answer in operation["responses"].values():
            contents += answer.get("content", {}).items()
        bare += [
            f"{method} {path}: {media}"
            for media, content in contents
            if "example" not in content and "examples" not in content
        ]
        bare += [f"{method} {path}: no words"] * (not operation.get("description"))
    assert not bare, "\n".join(bare)


async def test_every_write_takes_a_key_and_every_read_does_not(acme: World) -> None:
    for method, path, operation in operations(await description(acme)):
        names = {one["name"].lower() for one in operation.get("parameters", ())}
        is_write = path.startswith("/api/") and method != "get"
        is_keyed = is_write and path != "/api/v1/login"  # where nobody is signed in yet
        assert ("idempotency-key" in names) == is_keyed, f"{method} {path}"
        assert not is_write or {"409", "413", "422", "429"} <= set(operation["responses"])


async def test_a_secret_is_never_kept_under_a_key(acme: World) -> None:
    # whoever adds a route that answers with a secret gives it `opt=SECRET`
    words = re.compile(r"(?i)secret|^token$|password")
    found = await description(acme)
    known = found["components"]["schemas"]
    exposed = []
    for method, path, operation in operations(found):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/json")
            if not takes_key(method, path, operation) or status >= "300" or not content:
                continue
            shape = content["schema"].get("$ref", "").rsplit("/", 1)[-1]
            properties = known.get(shape, {}).get("properties", ())
            if shape == "LinkShape" or any(words.search(name) for name in properties):
                exposed.append((method, path))
    opts = _opts(acme)
    missing = [one for one in exposed if opts[one].get("answer") != "secret"]
    assert ("post", "/api/v1/tokens") in exposed
    assert not missing, f"give these routes opt=SECRET: {missing}"


def _opts(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    site: Any = world.app.site._lobby.behind
    return {
        (method.lower(), re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)): handler.opt
        for route in site.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
    }


async def test_people_read_it_without_script_and_without_a_session(acme: World) -> None:
    answer = await acme.http.get("/api/v1/docs", headers={"accept": "text/html"})
    assert answer.status_code in (200, 501)
    if answer.status_code == 501:
        pytest.skip("the web UI is not built")
    page = answer.text
    for method, path, _ in operations(await description(acme)):
        assert f">{path}</a>" in page, f"{method} {path}"
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert "curl -X POST" in page
    assert "style=" not in page


def test_an_example_fits_its_schema() -> None:
    known = {"Level": {"enum": ["high", "low"]}, "Loop": {"$ref": "#/x/Deep"}}
    known["Deep"] = {"type": "object", "properties": {"deep": {"$ref": "#/x/Deep"}}}
    assert example({"type": "string", "format": "uuid"}, known).count("-") == 4
    assert example({"oneOf": [{"$ref": "#/x/Level"}, {"type": "null"}]}, known) == "high"
    assert example({"type": "array", "items": {"type": "boolean"}}, known) == [True]
    assert example({"type": "integer", "minimum": 3}, known) == 3
    assert example({"type": "object", "additionalProperties": {"type": "string"}}, known)
    assert example(known["Loop"], known)["deep"]
    assert completed({"paths": {}}) == {"paths": {}}
