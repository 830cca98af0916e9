"""The button on the banner that lets people be paged again."""

from typing import Any, Final

from litestar import Response, post

from tocsin.oncall import actions as oncalls
from tocsin.web.forms import lead
from tocsin.web.units import AnAsking, AnyRequest


@post("/paging/release", status_code=303)
async def release(posting: AnAsking, request: AnyRequest) -> Response[Any]:
    """Page for what is still true, and show the start page."""
    await posting.run(oncalls.release_paging)
    return lead(request, "/")


ROUTES: Final = (release,)
