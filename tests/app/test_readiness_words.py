"""What readiness says in words is true of the machine that says it."""

from tocsin.app.readiness import skew_words


def test_a_clock_is_behind_or_ahead_as_the_person_at_the_machine_sees_it() -> None:
    # the measure is the database's clock minus this machine's
    assert skew_words(7200.04).startswith(
        "this machine's clock is 7200.0 s behind the database's"
    )
    assert skew_words(-90).startswith("this machine's clock is 90.0 s ahead of the database's")
