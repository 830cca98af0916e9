"""`tocsin apply`: YAML becomes documents, and every mistake has a file, a line and a cure."""

import json
from pathlib import Path

import pytest
from fake_runtime import FakeRuntime, tocsin

from tocsin.cli import documents
from tocsin.kernel.errors import Invalid, TooLarge

ADA = """\
apiVersion: tocsin/v1
kind: Person
metadata: {name: ada}
spec:
  displayName: Ada
"""
ONCE = """\
# who is called
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata:
  name: default
spec:
  steps:
    - targets: [{person: ada}]
      timeout: 5m
    - targets: [{person: bob}]
      timeout: soon
"""


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


def refused(text: str) -> str:
    with pytest.raises(Invalid) as found:
        documents.parse("x.yaml", text)
    return found.value.detail


def test_files_and_folders_are_applied_as_one_set(runtime: FakeRuntime, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.yaml").write_text(ADA.replace("{name: ada}", "{name: bob}"))
    (tmp_path / "sub" / "a.yml").write_text("---\n" + ADA + "---\n# nothing\n---\n")
    (tmp_path / "README.md").write_text("not: yaml")
    answer = {
        "revision": 3,
        "changed": True,
        "changes": ["created Person/bob", "created Person/ada"],
    }
    runtime.answers.table["POST /resources/apply"] = [answer]
    shown = tocsin(runtime, "apply", "-f", str(tmp_path), "--table")
    assert shown.stderr == ""
    assert shown.stdout == "created Person/bob\ncreated Person/ada\nRevision 3 is in force.\n"
    sent = runtime.answers.asked[0].body["documents"]
    assert [one["metadata"]["name"] for one in sent] == ["bob", "ada"]
    assert sent[0]["apiVersion"] == "tocsin/v1"
    assert json.loads(tocsin(runtime, "apply", "-f", str(tmp_path)).stdout) == answer


def test_what_stays_as_it_is_is_counted_and_what_is_unwise_is_said(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(ADA)
    answer = {
        "revision": 3,
        "changed": True,
        "changes": ["unchanged Person/bob", "created Person/ada", "unchanged Person/cid"],
        "warnings": ["policy default ends with nobody"],
    }
    runtime.answers.table["POST /resources/apply"] = [answer]
    shown = tocsin(runtime, "apply", "-f", str(tmp_path), "--table")
    assert shown.stdout.splitlines() == [
        "created Person/ada",
        "2 unchanged",
        "warning: policy default ends with nobody",
        "Revision 3 is in force.",
    ]


def test_standard_input_is_a_file_too(runtime: FakeRuntime) -> None:
    runtime.answers.table["POST /resources/apply"] = [
        {"revision": 3, "changed": False, "changes": ["unchanged Person/ada"]}
    ]
    shown = tocsin(runtime, "apply", "-f", "-", "--table", stdin=ADA)
    assert "stays: nothing changed" in shown.stdout


@pytest.mark.parametrize(
    ("detail", "field", "where"),
    [
        ("EscalationPolicy/default: spec.steps[1].targets: there is no Person named 'bob'",
         "spec.steps[1].targets", "p.yaml:10: "),
        ("EscalationPolicy/default: spec.steps[1].targets: there is no Person", None, "p.yaml:10: "),
        ("EscalationPolicy/default: spec.steps[1].timeout: not a duration",
         "EscalationPolicy/default: spec.steps[1].timeout", "p.yaml:11: "),
        ("EscalationPolicy/default: spec: Expected `int`, got `str` - at `$.steps[0].timeout`",
         "spec", "p.yaml:9: "),
        ("EscalationPolicy/default: unknown kind", "kind", "p.yaml:3: "),
        ("EscalationPolicy/default stands twice in this set", None, "p.yaml:2: "),
        ("this token may not resource:apply", None, ""),
    ],
)  # fmt: skip
def test_what_the_server_refuses_is_found_again_in_the_file(
    detail: str, field: str | None, where: str
) -> None:
    found = documents.parse("p.yaml", ONCE)
    assert documents.located(detail, field, found) == where + detail


def test_a_refused_apply_names_file_line_and_cure(runtime: FakeRuntime, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(ONCE)
    refusal = Invalid("EscalationPolicy/default: spec.steps[1].targets: there is no Person")
    runtime.answers.table["POST /resources/apply"] = [refusal]
    shown = tocsin(runtime, "apply", "-f", str(file))
    assert shown.exit_code == 2
    assert shown.stderr.startswith(f"Error: {file}:10: EscalationPolicy/default: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "x.yaml:1: "),
        ("kind: Person\nkind: Person\n", "x.yaml:2: kind stands twice; keep one"),
        (ADA.replace("{name: ada}", "{name: BAD}"), "x.yaml:3: metadata.name: Expected `str`"),
        (ADA.replace("spec:\n  displayName: Ada\n", ""), "required field `spec`"),
        (ADA + "extra: 1\n", "x.yaml:6: extra: Object contains unknown field"),
        ("- 1\n", "x.yaml:1: Expected `object`, got `array`"),
        ("!!python/object/apply:os.system ['true']\n", "x.yaml:1: could not determine"),
        ("a: " + "[" * 100 + "]" * 100, "nested deeper than"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested deeper than"),
        ("a: &a [*a]\n", "nested deeper than"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, words: str) -> None:
    assert words in refused(text)


def test_aliases_cannot_unfold_into_a_flood() -> None:
    text = "a0: &a0 [1, 1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    with pytest.raises(TooLarge, match="more than 200000 values"):
        documents.parse("x.yaml", text)


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("# " + "x" * documents.FILE_MAX_BYTES)
    with pytest.raises(TooLarge, match="cut it into several files"):
        documents.read([large])
    with pytest.raises(Invalid, match="No such file"):
        documents.read([tmp_path / "none.yaml"])
    (tmp_path / "none").mkdir()
    with pytest.raises(Invalid, match="there is no document"):
        documents.read([tmp_path / "none"])
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(Invalid, match="not UTF-8"):
        documents.read([tmp_path / "latin.yaml"])


def test_words_stay_words_as_in_yaml_1_2() -> None:
    text = (
        ADA
        + "  a: on\n  b: 12:30\n  c: 2026-01-05T09:00:00\n  d: 017\n  e: 17\n  f: 1e3\n  g: ~\n  h: true\n  i: 1.5\n"
    )
    [found] = documents.parse("x.yaml", text)
    spec = found.document.spec
    assert [spec[key] for key in "abcdefghi"] == [
        "on", "12:30", "2026-01-05T09:00:00", "017", 17, 1000.0, None, True, 1.5,
    ]  # fmt: skip
