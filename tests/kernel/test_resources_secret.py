"""Secrets in the configuration go in and do not come out, to nobody, and not by guessing either."""

from functools import partial
from typing import Any

import msgspec
import pytest
from kernel_world import MAYA, NOON
from msgspec.structs import replace
from resources_shelf import Shelf, document

from fakes.world import ACME
from tocsin.app.wiring import KINDS
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Forbidden, Invalid
from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources import Document, Metadata, Plan, reads, yaml_text
from tocsin.kernel.resources.apart import secret_fields
from tocsin.kernel.resources.secret import MASK, is_secret_inside
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db
VIEWER = Actor(kind="token", id=uuid7(), name="v", role=Role.VIEWER)
LEAD = Actor(kind="token", id=uuid7(), name="l", role=Role.VIEWER, teams={"red": Role.MANAGER})
SECRETS = ("tk_ntfy", "hook-secret", "T0/B0/path", "123:bot", "a:pw")
NTFY = {"type": "ntfy", "topic": "https://ntfy.example.org/ada", "token": "tk_ntfy"}
HOOK = {"type": "webhook", "url": "https://a:pw@hooks.example.org/T0/B0/path",
        "secret": "hook-secret"}  # fmt: skip
TGRAM = {"type": "apprise", "url": "tgram://123:bot/chat"}
MAIL = {"type": "email", "address": "ada@example.org"}


def ada(*contact: dict[str, Any], **more: Any) -> Document:
    return document("Person", "ada", {"displayName": "Ada", "contact": list(contact), **more})


ADA = ada(MAIL, NTFY, HOOK, TGRAM)


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    shelf = Shelf(database)
    await shelf.put([ADA])
    return shelf


async def planned(shelf: Shelf, actor: Actor, guess: Document) -> Plan:
    return await shelf.units.run(actor, lambda unit: shelf.store.plan(unit, [guess]))


async def put(shelf: Shelf, guess: Document, unit: Unit) -> None:
    await shelf.store.put(unit, guess, take_over=True)


async def stored(shelf: Shelf) -> list[dict[str, Any]]:
    async with shelf.database.connection() as conn:
        cursor = await conn.execute("SELECT fields -> 'contact' FROM kernel.resource_private")
        [(found,)] = await cursor.fetchall()
    return [{key: one[key] for key in one if one[key] is not None} for one in found]


def clear(text: object) -> list[str]:
    told = msgspec.json.encode(text).decode()
    return [word for word in SECRETS if word in told]


def test_a_secret_stands_in_private_fields_or_apart_from_what_is_read() -> None:
    found = {
        (kind.name, field.encode_name)
        for kind in KINDS
        for field in msgspec.structs.fields(kind.spec)
        if is_secret_inside(field.type)
    }
    apart = {(kind.name, field) for kind in KINDS for field in secret_fields(kind)}
    assert apart == {("Schedule", "layers")}
    assert found == {("Person", "contact"), ("ContactDefaults", "contact")} | apart
    private = {(kind.name, field) for kind in KINDS for field in kind.private}
    assert found - apart <= private


def rota(*urls: str, **more: Any) -> Document:
    layers = [{"name": f"l{n}", "calendar": {"url": url}} for n, url in enumerate(urls) if url]
    return document("Schedule", "rota", {"timezone": "UTC", "layers": layers, **more})


async def rota_stored(shelf: Shelf) -> list[str]:
    async with shelf.database.connection() as conn:
        cursor = await conn.execute(
            "SELECT fields FROM kernel.resource_private p JOIN kernel.resources USING (uid)"
            " WHERE name = 'rota'"
        )
        [(found,)] = await cursor.fetchall()
    return [one["calendar"]["url"] for one in found.get("layers", ())]


A, B = (
    "https://cal.example.org/private-aaa/basic.ics",
    "https://cal.example.org/private-bbb.ics",
)
C = "https://other.example.org/?key=private-ccc"
SEEN = "https://cal.example.org/…"


