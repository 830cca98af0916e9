"""The story: what follows from what, as `tocsin reactions` prints it."""

from collections.abc import Callable

from tocsin.app.runtime import Runtime
from tocsin.app.wiring import REACTIONS, catalog
from tocsin.kernel.events import Update, kind_of


def test_what_follows_from_what_is_as_agreed(golden: Callable[[str, str], None]) -> None:
    golden("reactions.txt", Runtime().reactions() + "\n")


def test_the_story_reacts_to_nothing_that_cannot_happen() -> None:
    known = catalog().by_kind
    for event, reactions in REACTIONS.items():
        if issubclass(event, Update):  # in no log, so nothing of it can be parked
            assert all(one.must for one in reactions)
        else:
            assert known[kind_of(event)] is event


def test_a_reaction_s_name_is_its_own() -> None:
    """A parked reaction is found again by its name."""
    by_name = {one.name: one.run for row in REACTIONS.values() for one in row}
    assert {one.run for row in REACTIONS.values() for one in row} == set(by_name.values())
