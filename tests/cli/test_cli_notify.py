"""`tocsin notify` and `tocsin page request`: what they ask, and how they end."""

import json

import pytest
from fake_runtime import Asked, FakeRuntime, tocsin

_NTFY = {
    "index": 0, "method": "ntfy", "address": "n.test/…", "show": "title", "last_test": None,
    "verified": True, "urgent": True,
}  # fmt: skip
_MAIL = {
    "index": 1, "method": "email", "address": "m…@b.org", "show": "full", "last_test": None,
    "verified": False, "urgent": False,
}  # fmt: skip
CONTACTS = {
    "reachable": True, "says": "You can be reached at night: ntfy.", "items": [_NTFY, _MAIL],
}  # fmt: skip
CODE = {"outcome": "sent", "error": "", "tries_left": 5}
DEVICE = {
    "id": "d1", "name": "phone", "added_at": "2026-03-27T12:00:00Z", "received_at": None,
    "error": "",
}  # fmt: skip
_AT = "2026-03-27T12:00:00Z"
SENT = {"outcome": "sent", "error": "", "started_at": _AT, "latency_s": 0.44}
FAILED = {"outcome": "permanent", "error": "410", "started_at": _AT, "latency_s": None}
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
    assert "0  ntfy n.test/…  sent after 0.4 s" in done.stdout
    assert "1  email m…@b.org  permanent: 410" in done.stdout
    assert "email" in done.stderr


def test_one_method_can_be_named(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "notify", "test", "--method", "0", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0]["test"]["outcome"] == "sent"
    assert tocsin(runtime, "notify", "test", "--method", "7").exit_code == 3


def test_methods_are_listed(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "notify", "methods", "--table")
    assert "You can be reached at night: ntfy." in done.stdout
    assert "n.test/…" in done.stdout
    assert "never" in done.stdout


def test_a_person_is_paged_by_name(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "page", "request", "INC-1", "--person", "maya", "--table")
    assert "Maya Okafor is paged" in done.stdout
    assert runtime.answers.asked[-1] == Asked(
        "POST", "/incidents/INC-1/page", {}, {"person": "maya"}
    )
    assert tocsin(runtime, "page", "request", "INC-1").exit_code == 2


def test_a_method_is_verified_by_the_code_that_is_asked_for(runtime: FakeRuntime) -> None:
    runtime.answers.table["POST /me/contacts/1/code"] = [CODE]
    runtime.answers.table["POST /me/contacts/1/verify"] = [_MAIL | {"verified": True}]
    done = tocsin(runtime, "notify", "verify", "--method", "1", "--table", stdin="123 456\n")
    assert done.exit_code == 0, done.stderr
    assert "does not wake you at night" in done.stdout
    assert runtime.answers.asked[-1] == Asked(
        "POST", "/me/contacts/1/verify", {}, {"code": "123 456"}
    )


def test_behind_a_pipe_the_code_is_given_and_not_asked_for(runtime: FakeRuntime) -> None:
    runtime.answers.table["POST /me/contacts/0/code"] = [CODE]
    runtime.answers.table["POST /me/contacts/0/verify"] = [_NTFY]
    done = tocsin(runtime, "notify", "verify", "--method", "0", "--json")
    assert json.loads(done.stdout)["tries_left"] == 5
    assert len(runtime.answers.asked) == 1
    given = ("--method", "0", "--code", "123456", "--json")
    assert json.loads(tocsin(runtime, "notify", "verify", *given).stdout)["urgent"] is True


def test_a_code_that_could_not_be_sent_ends_with_6(runtime: FakeRuntime) -> None:
    failed = CODE | {"outcome": "permanent", "error": "no SMS here"}
    runtime.answers.table["POST /me/contacts/1/code"] = [failed]
    done = tocsin(runtime, "notify", "verify", "--method", "1")
    assert done.exit_code == 6
    assert "no SMS here" in done.stderr


def test_browsers_are_listed_and_removed(runtime: FakeRuntime) -> None:
    runtime.answers.table["GET /me/push"] = [{"application_key": "B", "items": [DEVICE]}]
    runtime.answers.table["DELETE /me/push/d1"] = [None]
    done = tocsin(runtime, "notify", "devices", "--remove", "d1", "--table")
    assert done.exit_code == 0, done.stderr
    assert "phone" in done.stdout
    assert "never" in done.stdout
