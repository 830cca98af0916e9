"""What all routes about incidents take and answer: the reference, the version, the people named."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, TypeVar
from uuid import UUID

from litestar import Response
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

from tocsin.command import reads as command
from tocsin.command.model import Incident
from tocsin.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.api.etags import etag, expected_version
from tocsin.web.api.incident_shapes import Other
from tocsin.web.api.shapes import IncidentShape, incident_shape, problems
from tocsin.web.units import AnyRequest, Asking

T = TypeVar("T")
Reference = Annotated[
    str,
    PathParameter(
        description="INC-12, 12 or the id.",
        max_length=100,
        examples=[Example(summary="as people say it", value="INC-12")],
    ),
]
CHANGED = problems(NotFound, Invalid, Conflict, PreconditionFailed)
AnOther = Annotated[Other, Body(examples=[Example(value={"incident": "INC-12"})])]
Act = Callable[[Unit, Incident, int | None], Awaitable[Incident]]


def person_ids(directory: Directory, names: Iterable[str], *, field: str) -> list[PersonId]:
    """Return the people who are called so, by name or id. Raises Invalid."""
    return [_person_id(directory, name, field) for name in names]


def _person_id(directory: Directory, name: str, field: str) -> PersonId:
    if person := directory.find_person(name):
        return person.id
    try:
        found = PersonId(UUID(name))
    except ValueError:
        found = None
    if found is None or found not in directory.people:
        raise Invalid(
            f"there is no person {name!r}; `tocsin resource get Person` names who is there",
            field=field,
        )
    return found


async def on(
    asking: Asking, reference: str, act: Callable[[Unit, Incident], Awaitable[T]]
) -> T:
    """Run `act` on the incident called so, in one unit."""

    async def run(unit: Unit) -> T:
        return await act(unit, await command.incident(unit, reference))

    return await asking.run(run)


async def change(
    asking: Asking, request: AnyRequest, reference: str, act: Act
) -> Response[IncidentShape]:
    """Run a verb on the incident called so, at the version of `If-Match`, and answer with it."""
    if_version = expected_version(request)

    async def run(unit: Unit, incident: Incident) -> Incident:
        return await act(unit, incident, if_version)

    return answer(await on(asking, reference, run))


def answer(incident: Incident, status: int = 200) -> Response[IncidentShape]:
    """Answer with an incident and its version."""
    headers = {"etag": etag(incident.version)}
    return Response(incident_shape(incident), status_code=status, headers=headers)
