"""An instant without its offset is refused, by its field, with what to write instead."""

import json

import pytest

from fakes.world import World

pytestmark = pytest.mark.db

NIGHTS = {
    "apiVersion": "tocsin/v1",
    "kind": "Schedule",
    "metadata": {"name": "nights"},
    "spec": {
        "timezone": "Europe/Berlin",
        "rotation": {"start": "2026-01-05T09:00", "every": "week", "people": ["maya"]},
    },
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-30T09:00:00", "does not say of which zone it is"),
        ("monday", "is no instant"),
        ("2026-03-30", "is no instant"),
    ],
)
async def test_an_instant_names_its_field_and_the_cure(
    world: World, text: str, words: str
) -> None:
    document = NIGHTS | {"metadata": {"name": "nights", "effectiveFrom": text}}
    for method, path, body, field in (
        ("POST", "apply", {"documents": [document]}, "documents[0].metadata.effectiveFrom"),
        ("PUT", "Schedule/nights", document, "metadata.effectiveFrom"),
    ):
        answer = await world.http.request(
            method,
            f"/api/v1/resources/{path}",
            content=json.dumps(body),
            headers=world.bearer | {"content-type": "application/json"},
        )
        assert answer.status_code == 422, answer.text
        told = answer.json()
        assert told["field"] == field
        assert words in told["detail"]
        assert "2026-03-30T09:00:00+02:00" in told["detail"]
