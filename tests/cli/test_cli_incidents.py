"""`tocsin incident` and `tocsin search`: what each command asks of the API, and what it says."""

from pathlib import Path
from typing import Any

import pytest
from fake_runtime import FakeRuntime, tocsin

from tocsin.kernel.errors import NotFound

ROW = {
    "id": "1", "reference": "INC-1", "status": "investigating", "severity": 2, "priority": "P1",
    "urgency": "high", "title": "Down", "opened_at": "2026-03-27T12:00:00Z", "calling": "calling",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "asked", "body", "said"),
    [
        (["severity", "INC-1", "2"], "POST /incidents/INC-1/severity", {"severity": 2}, "SEV2"),
        (["severity", "INC-1", "none"], "POST /incidents/INC-1/severity", {"severity": None}, "SEV2"),
        (["priority", "INC-1", "P1"], "POST /incidents/INC-1/priority", {"priority": "P1"}, "P1"),
        (["status", "INC-1", "closed"], "POST /incidents/INC-1/status", {"status": "closed"}, "investigating"),
        (["reopen", "INC-1"], "POST /incidents/INC-1/reopen", None, "investigating"),
        (["merge", "INC-3", "INC-1"], "POST /incidents/INC-3/merge", {"incident": "INC-1"}, "INC-3 is part of INC-1"),
        (["split", "INC-3", "x", "--group", "g"], "POST /incidents/INC-3/split", {"groups": ["g"], "title": "x"}, "INC-1 split off"),
        (["note", "INC-1", "hello"], "POST /incidents/INC-1/notes", {"text": "hello"}, "Noted as 1"),
        (["erase-note", "INC-1", "n"], "DELETE /incidents/INC-1/notes/n", None, "Erased"),
        (["unlink", "INC-1", "l"], "DELETE /incidents/INC-1/links/l", None, "Unlinked"),
        (["relate", "INC-1", "INC-2"], "POST /incidents/INC-1/relations", {"incident": "INC-2"}, "are related"),
        (["relate", "INC-1", "INC-2", "--remove"], "DELETE /incidents/INC-1/relations/INC-2", None, "unrelated"),
        (["restrict", "INC-1", "--person", "maya"], "PUT /incidents/INC-1/restriction", {"people": ["maya"], "roles": []}, "is restricted"),
        (["restrict", "INC-1", "--remove"], "DELETE /incidents/INC-1/restriction", None, "to everybody"),
        (["escalate", "INC-1"], "POST /incidents/INC-1/escalate", None, "next step"),
    ],
)  # fmt: skip
def test_a_verb_asks_its_question_and_says_what_came_of_it(
    words: list[str], asked: str, body: Any, said: str
) -> None:
    runtime = FakeRuntime()
    runtime.answers.table[asked] = [ROW]
    formats = [] if words[0] in ("erase-note", "unlink") else ["--table"]
    result = tocsin(runtime, "incident", *words, *formats)
    assert result.exit_code == 0, result.output
    assert said in result.stdout
    assert runtime.answers.asked[-1].body == body


def test_declaring_sends_what_was_said_and_pages_only_if_asked() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["POST /incidents"] = [ROW]
    tocsin(runtime, "incident", "declare", "Down", "--severity", "1", "--service", "a")
    assert runtime.answers.asked[-1].body == {
        "title": "Down", "description": "", "severity": 1, "priority": None, "urgency": "high",
        "policy": None, "services": ["a"], "team": None, "groups": [],
    }  # fmt: skip
    result = tocsin(runtime, "incident", "declare", "Down", "--page", "", "--table")
    assert runtime.answers.asked[-1].body["policy"] == ""
    assert result.stdout == "INC-1 declared.\n"


def test_a_list_is_filtered_by_the_server() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["GET /incidents"] = [{"items": [ROW], "next": None}]
    options = ("--severity", "2", "--team", "shop", "--mine", "--search", "x y")
    shown = tocsin(runtime, "incident", "list", *options, "--table").stdout
    assert "calling" in shown
    params = runtime.answers.asked[-1].params
    assert params == {
        "status": "open", "severity": "2", "team": "shop", "mine": "true", "q": "x y",
        "limit": "50",
    }  # fmt: skip


def test_a_search_asks_for_words_and_shows_both_kinds() -> None:
    runtime = FakeRuntime()
    alert = {
        "name": "Errors",
        "state": "firing",
        "labels": {"a": "b"},
        "starts_at": ROW["opened_at"],
    }
    runtime.answers.table |= {
        "GET /search": [
            {"incidents": [ROW], "alerts": [alert]},
            {"incidents": [], "alerts": []},
        ],
        "GET /incidents": [{"items": [ROW], "next": None}, {"items": [], "next": None}],
    }
    shown = tocsin(runtime, "search", "a", "b", "--table").stdout
    assert "INC-1" in shown
    assert "Errors" in shown
    assert runtime.answers.asked[-1].params == {"q": "a b", "limit": "20"}
    assert tocsin(runtime, "search", "a", "--table").stdout == "Nothing found.\n"
    assert "INC-1" in tocsin(runtime, "incident", "search", "a", "--table").stdout
    assert tocsin(runtime, "incident", "search", "a", "--table").stdout == "Nothing found.\n"


@pytest.mark.parametrize("command", [("search",), ("incident", "search")])
def test_a_word_with_a_minus_is_searched_for_and_an_option_is_an_option(
    command: tuple[str, ...],
) -> None:
    runtime = FakeRuntime()
    found = {
        "GET /search": {"incidents": [], "alerts": []},
        "GET /incidents": {"items": [], "next": None},
    }
    runtime.answers.table |= {key: [answer] for key, answer in found.items()}  # fmt: skip
    shown = tocsin(runtime, *command, "checkout", "-deploy", "-o", "md", "--limit", "5")
    assert shown.exit_code == 0, shown.stderr
    assert runtime.answers.asked[-1].params["q"] == "checkout -deploy"
    assert runtime.answers.asked[-1].params["limit"] == "5"


def test_what_was_merged_says_into_what_unless_that_is_hidden() -> None:
    merged = ROW | {
        "merged_into": "2", "labels": {}, "resolved_at": None, "resolved_by": "",
        "firing_count": 0, "alert_count": 0, "description": "", "pages": [],
    }  # fmt: skip
    runtime = FakeRuntime()
    runtime.answers.table |= {
        "GET /incidents/INC-1": [merged, merged],
        "GET /incidents/INC-1/timeline": [{"items": [], "next": None}] * 2,
        "GET /incidents/2": [ROW | {"reference": "INC-2"}, NotFound("no incident")],
    }
    assert "part of   INC-2" in tocsin(runtime, "incident", "show", "INC-1", "--table").stdout
    assert "part of" not in tocsin(runtime, "incident", "show", "INC-1", "--table").stdout


def test_an_export_goes_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    runtime = FakeRuntime()
    runtime.answers.table["GET /incidents/INC-1/export"] = [{"complete": True}]
    file = tmp_path / "inc.json"
    result = tocsin(
        runtime, "incident", "export", "INC-1", "--format", "json", "--to", str(file)
    )
    assert result.exit_code == 0, result.output
    assert file.read_text() == '{"complete":true}'
    assert runtime.answers.asked[-1].params == {"format": "json"}
    assert tocsin(runtime, "incident", "export", "INC-1").stdout == '{"complete":true}\n'
