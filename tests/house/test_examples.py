"""Configuration that the docs and the examples show can be applied as it stands."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml
from house_source import ROOT, tracked

from tocsin.app.wiring import KINDS
from tocsin.kernel.resources import Document

SPECS = {kind.name: kind.spec for kind in KINDS}


def _documents() -> Iterator[Any]:
    for path in tracked():
        text = path.read_text(encoding="utf-8") if path.suffix in {".md", ".yaml"} else ""
        blocks = re.findall(r"```yaml[^\n]*\n(.*?)```", text, re.DOTALL)
        for block in blocks if path.suffix == ".md" else [text]:
            if "apiVersion: tocsin/v1" in block:
                for number, document in enumerate(yaml.safe_load_all(block), 1):
                    yield pytest.param(document, id=f"{path.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("document", list(_documents()))
def test_a_shown_resource_can_be_applied(document: Any) -> None:
    read = msgspec.convert(document, Document)
    msgspec.convert(read.spec, SPECS[read.kind])
