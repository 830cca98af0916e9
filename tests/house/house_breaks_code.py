"""What is broken in the code: imports, SQL, permissions, doors, sizes, names, tests."""

from house_breaks import Break

_CONTRACTS = "test_contracts.py::test_no_import_goes_up_or_across_the_house"
_LATE = "\n\ndef _late() -> None:\n    import {}\n"


def _import(what: str, into: str, says: str) -> Break:
    """Inside a function, so that the tree can still be imported."""
    add = _LATE.format(what)
    return Break(test=_CONTRACTS, file=f"src/tocsin/{into}", add=add, says=says)


IMPORTS = (
    _import("tocsin.triage.model", "topology/actions.py", "tocsin.topology is not allowed to import tocsin.triage"),
    _import("tocsin.web.forms", "flows/cautions.py", "tocsin.flows is not allowed to import tocsin.web"),
    _import("tocsin.topology.actions", "topology/core/config.py", "tocsin.topology.core is not allowed to import tocsin.topology.actions"),
    _import("asyncio", "triage/core/urgency.py", "tocsin.triage.core is not allowed to import asyncio"),
    _import("time", "triage/core/storm.py", "tocsin.triage.core is not allowed to import time"),
    _import("tocsin.command.store.parts", "flows/selfwatch.py", "protected package tocsin.command.store"),
    _import("tocsin.integrations.cel", "web/forms.py", "tocsin.web is not allowed to import tocsin.integrations"),
    _import("litestar", "flows/planning_words.py", "tocsin.flows is not allowed to import litestar"),
    _import("tocsin.kernel.worker", "kernel/ids.py", "- .ids -> .worker"),
    Break(
        test=_CONTRACTS, file="src/tocsin/weather/__init__.py",
        add='"""A folder of no floor."""\n', says="weather", alone=True,
    ),
    Break(
        test=_CONTRACTS, file="src/tocsin/topology/assistance.py",
        add='"""A file of no stair."""\n', says="assistance",
    ),
)  # fmt: skip

SQL = (
    Break(
        test="test_sql.py::test_sql_names_only_the_schema_of_its_own_context",
        file="src/tocsin/topology/store.py",
        add='\nSTRAY = "SELECT title FROM command.incidents"\n',
        says="command.incidents",
    ),
    Break(
        test="test_sql.py::test_sql_names_only_the_schema_of_its_own_context",
        file="src/tocsin/command/reads/parts.py",
        add='\nPART = " WHERE true\\n  JOIN triage.alerts a ON true"\n',
        says="triage.alerts",
    ),
    Break(
        test="test_sql.py::test_a_context_has_its_sql_in_store_and_reads_alone",
        file="src/tocsin/command/actions/loading.py",
        add='\nSTRAY = "SELECT id FROM command.incidents"\n',
        says="command/actions/loading.py",
    ),
)

_VERB = "\n\nasync def look_away(unit: Unit) -> None:\n    {}\n"
VERBS = (
    Break(
        test="test_verbs.py::test_every_verb_and_read_begins_with_require",
        file="src/tocsin/triage/actions/asking.py",
        add=_VERB.format("unit.tell(None)"),
        says="look_away",
    ),
    Break(
        test="test_verbs.py::test_the_permissions_that_are_asked_for_are_those_of_the_table",
        file="src/tocsin/command/actions/notes.py",
        add=_VERB.format('unit.require("note:juggle")'),
        says="note:juggle",
    ),
    Break(
        test="test_verbs.py::test_the_permissions_that_are_asked_for_are_those_of_the_table",
        file="src/tocsin/kernel/access.py",
        instead_of='    "session:open",\n',
        add='    "session:open",\n    "session:shorten",\n',
        says="session:shorten",
    ),
)

DOORS = tuple(
    Break(
        test="test_doors.py::test_whoever_catches_everything_says_at_which_door",
        file=file,
        add=f"\n\ndef _deaf() -> None:\n{body}",
        says=file,
    )
    for file, body in (
        (
            "src/tocsin/flows/cautions.py",
            "    try:\n        print()\n    except Exception:\n        pass\n",
        ),
        (
            "src/tocsin/flows/selfwatch.py",
            "    try:\n        print()\n    except (OSError, BaseException):\n        pass\n",
        ),
        (
            "src/tocsin/kernel/pulse.py",
            "    with contextlib.suppress(Exception):\n        print()\n",
        ),
    )
)

SIZES = (
    Break(
        test="test_sizes.py::test_no_file_is_longer_than_anybody_reads",
        file="src/tocsin/triage/core/urgency.py",
        add="\n# on and on" * 400 + "\n",
        says="triage/core/urgency.py",
    ),
    Break(
        test="test_sizes.py::test_no_file_is_longer_than_anybody_reads",
        file="tests/triage/test_routing.py",
        add="\n# on and on" * 400 + "\n",
        says="tests/triage/test_routing.py",
    ),
    Break(
        test="test_sizes.py::test_no_function_is_longer_than_a_screen",
        file="src/tocsin/triage/core/wording.py",
        add="\n\ndef on_and_on() -> None:\n" + "    print()\n" * 60,
        says="on_and_on",
    ),
)

NAMES = (
    Break(
        test="test_tree.py::test_file_names_say_what_is_in_them",
        file="src/tocsin/kernel/clock_helpers.py",
        add='"""Whatever."""\n',
        says="clock_helpers",
    ),
    Break(
        test="test_tree.py::test_class_names_say_what_they_are",
        file="src/tocsin/kernel/durations.py",
        add='\n\nclass DurationManager:\n    """Whatever."""\n',
        says="DurationManager",
    ),
)

TESTS = (
    Break(
        test="test_time_in_tests.py::test_no_test_sleeps",
        file="tests/triage/test_sort.py",
        add="\n\ndef _nap() -> None:\n    time.sleep(1)\n",
        says="tests/triage/test_sort.py",
    ),
    Break(
        test="test_bans.py::test_nothing_is_mocked_or_patched",
        file="tests/triage/test_wording.py",
        add="\n\ndef _mock() -> None:\n    from unittest import mock\n",
        says="tests/triage/test_wording.py",
    ),
    Break(
        test="test_bans.py::test_nothing_is_mocked_or_patched",
        file="tests/kernel/test_ids.py",
        add='\n\ndef _patch(monkeypatch: object) -> None:\n    monkeypatch.setattr("a", "b")\n',
        says="tests/kernel/test_ids.py",
    ),
    Break(
        test="test_bans.py::test_a_ban_is_lifted_at_named_places_only",
        file="src/tocsin/command/core/status.py",
        add="\n\ndef _now() -> object:\n    return datetime.now(UTC)  # noqa: TID251 - just once\n",
        says="command/core/status.py",
    ),
)

CODE = (*IMPORTS, *SQL, *VERBS, *DOORS, *SIZES, *NAMES, *TESTS)
