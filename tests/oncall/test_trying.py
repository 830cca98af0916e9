"""Tests to oneself go by the real channel, are recorded, and cannot be made into a flood."""

import pytest

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Invalid, NotFound, TooMany
from tocsin.kernel.ids import uuid7
from tocsin.oncall.actions.trying import TESTS_PER_HOUR, TESTS_PER_MINUTE
from tocsin.oncall.ports import PermanentFailure

pytestmark = pytest.mark.db

ROWS = "SELECT method, kind, outcome, error FROM oncall.contact_tests ORDER BY started_at, id"


async def jonas(world: World) -> Actor:
    [(uid,)] = await world.rows("SELECT uid FROM kernel.resources WHERE name = 'jonas'")
    return Actor(kind="person", id=uid, name="jonas", role=Role.VIEWER, person_id=uid)


async def test_a_test_goes_where_a_page_would_and_is_recorded(world: World) -> None:
    actor = await jonas(world)
    test = await world.app.services.try_contact(actor, 0)
    assert test.outcome == "sent"
    [(_, message)] = world.mail.sent
    assert (message.to, message.event) == ("jonas@example.org", "test")
    assert message.ack_link == ""
    assert await world.rows(ROWS) == [(0, "email", "sent", "")]
    await world.settle()
    assert (await world.story())[-1] == "oncall.contact_tested"


async def test_a_failure_is_an_answer_and_quotes_no_secret(world: World) -> None:
    world.mail.judge = lambda message: PermanentFailure(f"410 at {message.to}/key")
    test = await world.app.services.try_contact(await jonas(world), 1)
    assert (test.outcome, test.error) == ("permanent", "410 at …/key")
    assert await world.rows(ROWS) == [(1, "webhook", "permanent", "410 at …/key")]


async def test_tests_are_few_a_minute_and_few_an_hour(world: World) -> None:
    actor = await jonas(world)
    sent = 0
    for _ in range(TESTS_PER_HOUR // TESTS_PER_MINUTE):
        for _ in range(TESTS_PER_MINUTE):
            await world.app.services.try_contact(actor, 0)
            sent += 1
        with pytest.raises(TooMany) as refused:
            await world.app.services.try_contact(actor, 0)
        assert 0 < refused.value.retry_after_s <= 61
        await world.forward(seconds=61)
    for _ in range(TESTS_PER_HOUR - sent):
        await world.app.services.try_contact(actor, 0)
    with pytest.raises(TooMany, match="20 tests"):
        await world.app.services.try_contact(actor, 0)


async def test_there_is_no_test_of_what_is_not_there_nor_by_who_is_nobody(world: World) -> None:
    with pytest.raises(NotFound, match="you have 2"):
        await world.app.services.try_contact(await jonas(world), 2)
    token = Actor(kind="token", id=uuid7(), name="ci", role=Role.ADMIN)
    with pytest.raises(Invalid, match="sign in as a person"):
        await world.app.services.try_contact(token, 0)


async def test_an_apprise_url_that_names_no_service_is_not_saved(world: World) -> None:
    def person_with(url: str) -> str:
        return f"""
apiVersion: tocsin/v1
kind: Person
metadata: {{name: eve}}
spec: {{displayName: Eve, contact: [{{type: apprise, url: "{url}"}}]}}
"""

    for url in ("nope://s3cret", "dbus://s3cret", "json://127.0.0.1/?rto=900"):
        with pytest.raises(Invalid, match=r"Person/eve: spec.contact\[0\].url") as refused:
            await world.apply(person_with(url))
        assert "s3cret" not in refused.value.detail
    await world.apply(person_with("json://example.org/s3cret"))
    [(spec,)] = await world.rows(
        "SELECT spec::text FROM kernel.resource_versions WHERE spec::text LIKE '%commit%' ORDER BY revision DESC LIMIT 1"
    )
    assert "s3cret" not in spec
