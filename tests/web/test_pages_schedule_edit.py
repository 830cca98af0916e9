"""The schedule editor: what a form means, its preview by the pager's own resolver, and saving it."""

import re
from typing import Any

import httpx
import pytest
from msgspec import convert, to_builtins
from pages_world import browser, proof

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.config import ScheduleSpec
from tocsin.oncall.core.config.schedules import LayerSpec, WindowSpec
from tocsin.web.pages import schedule_drafts as drafts

SHIFTS = [{"people": ["maya"], "from": "2026-03-30T09:00", "to": "2026-03-31T09:00"}]
FULL = {
    "timezone": "Europe/Berlin",
    "slots": ["primary", "secondary"],
    "holidays": {"country": "DE", "subdivision": "BE"},
    "team": "shop",
    "layers": [
        {
            "name": "weeks", "start": "2026-01-05", "every": "week", "length": 2,
            "people": ["maya", ["jonas", "maya"]], "handoff": {"at": "09:00", "day": "monday"},
        },
        {
            "name": "nights", "slot": "secondary", "timezone": "Asia/Tokyo",
            "start": "2026-01-05T09:00", "end": "2027-01-01", "every": "hour", "length": 12,
            "people": ["jonas"], "advance": "active", "holidays": "skip",
            "windows": [
                {"days": ["monday", "friday"], "from": "22:00", "to": "06:00"},
                {"from": "00:00", "to": "00:00"},
            ],
        },
        {"name": "imported", "shifts": SHIFTS},
        {"name": "followed", "slot": "secondary", "calendar": {"url": "https://x.test/a.ics"}},
    ],
}  # fmt: skip
KEPT = {
    "imported": {"shifts": SHIFTS},
    "followed": {"calendar": {"url": "https://x.test/a.ics"}},
}
SHORT = {
    "timezone": "UTC",
    "rotation": {"start": "2026-01-05T09:00", "every": "day", "people": ["maya", "jonas"]},
}
LAYER = {
    "name": "rotation", "slot": "", "zone": "", "start": "2026-01-05T09:00", "end": "",
    "handoff_at": "", "handoff_on": "", "every": "week", "length": "1", "people": "jonas\nmaya",
    "windows": "", "advance": "calendar", "holidays": "any", "shifts_of": "",
}  # fmt: skip


def posted(*layers: dict[str, str], **fields: str) -> dict[str, Any]:
    """Spell a form as a browser does: one column of each layer's field, the highest first."""
    columns = {
        f"layer_{name}": [one.get(name, LAYER[name]) for one in reversed(layers)]
        for name in LAYER
    }
    return {"zone": "Europe/Berlin", "slots": "primary", **fields, **columns}


@pytest.mark.parametrize("spec", [FULL, SHORT], ids=["layers", "rotation"])
def test_a_schedule_goes_through_the_form_unchanged(spec: dict[str, Any]) -> None:
    meant = convert(spec, ScheduleSpec)
    form = drafts.written("shop", meant, 3)
    document = drafts.document(form, KEPT)
    assert convert(document.spec, ScheduleSpec) == meant
    assert "rotation" in spec or "rotation" not in document.spec


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("monday-friday 09:00-17:00", ["monday", "tuesday", "wednesday", "thursday", "friday"]),
        ("sat, sun 09:00 to 17:00", ["saturday", "sunday"]),
        ("fri-mon 09:00-17:00", ["friday", "saturday", "sunday", "monday"]),
    ],
)
def test_hours_are_read_as_people_write_them(line: str, days: list[str]) -> None:
    found = drafts.window(line, "f")
    assert found == {"days": days, "from": "09:00", "to": "17:00"}
    again = drafts.window(drafts.window_text(convert(found, WindowSpec)), "f")
    assert set(again["days"]) == set(days)


@pytest.mark.parametrize(
    "line", ["now and then", "mon 9-17", "xday 09:00-17:00", "m 09:00-17:00"]
)
def test_what_are_no_hours_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(Invalid, match="monday-friday 09:00-17:00"):
        drafts.window(line, "spec.layers[1].windows")
    assert drafts.layer_of("spec.layers[1].windows") == 1
    assert drafts.layer_of("spec.rotation.people") == 0
    assert drafts.layer_of("spec.timezone") is None


