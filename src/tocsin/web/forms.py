"""What a posted form says, as text, and where a browser goes after it."""

from typing import Any

from litestar.datastructures import FormMultiDict
from litestar.response import Redirect, Response

from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid
from tocsin.web.units import AnyRequest

DIGITS_MAX = 9


def text(form: FormMultiDict, name: str) -> str:
    """Return what stands in a field; "" where it is missing, or where a file is."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def number(form: FormMultiDict, name: str) -> int | None:
    """Return the whole number that stands in a field; None where there is none."""
    found = text(form, name).strip()
    is_number = found.isascii() and found.isdigit() and len(found) <= DIGITS_MAX
    return int(found) if is_number else None


def several(form: FormMultiDict, name: str) -> tuple[str, ...]:
    """Return every value that a field has; files are left out."""
    return tuple(one for one in form.getall(name, []) if isinstance(one, str))


def role_of(form: FormMultiDict) -> Role:
    """Return the role that was chosen. Raises Invalid."""
    try:
        return Role(text(form, "role"))
    except ValueError as error:
        raise Invalid("choose a role", field="role") from error


def stay(request: AnyRequest, url: str) -> Response[Any]:
    """Answer what leaves the page where it is: its live regions show it, without script `url`."""
    return Response(None, status_code=204) if _by_script(request) else _to(url)


def lead(request: AnyRequest, url: str) -> Response[Any]:
    """Answer what takes the browser to another page."""
    if _by_script(request):
        return Response(None, status_code=200, headers={"HX-Redirect": url})
    return _to(url)


def _by_script(request: AnyRequest) -> bool:
    return request.headers.get("hx-request") == "true"


def _to(url: str) -> Response[Any]:
    return Redirect(url, status_code=303)
