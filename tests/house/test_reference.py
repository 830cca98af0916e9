"""The reference pages say what the code says."""

import runpy

import pytest
from house_source import ROOT

REFERENCE = runpy.run_path(str(ROOT / "tools" / "reference.py"))
PAGES: dict[str, str] = REFERENCE["pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    page = ROOT / "docs" / "reference" / name
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    assert written == PAGES[name], f"run `make docs` and commit {page.relative_to(ROOT)}"


def test_every_reference_page_is_a_generated_one() -> None:
    found = {path.name for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert found <= {*PAGES, "index.md"}
