"""Templates keep to the content security policy and to htmx 4."""

import re

import pytest
from house_source import PACKAGE

TEMPLATES = sorted((PACKAGE / "web").rglob("*.html"))
BANNED = {
    r"<script(?![^>]*\bsrc=)": "inline script: the policy blocks it; write a custom element",
    r"<style\b": "inline style sheet: the policy blocks it; use ui/src",
    r'\sstyle\s*=(?!"(?:--[\w-]+:{{[^}"]+}};?)+")': (
        "a style attribute hands over numbers (--a:{{ … }}); how it looks stands in ui/src"
    ),
    r"\son[a-z]+\s*=": "an on… attribute is inline script",
    r"\bhx-on\b": "hx-on needs eval; use a delegated listener",
    r"""["'\s]js:|javascript:""": "js: needs eval",
    r"https?://(?!www\.w3\.org/)[\w.]": "a foreign origin: nothing is loaded from outside",
    r"\bhx-(vars|params|prompt|ext|disinherit|inherit|request|history|disabled-elt|sse|ws)\b": (
        "an htmx 2 attribute"
    ),
    r"\b(sse|ws)-(swap|connect|send|close)\b": "an htmx 2 extension's attribute",
    r"\bhtmx:[a-z]+[A-Z]": "an htmx 2 event name; htmx 4 writes htmx:after:swap",
}


@pytest.mark.parametrize("reason", BANNED.values())
def test_templates_hold_nothing_that_is_banned(reason: str) -> None:
    pattern = next(re.compile(p) for p, r in BANNED.items() if r == reason)
    found = [
        f"{path.name}:{number}: {line.strip()[:100]}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(re.sub(r"{#.*?#}", "", line))
    ]
    assert not found, f"{reason}\n" + "\n".join(found)
