"""Ids: UUIDv7 as RFC 9562 says, in the order in which one process makes them."""

import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from uuid import RFC_4122, UUID

from tocsin.kernel.ids import uuid7


def test_version_and_variant_stand_where_the_rfc_wants_them() -> None:
    made = [uuid7() for _ in range(1000)]
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {RFC_4122}


def test_ids_of_one_process_are_strictly_increasing_as_numbers_and_as_text() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert all(a < b for a, b in pairwise(made))
    assert sorted(map(str, made)) == list(map(str, made))


def test_the_first_48_bits_are_the_milliseconds_of_the_wall_clock() -> None:
    before_ms = time.time_ns() // 1_000_000
    made = uuid7()
    # a burst before this test may have run the stamp ahead by 250 ns an id
    assert before_ms <= made.int >> 80 <= time.time_ns() // 1_000_000 + 50


def test_threads_never_get_the_same_id() -> None:
    found: list[list[UUID]] = []

    def make() -> None:
        found.append([uuid7() for _ in range(3000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for part in found for one in part}) == 12_000
    assert all(part == sorted(part) for part in found)


def test_a_forked_child_draws_random_bits_of_its_own() -> None:
    uuid7()  # fills the buffer that a child would inherit
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(uuid7().bytes for _ in range(20)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    theirs = {said[at + 8 : at + 16] for at in range(0, len(said), 16)}
    ours = {uuid7().bytes[8:] for _ in range(20)}
    assert len(theirs) == 20
    assert not theirs & ours


def test_ids_follow_the_clock_they_are_given_and_never_go_back() -> None:
    code = """
from datetime import UTC, datetime, timedelta
from tocsin.kernel import ids
began = datetime.now(UTC)
first = ids.uuid7()
ids.follow(began + timedelta(hours=1))
ahead = ids.uuid7()
ids.follow(began - timedelta(hours=1))
back = ids.uuid7()
print(((ahead.int >> 80) - (first.int >> 80)) // 60_000, first < ahead < back)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["60", "True"]
