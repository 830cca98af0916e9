"""Schemathesis asks everything with every role: answers are as described, and nobody may too much."""

import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

from fakes.served import Served, serving
from fakes.things import things, trouble
from tocsin.kernel.access import Role

pytestmark = [pytest.mark.db, pytest.mark.slow]

ROLES = [role for role in Role if role is not Role.SYSTEM]
TABLE = Path(__file__).parents[1] / "golden" / "routes.txt"
SIGNS_IN = {"POST /api/v1/login"}  # a wrong password is what 401 says there
CHECKS = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
)


@pytest.fixture(scope="module")
def served(cluster: Any, template: str) -> Iterator[Served]:
    """A server with an incident, for all of these tests."""
    name = f"tocsin_schema_{id(cluster):x}"
    cluster.create(name, template=template)
    try:
        with serving(cluster.conninfo(name)) as found:
            found.do(trouble)
            yield found
    finally:
        cluster.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@pytest.fixture(scope="module")
def known(served: Served) -> dict[str, list[Any]]:
    """What stands in the database, by the names that path parameters have."""
    return served.do(things)


def allowed(role: Role) -> dict[str, bool]:
    """Read the golden table: may this role do what stands at METHOD PATH?"""
    head, *lines = TABLE.read_text(encoding="utf-8").splitlines()
    column = head.split().index(role.value) - 3
    return {
        f"{method} {path}": marks[column] == "✔"
        for method, path, _verb, *marks in map(str.split, lines)
    }


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_as_described_and_within_the_permissions(
    served: Served, known: dict[str, list[Any]], role: Role, request: pytest.FixtureRequest
) -> None:
    token = served.do(lambda world: world.make_token(f"schema-{role}", role))
    schema = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    table = allowed(role)
    flaws: dict[str, str] = {}
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        label = f"{operation.method.upper()} {operation.path}"
        examples = int(request.config.getoption("--examples"))
        asked += examples
        try:
            _examine(operation, label, token, known, examples, may=table.get(label))
        except BaseException as error:  # noqa: BLE001 - door: one flaw of many operations
            flaws[label] = _first_words(error)
    assert not flaws, "\n".join(f"{label}: {flaw}" for label, flaw in sorted(flaws.items()))
    assert asked


def _first_words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (f"{type(error).__name__}: " + " / ".join(lines[:12]))[:900]


def _examine(
    operation: Any,
    label: str,
    token: str,
    known: dict[str, list[Any]],
    examples: int,
    *,
    may: bool | None,
) -> None:
    """Send one operation some requests, most of them well-formed."""
    headers = {"authorization": f"Bearer {token}"}
    modes = st.sampled_from([GenerationMode.POSITIVE] * 3 + [GenerationMode.NEGATIVE])

    @given(st.data())
    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(data: st.DataObject) -> None:
        mode = data.draw(modes)
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            case = data.draw(strategy)
        except Exception:  # noqa: BLE001 - nothing about it can be wrong
            case = data.draw(operation.as_strategy())
        for name in case.path_parameters or {}:
            if name in known and known[name] and data.draw(st.integers(0, 3)):
                case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
        answer = case.call(headers=headers, timeout=20)
        status = HTTPStatus(answer.status_code)
        assert status < 500 or status == HTTPStatus.SERVICE_UNAVAILABLE, answer.text[:400]
        if status == HTTPStatus.UNAUTHORIZED and label not in SIGNS_IN:
            given = answer.request.headers.get("authorization", "")
            assert given != headers["authorization"], answer.text[:400]
            return  # a request that was spoilt by leaving the token out
        if may is False:
            assert not 200 <= status < 300, (
                f"may not, and is answered {status}: {answer.text[:200]}"
            )
        is_json = "json" in answer.headers.get("content-type", [""])[0]
        wanted = CHECKS if is_json else CHECKS[:2]  # a stream of YAML documents has no schema
        case.validate_response(answer, checks=wanted, headers=headers)

    ask()


def test_the_table_names_every_operation(served: Served) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    labels = {
        f"{one.ok().method.upper()} {one.ok().path}" for one in schema.get_all_operations()
    }
    assert labels == set(allowed(Role.ADMIN)), "run pytest tests/golden --update"
    assert threading.active_count() < 20
