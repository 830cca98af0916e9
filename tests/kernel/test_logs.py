"""The operator's log: one JSON object a line, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.kernel import logs
from tocsin.kernel.ids import uuid7
from tocsin.kernel.logs import Log, mask

log = Log("test")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is written while the log is started, and the loggers as they were afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("tocsin")
    before = (root.handlers[:], root.level, ours.level)
    logs.start("info")
    written = io.StringIO()
    target = root.handlers[0]
    assert isinstance(target, logging.StreamHandler)
    target.setStream(written)
    yield written
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def read(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_an_entry_is_one_json_line_with_an_event_and_its_fields(lines: io.StringIO) -> None:
    page_id = uuid7()
    log.info("page.sent", page_id=page_id, attempt=2, note="two\nlines")
    log.debug("not.wanted")
    [entry] = read(lines)
    assert entry.pop("at")
    assert entry == {
        "level": "info",
        "logger": "tocsin.test",
        "event": "page.sent",
        "page_id": str(page_id),
        "attempt": 2,
        "note": "two\nlines",
    }


def test_an_error_brings_its_type_its_text_and_its_traceback(lines: io.StringIO) -> None:
    try:
        int("broken")
    except ValueError as error:
        log.error("page.failed", error=error)
    [entry] = read(lines)
    assert str(entry["error"]).startswith("ValueError: invalid literal")
    assert "test_logs.py" in str(entry["traceback"])


def test_libraries_speak_only_from_warning_on(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("chatter")
    logging.getLogger("httpx").warning("trouble")
    assert [entry["event"] for entry in read(lines)] == ["trouble"]


@pytest.mark.parametrize(
    "text",
    [
        "POST /integrations/tocsin_SECRET/api/v2/alerts 503",
        "https://tocsin.example.org/integrations/SECRET/api/v2/alerts?x=1",
        "http://localhost:8640/a/SECRET",
        "GET /sign-in/SECRET?next=/",
        "smtp://maya:SECRET@mail.example.org:587",
        "postgresql://tocsin:SECRET@db/tocsin",
        "smtp://maya:SE@SECRET@mail.example.org",
        "host=db user=tocsin password=SECRET dbname=tocsin",
        "host=db password='SEC SECRET' dbname=tocsin",
    ],
)
def test_keys_in_paths_and_credentials_are_masked(text: str, lines: io.StringIO) -> None:
    log.warning("inbound.failed", path=text, nested={"where": [text]})
    log.error("it.broke", error=RuntimeError(text))
    logging.getLogger("library").warning(text)
    assert "SECRET" not in lines.getvalue()
    assert len(read(lines)) == 3


def test_masking_leaves_the_rest_of_a_line_alone(lines: io.StringIO) -> None:
    log.info("sent", url="http://127.0.0.1:8640", to="<maya@example.org>", at_path="/a/b/c")
    [entry] = read(lines)
    assert entry["url"] == "http://127.0.0.1:8640"
    assert entry["to"] == "<maya@example.org>"
    assert entry["at_path"] == "/a/***/c"


@example({"a": '/a/"', "b": 'x://a"@b', "c": "password='"})
@example({"a": "/a/\\", "b": "x://a\\@b", "c": 'password="x"'})
@given(st.dictionaries(st.text("abc"), st.text('ab:/@"\\ \n?=integrations'), max_size=4))
def test_a_masked_line_is_still_json(fields: dict[str, str]) -> None:
    text = json.dumps({"url": "http://127.0.0.1:8640", **fields, "to": "maya@example.org"})
    json.loads(mask(text))
