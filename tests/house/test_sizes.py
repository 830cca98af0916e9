"""Nothing is so long that nobody reads it; what is merely long is reported, and judged by people."""

from house_sizes import FILE_LINES_MAX, FUNCTION_LINES_MAX, long_files, long_functions
from house_source import modules

# a test may be a long story, but no file is
OURS = ("src", "tests", "bench", "tools")


def test_no_file_is_longer_than_anybody_reads() -> None:
    found = list(long_files(modules(*OURS), FILE_LINES_MAX))
    assert not found, found


def test_no_function_is_longer_than_a_screen() -> None:
    found = list(long_functions(modules("src", "bench", "tools"), FUNCTION_LINES_MAX))
    assert not found, found
