"""Nothing is so long that nobody reads it; what is merely long is reported, and judged by people."""

from house_sizes import FILE_LINES_MAX, FUNCTION_LINES_MAX, long_files, long_functions
from house_source import modules


def test_no_file_is_longer_than_anybody_reads() -> None:
    assert not list(long_files(modules(), FILE_LINES_MAX))


def test_no_function_is_longer_than_a_screen() -> None:
    assert not list(long_functions(modules(), FUNCTION_LINES_MAX))
