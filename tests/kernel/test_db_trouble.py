"""Troubles of PostgreSQL get their name from the error, whichever way it came."""

import psycopg
import pytest
from psycopg import errors

from tocsin.kernel.db_trouble import WORDS, Trouble, refusal, trouble_of

SOCKET = 'connection failed: connection to server on socket "/x/.s.PGSQL.5432" failed: '


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.ReadOnlySqlTransaction(), Trouble.READ_ONLY),
        (errors.DiskFull(), Trouble.FULL),
        (errors.TooManyConnections(), Trouble.CROWDED),
        (errors.CannotConnectNow(), Trouble.STARTING),
        (errors.AdminShutdown("terminating connection"), Trouble.UNREACHABLE),
        (psycopg.OperationalError("server closed the connection"), Trouble.UNREACHABLE),
        (psycopg.OperationalError(SOCKET + "No such file or directory"), Trouble.UNREACHABLE),
        (
            psycopg.OperationalError(SOCKET + "FATAL:  the database system is starting up"),
            Trouble.STARTING,
        ),
        (
            psycopg.OperationalError(
                SOCKET + "FATAL:  the database system is not yet accepting connections"
            ),
            Trouble.STARTING,
        ),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), Trouble.CROWDED),
        (
            psycopg.OperationalError('FATAL:  password authentication failed for user "x"'),
            Trouble.REFUSED,
        ),
        (TimeoutError(), Trouble.UNREACHABLE),
        (errors.DeadlockDetected(), None),
        (errors.LockNotAvailable(), None),
        (errors.UniqueViolation(), None),
        (ValueError("No space left on device"), None),
    ],
)
def test_an_error_is_named_by_its_state_or_else_its_words(
    error: Exception, expected: Trouble | None
) -> None:
    assert trouble_of(error) is expected


def test_each_trouble_has_its_sentence_and_only_wrong_settings_do_not_pass() -> None:
    assert set(WORDS) == set(Trouble)
    assert [one for one in Trouble if not one.is_passing] == [Trouble.REFUSED]


def test_a_refusal_names_the_trouble_and_says_that_nothing_was_done() -> None:
    assert refusal(errors.DiskFull()) == (
        "the database's disk is full: make room, and Tocsin goes on by itself; nothing was changed"
    )
    assert refusal(errors.DeadlockDetected()).startswith("the database asked for another try")
