"""`tocsin plan | diff | export | history | rollback | schema` on a terminal and behind a pipe."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_runtime import FakeRuntime, tocsin

from tocsin.cli import documents
from tocsin.kernel.errors import Conflict
from tocsin.kernel.resources import yaml_text

MAYA = """\
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec:
  displayName: Maya
"""
PLAN: dict[str, Any] = {
    "revision": 7,
    "changed": True,
    "words": [
        "nobody is paged for blog from now on",
        "checkout pages Maya instead of Jonas from Monday 09:00 (Europe/Berlin)",
    ],
    "changes": [
        {
            "action": "changed", "kind": "Schedule", "name": "primary", "effective_from": None,
            "fields": [
                {"path": "spec.rotation.people", "before": ["jonas"], "after": ["maya"],
                 "private": False},
            ],
        },
        {
            "action": "changed", "kind": "Person", "name": "maya", "effective_from": None,
            "fields": [
                {"path": "spec.contact", "before": None, "after": None, "private": True},
            ],
        },
        {"action": "unchanged", "kind": "Person", "name": "jonas", "effective_from": None,
         "fields": []},
        {
            "action": "scheduled", "kind": "Route", "name": "web",
            "effective_from": "2026-03-30T07:00:00Z",
            "fields": [
                {"path": "spec.order", "before": 100, "after": 5, "private": False},
                {"path": "spec.urgency", "before": "low", "after": None, "private": False},
            ],
        },
    ],
}  # fmt: skip
SAME = {"revision": 7, "changed": False, "words": [], "changes": []}


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def file(tmp_path: Path) -> str:
    found = tmp_path / "maya.yaml"
    found.write_text(MAYA)
    return str(found)


def test_a_plan_warns_of_what_is_unwise_though_nothing_changes(
    runtime: FakeRuntime, file: str
) -> None:
    runtime.answers.table["POST /resources/plan"] = [
        SAME | {"warnings": ["policy default ends with nobody"]}
    ]
    shown = tocsin(runtime, "plan", "-f", file, "--table")
    assert shown.exit_code == 0
    assert "warning: policy default ends with nobody" in shown.stdout.splitlines()


def test_a_plan_says_words_first_then_each_change_and_ends_with_10(
    runtime: FakeRuntime, file: str
) -> None:
    runtime.answers.table["POST /resources/plan"] = [PLAN]
    shown = tocsin(runtime, "plan", "-f", file, "--table")
    assert shown.exit_code == 10
    assert shown.stdout.splitlines() == [
        "* nobody is paged for blog from now on",
        "* checkout pages Maya instead of Jonas from Monday 09:00 (Europe/Berlin)",
        "",
        "~ Schedule/primary",
        '    spec.rotation.people: ["jonas"] -> ["maya"]',
        "~ Person/maya",
        "    spec.contact: changed (private)",
        "@ Route/web from 2026-03-30T07:00:00Z",
        "    spec.order: 100 -> 5",
        '    spec.urgency: "low" -> not there',
        "3 to change, 1 unchanged.",
    ]
    piped = tocsin(runtime, "plan", "-f", file)
    assert (piped.exit_code, json.loads(piped.stdout)) == (10, PLAN)


def test_a_plan_without_a_change_ends_with_0(runtime: FakeRuntime, file: str) -> None:
    runtime.answers.table["POST /resources/plan"] = [SAME]
    shown = tocsin(runtime, "plan", "-f", file, "--table")
    assert (shown.exit_code, shown.stdout) == (
        0, "Nothing would change. Revision 7 is in force.\n",
    )  # fmt: skip


def test_of_a_secret_it_is_said_that_it_changes(runtime: FakeRuntime, file: str) -> None:
    field = {"path": "spec.contact[0].token", "before": "…", "after": "…", "private": True,
             "secret": True}  # fmt: skip
    change = {"action": "changed", "kind": "Person", "name": "maya", "effective_from": None,
              "fields": [field]}  # fmt: skip
    runtime.answers.table["POST /resources/plan"] = [PLAN | {"changes": [change]}] * 2
    for command in ("plan", "diff"):
        shown = tocsin(runtime, command, "-f", file, "--table")
        assert "spec.contact[0].token: secret changed" in shown.stdout
        assert "…" not in shown.stdout


def test_a_diff_is_unified_by_field(runtime: FakeRuntime, file: str) -> None:
    runtime.answers.table["POST /resources/plan"] = [PLAN]
    shown = tocsin(runtime, "diff", "-f", file, "--table")
    assert shown.exit_code == 10
    assert shown.stdout.splitlines()[:6] == [
        "--- Schedule/primary (server)",
        "+++ Schedule/primary (files, changed)",
        '-spec.rotation.people: ["jonas"]',
        '+spec.rotation.people: ["maya"]',
        "--- Person/maya (server)",
        "+++ Person/maya (files, changed)",
    ]
    assert "+spec.contact: (private)" in shown.stdout
    assert tocsin(runtime, "diff", "-f", file, "--prune").exit_code == 10
    assert runtime.answers.asked[-1].body["prune"] is True
    runtime.answers.table["POST /resources/plan"] = [PLAN | {"changed": False, "changes": []}]
    agreed = tocsin(runtime, "diff", "-f", file, "--table")
    assert (agreed.exit_code, agreed.stdout) == (0, "Files and server agree.\n")


def test_an_instant_is_given_to_every_document_that_has_none(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    file = tmp_path / "two.yaml"
    own = MAYA.replace("{name: maya}", '{name: bea, effectiveFrom: "2026-05-01T00:00:00Z"}')
    file.write_text(MAYA + "---\n" + own)
    runtime.answers.table["POST /resources/apply"] = [
        {"revision": 7, "changed": True, "changes": []}
    ]
    since = "2026-03-30T09:00+02:00"
    shown = tocsin(runtime, "apply", "-f", str(file), "--effective-from", since)
    assert shown.exit_code == 0, shown.stderr
    sent = [one["metadata"] for one in runtime.answers.asked[0].body["documents"]]
    assert sent == [
        {"name": "maya", "effectiveFrom": "2026-03-30T09:00:00+02:00"},
        {"name": "bea", "effectiveFrom": "2026-05-01T00:00:00Z"},
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["--effective-from", "monday"],
        ["--effective-from", "2026-03-30T09:00"],  # whose nine o'clock?
        ["--effective-from", "2026-03-30T09:00Z", "--prune"],
    ],
)
def test_an_instant_that_could_be_misread_is_refused(
    runtime: FakeRuntime, file: str, words: list[str]
) -> None:
    shown = tocsin(runtime, "apply", "-f", file, *words)
    assert shown.exit_code == 2
    assert runtime.answers.asked == []


def test_an_export_is_yaml_in_one_stream_or_a_file_a_kind(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    found = yaml_text.parse("x", MAYA + "---\n" + MAYA.replace("maya", "jonas"))
    text = yaml_text.write(one.document for one in found)

    runtime.answers.table["GET /resources/export"] = [msgspec.Raw(text.encode())]
    shown = tocsin(runtime, "export", "--kind", "Person")
    assert (shown.exit_code, shown.stdout) == (0, text)
    assert runtime.answers.asked[0].params == {"kind": "Person"}
    folder = tmp_path / "out"
    shown = tocsin(runtime, "export", "-d", str(folder))
    assert shown.stdout == f"wrote 2 to {folder / 'person.yaml'}\n"
    assert (folder / "person.yaml").read_text() == text
    (tmp_path / "taken").touch()
    assert tocsin(runtime, "export", "-d", str(tmp_path / "taken")).exit_code == 2


def test_history_tells_who_when_and_what(runtime: FakeRuntime) -> None:
    runtime.answers.table["GET /resources/Schedule/primary/history"] = [
        {
            "kind": "Schedule", "name": "primary",
            "scheduled": [
                {"effective_from": "2026-03-30T07:00:00Z", "managed_by": "file",
                 "scheduled_at": "2026-03-27T12:00:00Z", "scheduled_by": "person:1",
                 "scheduled_by_name": "Maya",
                 "failure": None, "fields": []},
            ],
            "versions": [
                {"version": 2, "revision": 9, "at": "2026-03-27T12:00:00Z", "by": "person:1", "by_name": "Maya",
                 "managed_by": "file", "deleted": False, "spec": {},
                 "fields": [{"path": "spec.timezone", "before": "UTC",
                             "after": "Europe/Berlin", "private": False}]},
                {"version": 1, "revision": 8, "at": "2026-03-26T12:00:00Z", "by": "token:2", "by_name": "a token",
                 "managed_by": "screen", "deleted": False, "spec": {}, "fields": []},
            ],
        }
    ]  # fmt: skip
    shown = tocsin(runtime, "history", "Schedule/primary", "--table")
    assert shown.stdout.splitlines() == [
        "@ 2026-03-30 07:00:00  scheduled  by Maya",
        "   2  2026-03-27 12:00:00  revision 9  by Maya  managed by file",
        '      spec.timezone: "UTC" -> "Europe/Berlin"',
        "   1  2026-03-26 12:00:00  revision 8  by a token  managed by screen",
    ]
    one = json.loads(tocsin(runtime, "history", "Schedule/primary", "-n", "1").stdout)
    assert len(one["versions"]) == 1
    assert tocsin(runtime, "history", "primary").exit_code == 2


def test_a_rollback_names_its_version_and_the_way_round_a_file(runtime: FakeRuntime) -> None:
    path = "POST /resources/Schedule/primary/rollback"
    runtime.answers.table[path] = [
        Conflict("Schedule/primary is managed by a file: take it over")
    ]
    refused = tocsin(runtime, "rollback", "Schedule/primary", "--to", "3")
    assert refused.exit_code == 5
    assert "--take-over" in refused.stderr
    runtime.answers.table[path] = [
        {"revision": 9, "changed": True, "changes": ["changed Schedule/primary"]}
    ]
    done = tocsin(
        runtime, "rollback", "Schedule/primary", "--to", "3", "--take-over", "--table"
    )
    assert done.stdout == "changed Schedule/primary\nRevision 9 is in force.\n"
    asked = runtime.answers.asked[-1]
    assert (asked.body, asked.params) == ({"to": 3}, {"take_over": "true"})


def test_the_schema_is_json(runtime: FakeRuntime) -> None:
    runtime.answers.table["GET /resources/schema"] = [{"title": "Tocsin resource"}]
    assert json.loads(tocsin(runtime, "schema").stdout) == {"title": "Tocsin resource"}


def test_a_field_that_is_named_without_its_spec_is_found_as_well() -> None:
    found = documents.parse("p.yaml", MAYA + "  timezone: Berlin\n")
    detail = "Person/maya: 'Berlin' is no IANA time zone"
    assert documents.located(detail, "timezone", found) == f"p.yaml:6: {detail}"
