"""`tocsin notify` and `tocsin page request`: what they ask, and how they end."""

import json

import pytest
from fake_runtime import Asked, FakeRuntime, tocsin

CONTACTS = {
    "items": [
        {"index": 0, "method": "ntfy", "address": "n.test/…", "show": "title", "last_test": None},
        {"index": 1, "method": "email", "address": "m…@b.org", "show": "full", "last_test": None},
    ]
}  # fmt: skip
SENT = {"outcome": "sent", "error": "", "started_at": "2026-03-27T12:00:00Z"}
FAILED = {"outcome": "permanent", "error": "410", "started_at": "2026-03-27T12:00:00Z"}
PAGE = {"id": "p1", "policy": "", "asked_person": {"name": "Maya Okafor"}}


@pytest.fixture
def runtime() -> FakeRuntime:
    found = FakeRuntime()
    found.answers.table["GET /me/contacts"] = [CONTACTS]
    found.answers.table["POST /me/contacts/0/test"] = [SENT]
    found.answers.table["POST /me/contacts/1/test"] = [FAILED]
    found.answers.table["POST /incidents/INC-1/page"] = [PAGE]
    return found


def test_every_method_is_tested_and_a_failure_is_an_exit_code(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "notify", "test", "--table")
    assert done.exit_code == 6
    assert "1  email m…@b.org  permanent: 410" in done.stdout
    assert "email" in done.stderr


def test_one_method_can_be_named(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "notify", "test", "--method", "0", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0]["test"]["outcome"] == "sent"
    assert tocsin(runtime, "notify", "test", "--method", "7").exit_code == 3


def test_methods_are_listed(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "notify", "list", "--table")
    assert "n.test/…" in done.stdout
    assert "never" in done.stdout


def test_a_person_is_paged_by_name(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "page", "request", "INC-1", "--person", "maya", "--table")
    assert "Maya Okafor is paged" in done.stdout
    assert runtime.answers.asked[-1] == Asked(
        "POST", "/incidents/INC-1/page", {}, {"person": "maya"}
    )
    assert tocsin(runtime, "page", "request", "INC-1").exit_code == 2