def test_layers_are_added_removed_and_raised() -> None:
    form = drafts.written("shop", convert(FULL, ScheduleSpec), 1)
    more = drafts.rearranged(form, "add")
    assert more is not None
    names = ["weeks", "nights", "imported", "followed", "layer-1"]
    assert [one.name for one in more.layers] == names
    up = drafts.rearranged(form, "up-0")
    assert up is not None
    assert [one.name for one in up.layers] == ["nights", "weeks", *names[2:4]]
    less = drafts.rearranged(form, "remove-1")
    assert less is not None
    assert [one.name for one in less.layers] == ["weeks", *names[2:4]]
    for wrong in ("remove-4", "up-x", "save", "", "remove--1"):
        assert drafts.rearranged(form, wrong) is None


async def open_form(client: httpx.AsyncClient, path: str) -> tuple[dict[str, str], str]:
    page = await client.get(path)
    assert page.status_code == 200, page.text
    return proof(page), page.text


@pytest.mark.db
async def test_a_new_schedule_is_previewed_and_then_saved(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token, _ = await open_form(client, "/schedules/new")
        form = posted({}, name="shop") | token
        shown = await client.post("/schedules/preview", data=form)
        assert shown.status_code == 200
        assert "Final schedule" in shown.text
        assert "Jonas Weber" in shown.text
        assert await world.rows("SELECT 1 FROM kernel.resources WHERE name = 'shop'") == []
        saved = await client.post("/schedules/new", data=form | {"do": "save"})
        assert (saved.status_code, saved.headers["location"]) == (303, "/schedules/shop")
        again = await client.post("/schedules/new", data=form | {"do": "save"})
        assert again.status_code in (409, 412)
        _, page = await open_form(client, "/schedules/shop/edit")
        assert "Final schedule" in page
        assert 'name="version" value="1"' in page


@pytest.mark.db
async def test_an_edit_says_for_whom_it_changes_what_and_keeps_the_present_shift(
    world: World,
) -> None:
    async with browser(world, Role.MANAGER) as client:
        token, _ = await open_form(client, "/schedules/new")
        await client.post(
            "/schedules/new", data=posted({}, name="shop") | token | {"do": "save"}
        )
        before = (await client.get("/schedules/shop")).text
        now = re.findall(r"On call now, shop</small>\s*<strong>(.*?)</strong>", before)
        turned = posted({"people": "maya\njonas", "every": "day"}, version="1") | token
        shown = await client.post("/schedules/shop/edit", data=turned | {"do": "preview"})
        assert "rotation.every" in shown.text.replace("spec.", "")
        assert "What changes for whom" in shown.text
        assert "instead of" in shown.text
        assert "Nobody instead of" not in shown.text  # not beyond what is looked at
        third = posted({"people": "jonas\nboss\nmaya"}, version="1") | token
        later = await client.post("/schedules/shop/edit", data=third | {"do": "preview"})
        # nobody has looked beyond the fortnight: its end is no handoff
        assert re.findall(r"instead of[^<]*, from [^<]* on, primary", later.text)
        assert not re.findall(r"instead of[^<]* to Fri 10 Apr 14:00", later.text)
        bars = re.findall(r'title="([^"]+), Mon 23 Mar', shown.text)
        assert set(bars) == set(now)  # whoever has it goes on having it
        saved = await client.post("/schedules/shop/edit", data=turned | {"do": "save"})
        assert saved.status_code == 303
        stale = await client.post("/schedules/shop/edit", data=turned | {"do": "save"})
        assert stale.status_code in (409, 412)
        after = (await client.get("/schedules/shop")).text
        assert re.findall(r"On call now, shop</small>\s*<strong>(.*?)</strong>", after) == now


@pytest.mark.db
async def test_what_is_wrong_is_said_in_its_layer_and_nothing_is_lost(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token, _ = await open_form(client, "/schedules/new")
        wrong = posted({}, {"name": "nights", "windows": "late"}, name="shop") | token
        shown = await client.post("/schedules/new", data=wrong | {"do": "save"})
        assert shown.status_code == 422
        [low] = re.findall(r"<legend>nights.*?</fieldset>", shown.text, re.DOTALL)
        assert "write e.g. monday-friday" in low
        assert ">\nlate</textarea>" in low
        nobody = posted({"people": "nobody"}, name="shop") | token
        shown = await client.post("/schedules/preview", data=nobody)
        assert "nobody" in shown.text
        assert 'role="alert"' in shown.text
        more = await client.post(
            "/schedules/new", data=posted({}, name="shop") | token | {"do": "add"}
        )
        assert more.text.count('name="layer_name"') == 2


@pytest.mark.db
async def test_what_a_file_manages_is_read_only_and_who_may_not_apply_sees_it(
    world: World,
) -> None:
    async with browser(world, Role.MANAGER) as client:
        token, page = await open_form(client, "/schedules/primary/edit")
        assert "A file manages this" in page
        assert "hx-post" not in page.partition("<form class")[2].partition("</form>")[0]
        assert 'value="save"' not in page
        form = posted({}, name="primary", version="1") | token
        saved = await client.post("/schedules/primary/edit", data=form | {"do": "save"})
        assert saved.status_code == 409
    async with browser(world, Role.VIEWER) as client:
        token, page = await open_form(client, "/schedules/primary/edit")
        assert 'value="save"' not in page
        form = posted({}, name="primary") | token
        assert (await client.post("/schedules/preview", data=form)).status_code == 403
        assert (await client.get("/schedules/new")).status_code == 403


def test_a_spec_is_still_one_with_all_its_fields() -> None:
    # a field that the form does not know would be lost when somebody saves
    known = {"timezone", "rotation", "layers", "slots", "holidays", "team"}
    assert set(to_builtins(convert(SHORT, ScheduleSpec))) == known
    layer = {"name", "slot", "timezone", "start", "every", "length", "people", "shifts",
             "calendar", "handoff", "end", "windows", "advance", "holidays"}  # fmt: skip
    assert set(LayerSpec.__struct_fields__) == layer


IMPORTED = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: shop}
spec:
  timezone: Europe/Berlin
  layers:
    - {name: weeks, start: "2026-01-05T09:00", every: week, people: [jonas, maya]}
    - name: imported
      shifts: [{people: [maya], from: "2026-03-30T09:00", to: "2026-03-31T09:00"}]
"""


@pytest.mark.db
async def test_shifts_that_stand_one_by_one_are_kept_by_an_edit(world: World) -> None:
    spec = IMPORTED.partition("spec:")[2]
    async with browser(world, Role.MANAGER) as client:
        token, _ = await open_form(client, "/resources/new?kind=Schedule")
        made = await client.post(
            "/resources/new", data=token | {"text": IMPORTED, "do": "save", "version": "0"}
        )
        assert made.status_code == 303, spec
        token, page = await open_form(client, "/schedules/shop/edit")
        assert "Its shifts, or the calendar it follows, stand in the YAML" in page
        weeks = {"name": "weeks", "people": "jonas\nmaya"}
        kept = {"name": "imported", "shifts_of": "imported", "start": "", "people": ""}
        form = posted(weeks | {"every": "day"}, kept, version="1", name="shop") | token
        saved = await client.post("/schedules/shop/edit", data=form | {"do": "save"})
        assert saved.status_code == 303, saved.text
    [row] = await world.rows("SELECT spec FROM kernel.resources WHERE name = 'shop'")
    assert row[0]["layers"][1]["shifts"][0]["people"] == ["maya"]


@pytest.mark.db
async def test_a_page_that_is_sent_back_as_it_is_changes_nothing(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token, _ = await open_form(client, "/resources/new?kind=Schedule")
        made = token | {"text": IMPORTED, "do": "save", "version": "0"}
        assert (await client.post("/resources/new", data=made)).status_code == 303
        _, page = await open_form(client, "/schedules/shop/edit")
        form = fields_of(page)
        assert form["layer_name"] == ["imported", "weeks"]  # the highest first
        shown = await client.post("/schedules/shop/edit", data=form | {"do": "preview"})
        assert "Nothing: this is what is in force already." in shown.text
        raised = await client.post("/schedules/shop/edit", data=form | {"do": "up-0"})
        assert fields_of(raised.text)["layer_name"] == ["weeks", "imported"]


def fields_of(page: str) -> dict[str, list[str]]:
    """Return what a browser would send of the editor's form, buttons left out."""
    body = page.partition('<form class="tc-form"')[2].partition("</form>")[0]
    found: dict[str, list[str]] = {}
    pattern = (
        r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"'
        r'|<textarea[^>]*? name="([^"]+)"[^>]*>\n?(.*?)</textarea>'
        r'|<select[^>]*? name="([^"]+)"[^>]*>(.*?)</select>'
    )
    for field in re.finditer(pattern, body, re.DOTALL):
        named, value, area, text, choice, options = field.groups()
        if choice is not None:
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            first = re.search(r'<option value="([^"]*)"', options)
            named, value = choice, (chosen or first)[1]  # type: ignore[index]
        found.setdefault(named or area, []).append(value if named else text)
    return found