async def test_of_a_field_that_everybody_reads_the_secrets_alone_are_hidden(
    shelf: Shelf,
) -> None:
    await shelf.put([rota(A, B, C)])
    later = replace(rota(A), metadata=Metadata("rota", NOON.replace(year=NOON.year + 1)))
    await shelf.put([later])
    await shelf.put([rota(A, B + "2", C)])
    for actor in (MAYA, VIEWER):
        shown = await shelf.units.run(
            actor, lambda unit: reads.shown(unit, shelf.store, "Schedule", "rota")
        )
        past = await shelf.units.run(
            actor, lambda unit: reads.history(unit, shelf.store, "Schedule", "rota")
        )
        numbers = await shelf.units.run(
            actor, lambda unit: reads.versions(unit, shelf.store, "Schedule", "rota", [1, 2])
        )
        found = await shelf.units.run(actor, lambda unit: reads.exported(unit, shelf.store))
        plan = await shelf.units.run(actor, lambda unit: shelf.store.plan(unit, [rota(B)]))
        gone = await shelf.units.run(
            actor, lambda unit: shelf.store.plan_deletion(unit, "Schedule", "rota")
        )
        for told in (shown, past, numbers, found, plan, gone):
            assert b"private-" not in msgspec.json.encode(told), told
        layers = [one["calendar"]["url"] for one in shown.document.spec["layers"]]
        assert layers == [SEEN, SEEN + "2", "https://other.example.org/…"]
        [changed] = past.versions[0].changes
        assert (changed.path, changed.secret) == ("spec.layers", True)
    for table in ("resources", "resource_versions", "intake_log"):
        async with shelf.database.connection() as conn:
            cursor = await conn.execute(f"SELECT t::text FROM kernel.{table} t")
            assert "private-" not in str(await cursor.fetchall()), table
    assert await rota_stored(shelf) == [A, B + "2", C]


async def test_a_calendar_keeps_its_address_when_its_layer_moves_or_is_called_otherwise(
    shelf: Shelf,
) -> None:
    await shelf.put([rota(A, B, C)])
    back = [one for one in await shelf.export() if one.kind == "Schedule"]
    assert not (await shelf.plan(back)).changed
    layers = back[0].spec["layers"]
    turned = [layers[1] | {"name": "new"}, layers[2], layers[0]]
    assert (
        await shelf.put([replace(back[0], spec={**back[0].spec, "layers": turned})])
    ).changed
    assert await rota_stored(shelf) == [B, C, A]
    first = await shelf.units.run(
        MAYA, lambda unit: shelf.store.older(unit, "Schedule", "rota", 1)
    )
    assert b"private-" not in msgspec.json.encode(first)


async def test_a_masked_address_is_never_another_places(shelf: Shelf) -> None:
    await shelf.put([rota(A, B)])
    for url in ("https://evil.example.org/…", SEEN + "3", "https://…"):
        with pytest.raises(Invalid, match="write it out") as caught:
            await shelf.put([rota(url)])
        assert caught.value.field == "spec.layers[0].calendar.url"
    assert await rota_stored(shelf) == [A, B]


async def test_who_may_not_apply_confirms_no_guess_of_an_address(shelf: Shelf) -> None:
    await shelf.put([rota(A)])
    guesses = [rota(A), rota(SEEN), rota(B)]
    for actor in (VIEWER, LEAD):
        told = [await planned(shelf, actor, guess) for guess in guesses]
        assert len({msgspec.json.encode(one) for one in told}) == 1
    for guess in guesses:
        with pytest.raises(Forbidden):
            await shelf.put([guess], LEAD)
    plan = await planned(shelf, VIEWER, rota(A, timezone="Europe/Berlin"))
    assert [one.path for one in plan.changes[0].fields] == ["spec.timezone"]


async def test_nobody_is_shown_a_secret(shelf: Shelf) -> None:
    later = replace(ada(TGRAM), metadata=Metadata("ada", NOON.replace(year=NOON.year + 1)))
    await shelf.put([later])
    changed = ada(MAIL, {**NTFY, "token": "other"}, TGRAM)
    for actor in (MAYA, VIEWER):
        shown = await shelf.units.run(
            actor, lambda unit: reads.shown(unit, shelf.store, "Person", "ada")
        )
        past = await shelf.units.run(
            actor, lambda unit: reads.history(unit, shelf.store, "Person", "ada")
        )
        found = await shelf.units.run(actor, lambda unit: reads.exported(unit, shelf.store))
        plan = await shelf.units.run(actor, lambda unit: shelf.store.plan(unit, [changed]))
        gone = await shelf.units.run(
            actor, lambda unit: shelf.store.plan_deletion(unit, "Person", "ada")
        )
        for told in (shown, past, found, plan, gone):
            assert not clear(told), told
    shown = await shelf.units.run(
        MAYA, lambda unit: reads.shown(unit, shelf.store, "Person", "ada")
    )
    assert shown.document.spec["contact"] == [
        MAIL,
        {**NTFY, "token": MASK},
        {"type": "webhook", "url": f"https://hooks.example.org/{MASK}", "secret": MASK},
        {"type": "apprise", "url": f"tgram://{MASK}"},
    ]


