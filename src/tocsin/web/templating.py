"""Jinja for the screens: where templates and built assets are, and how instants are spelled."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

TEMPLATES = Path(__file__).parent / "templates"
MANIFEST = Path(__file__).parent / "static" / "manifest.json"
NOT_BUILT = (
    "The web UI was not built, so there is nothing to show here; the API works.\n"
    "Run `make demo` or `npm ci && npm run build` in ui/, then start Tocsin again.\n"
)


def hhmm(at: datetime) -> str:
    """Spell the time of day, in the zone the instant carries."""
    return at.strftime("%H:%M")


def iso(at: datetime) -> str:
    """Spell an instant for `<time datetime>` and for script."""
    return at.isoformat(timespec="seconds")


def assets(manifest: Path = MANIFEST) -> Mapping[str, str]:
    """Return the file name, with its hash, of each built entry."""
    if not manifest.is_file():
        return defaultdict(lambda: "not-built")  # an error page still says its sentence
    entries: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["entries"]
    return entries


def environment(entries: Mapping[str, str]) -> Environment:
    """Make the template environment; a name that is not there fails, in tests and in service."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"hhmm": hhmm, "iso": iso}
    env.globals["assets"] = entries
    return env


def config() -> TemplateConfig[JinjaTemplateEngine]:
    """Return what the site is told about templates."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment(assets())))


def not_built(manifest: Path = MANIFEST) -> Response[str] | None:
    """Answer 501 with the cure where nothing was built."""
    if manifest.is_file():
        return None
    return Response(NOT_BUILT, status_code=501, media_type=MediaType.TEXT)


async def require_assets(_request: Request[Any, Any, Any]) -> Response[str] | None:
    """Answer instead of a page that would be bare; a `before_request` hook of the screens."""
    return not_built()
