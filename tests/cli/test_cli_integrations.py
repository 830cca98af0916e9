"""`tocsin integration` and `tocsin change` against a runtime that answers from a table."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_runtime import Asked, FakeRuntime, tocsin

from tocsin.kernel.errors import NotFound

ONE: dict[str, Any] = {
    "name": "grafana", "type": "webhook", "configured": False, "description": "", "team": None,
    "labels": {}, "last_message_at": "2026-03-27T12:00:00Z", "last_error_at": None,
    "last_error": "", "messages": 3, "signals": 4, "refusals": 1, "waiting": 0,
    "per_minute": [1, 3], "refused_per_minute": [0, 1],
}  # fmt: skip
SPEC = """
apiVersion: tocsin/v1
kind: Integration
metadata: {name: grafana}
spec: {type: webhook, mapping: {labels: {alertname: item.title}}}
"""
SIGNAL = {
    "state": "firing", "labels": {"alertname": "Slow"}, "annotations": {"summary": "4 s"},
    "starts_at": "2026-03-27T12:00:00Z", "ends_at": None, "source_url": "", "dedup_key": "00",
}  # fmt: skip


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


def test_the_list_says_who_sends_and_how_much(runtime: FakeRuntime) -> None:
    runtime.answers.table["GET /integrations"] = [{"items": [ONE]}, {"items": []}]
    shown = tocsin(runtime, "integration", "list", "--table").stdout
    assert "grafana" in shown
    assert "12:00:00" in shown
    assert "token create" in tocsin(runtime, "integration", "list", "--table").stdout


def test_show_and_errors_speak_of_one(runtime: FakeRuntime) -> None:
    refusal = {"at": "2026-03-27T12:00:00Z", "status": 422, "error": "labels: none"}
    detail = {**ONE, "errors": [refusal], "curl": "curl -sS http://x/webhook"}
    runtime.answers.table["GET /integrations/grafana"] = [
        detail,
        detail,
        {**detail, "errors": []},
    ]
    assert (
        "4 (4 in the last hour)"
        in tocsin(runtime, "integration", "show", "grafana", "--table").stdout
    )
    assert (
        "labels: none" in tocsin(runtime, "integration", "errors", "grafana", "--table").stdout
    )
    last = tocsin(runtime, "integration", "errors", "grafana", "--table")
    assert last.stdout == "Nothing of grafana was refused.\n"
    runtime.answers.table["GET /integrations/a%2Fb"] = [NotFound("no integration 'a/b'")]
    assert tocsin(runtime, "integration", "show", "a/b").exit_code == 3


def test_try_sends_spec_and_payload_and_fails_when_something_is_wrong(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    spec, payload = tmp_path / "grafana.yaml", tmp_path / "payload.json"
    spec.write_text(SPEC)
    payload.write_text('{"title": "Slow"}')
    runtime.answers.table["POST /integrations/try"] = [
        {"signals": [SIGNAL], "mistakes": []},
        {"signals": [], "mistakes": [{"field": "labels.alertname", "error": "no such key"}]},
    ]
    words = ("integration", "try", "-f", str(spec), str(payload))
    fine = tocsin(runtime, *words)
    assert (fine.exit_code, json.loads(fine.stdout)["signals"]) == (0, [SIGNAL])
    sent = {
        "spec": {"type": "webhook", "mapping": {"labels": {"alertname": "item.title"}}},
        "payload": {"title": "Slow"},
    }
    assert runtime.answers.asked == [Asked("POST", "/integrations/try", {}, sent)]
    wrong = tocsin(runtime, *words, "--table")
    assert (wrong.exit_code, "no such key" in wrong.stdout) == (2, True)


def test_try_refuses_files_that_are_not_what_they_should_be(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    spec, payload = tmp_path / "grafana.yaml", tmp_path / "payload.json"
    spec.write_text(SPEC)
    payload.write_text("{nonsense")
    refused = tocsin(runtime, "integration", "try", "-f", str(spec), str(payload))
    assert (refused.exit_code, "is not JSON" in refused.stderr) == (2, True)
    payload.write_text("{}")
    spec.write_text(SPEC.replace("kind: Integration", "kind: Person"))
    refused = tocsin(runtime, "integration", "try", "-f", str(spec), str(payload))
    assert (refused.exit_code, "kind Integration" in refused.stderr) == (2, True)


def test_try_takes_a_configured_integration_by_name_and_by_id(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text("{}")
    known = {"items": [{"name": "grafana", "uid": "0198-77"}], "next": None}
    spec = {"type": "webhook", "mapping": {"labels": "item"}}
    runtime.answers.table |= {
        "GET /resources": [known],
        "GET /resources/Integration/grafana": [{"document": {"spec": spec}}],
        "POST /integrations/try": [{"signals": [SIGNAL], "mistakes": []}],
    }
    for reference in ("grafana", "0198-77"):
        assert tocsin(runtime, "integration", "try", reference, str(payload)).exit_code == 0
        assert runtime.answers.asked[-1].body == {"spec": spec, "payload": {}}
    unknown = tocsin(runtime, "integration", "try", "grafanna", str(payload))
    assert unknown.exit_code == 3
    assert "'grafanna'; did you mean grafana? known: grafana" in unknown.stderr
    lost = tocsin(runtime, "integration", "try", "grafana", str(tmp_path / "none.json"))
    assert (lost.exit_code, "PAYLOAD is a file" in lost.stderr) == (2, True)
    assert tocsin(runtime, "integration", "try", str(payload)).exit_code == 2


def test_changes_are_listed(runtime: FakeRuntime) -> None:
    one = {
        "at": "2026-03-27T12:00:00Z", "service": "checkout", "summary": "Deploy 42",
        "source": "ci", "integration": "gitlab",
    }  # fmt: skip
    runtime.answers.table["GET /changes"] = [{"items": [one], "next": None}]
    shown = tocsin(runtime, "change", "list", "--service", "checkout", "--table").stdout
    assert "Deploy 42" in shown
    assert runtime.answers.asked[0].params["service"] == "checkout"