async def test_what_is_exported_can_be_applied_again_and_keeps_the_secrets(
    shelf: Shelf,
) -> None:
    text = yaml_text.write(await shelf.export())
    back = [one.document for one in yaml_text.parse("export.yaml", text)]
    assert not (await shelf.plan(back)).changed
    assert not (await shelf.put(back)).changed
    edited = [replace(back[0], spec={**back[0].spec, "timezone": "Europe/London"})]
    assert (await shelf.put(edited)).changed
    assert await stored(shelf) == [MAIL, NTFY, HOOK, TGRAM]


async def test_a_secret_that_changes_is_said_to_change(shelf: Shelf) -> None:
    plan = await shelf.plan([ada(MAIL, {**NTFY, "token": "new"}, HOOK, TGRAM)])
    [change] = plan.changes
    [field] = change.fields
    assert (field.path, field.before, field.after) == ("spec.contact[1].token", MASK, MASK)
    assert field.secret


async def test_contacts_with_kept_secrets_may_move_and_go(shelf: Shelf) -> None:
    kept = {**NTFY, "token": MASK}
    await shelf.put(
        [ada({"type": "apprise", "url": f"tgram://{MASK}"}, {**kept, "priority": 5})]
    )
    assert await stored(shelf) == [TGRAM, {**NTFY, "priority": 5}]


@pytest.mark.parametrize(
    "contact",
    [
        {"type": "ntfy", "topic": "https://evil.example.org/ada", "token": MASK},
        {"type": "webhook", "url": "https://evil.example.org/", "secret": MASK},
        {"type": "webhook", "url": f"https://evil.example.org/{MASK}", "secret": MASK},
        {"type": "apprise", "url": f"json://{MASK}"},
    ],
)
async def test_a_kept_secret_never_goes_to_another_place(
    shelf: Shelf, contact: dict[str, Any]
) -> None:
    with pytest.raises(Invalid, match="write it out") as caught:
        await shelf.put([ada(MAIL, contact)])
    assert str(caught.value.field).startswith("spec.contact[1].")
    assert await stored(shelf) == [MAIL, NTFY, HOOK, TGRAM]


async def test_which_secret_is_kept_is_never_guessed(shelf: Shelf) -> None:
    other = {"type": "apprise", "url": "tgram://456:bot/chat"}
    await shelf.put([ada(TGRAM, other)])
    masked = {"type": "apprise", "url": f"tgram://{MASK}"}
    second, third = ({"type": "apprise", "url": f"tgram://{MASK}{n}"} for n in (2, 3))
    [found] = await shelf.export()
    assert found.spec["contact"] == [masked, second]
    with pytest.raises(Invalid, match="write it out"):
        await shelf.put([ada(masked, third)])
    await shelf.put([ada(second)])
    assert await stored(shelf) == [other]


async def test_a_mask_of_nothing_is_refused(shelf: Shelf) -> None:
    new = document("Person", "zoe", {"displayName": "Z", "contact": [{**NTFY, "token": MASK}]})
    with pytest.raises(Invalid, match="write it out"):
        await shelf.put([new])


async def test_what_waits_keeps_its_own_secret(shelf: Shelf) -> None:
    since = NOON.replace(year=NOON.year + 1)
    later = replace(ada({**NTFY, "token": "next"}), metadata=Metadata("ada", since))
    await shelf.put([ADA, later])
    assert not (await shelf.put(await shelf.export())).changed


async def test_who_may_not_apply_confirms_no_guess_by_a_plan(shelf: Shelf) -> None:
    """A right guess and a wrong one are told the same, word for word."""
    guesses = [ADA, ada(MAIL), ada(MAIL, {**NTFY, "token": "wrong"}), ada()]
    for actor in (VIEWER, LEAD):
        told = [await planned(shelf, actor, guess) for guess in guesses]
        assert len({msgspec.json.encode(one) for one in told}) == 1
        assert any("not compared" in words for words in told[0].warnings)
    public = ada(MAIL, timezone="Europe/London")
    plan = await planned(shelf, VIEWER, public)
    assert [one.path for one in plan.changes[0].fields] == ["spec.timezone"]


async def test_who_may_apply_for_a_team_confirms_no_guess_by_applying(shelf: Shelf) -> None:
    for guess in (ADA, ada(MAIL)):
        with pytest.raises(Forbidden):
            await shelf.put([guess], LEAD)
        with pytest.raises(Forbidden):
            await shelf.units.run(LEAD, partial(put, shelf, guess))


async def test_the_organisation_that_is_shipped_has_secrets_like_any_other(
    shelf: Shelf,
) -> None:
    await shelf.apply(ACME)
    assert not (await shelf.put(await shelf.export())).changed
