"""The policy editor: whom what is written would page today, before anything is saved."""

import html
import re

import pytest
from pages_world import browser, proof

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.web.pages.policy_targets import CHOICES_MAX

pytestmark = pytest.mark.db
NIGHT = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: night}
spec:
  steps:
    - {targets: [{schedule: primary}], timeout: 5m}
    - {targets: [{person: maya}], timeout: 10m}
"""


async def test_a_policy_is_previewed_with_people_and_then_saved(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        form = token | {"text": NIGHT, "version": "0"}
        shown = await client.post("/policies/preview", data=form)
        assert "Today this pages Jonas Weber, then Maya Okafor" in shown.text
        assert await world.rows("SELECT 1 FROM kernel.resources WHERE name = 'night'") == []
        saved = await client.post("/policies/new", data=form | {"do": "save"})
        assert (saved.status_code, saved.headers["location"]) == (303, "/policies#policy-night")
        page = await client.get("/policies/night/edit")
        assert "Today this pages Jonas Weber, then Maya Okafor" in page.text
        turned = form | {
            "text": NIGHT.replace("{person: maya}", "{person: jonas}"),
            "version": "1",
        }
        shown = await client.post("/policies/night/edit", data=turned | {"do": "preview"})
        assert "Today this pages Jonas Weber, then Jonas Weber" in shown.text
        assert "changed EscalationPolicy/night" in shown.text
        assert "/policies/night/edit" in (await client.get("/policies")).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NIGHT.replace("maya", "nobody"), "nobody"),
        (NIGHT.replace("name: night", "name: day"), "keeps its name"),
        ("kind: [", "Line:"),
        (
            NIGHT.replace("EscalationPolicy", "Route"),
            "one document of the kind EscalationPolicy",
        ),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_lost(
    world: World, text: str, said: str
) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        form = token | {"text": text, "version": "0", "do": "save"}
        answer = await client.post("/policies/night/edit", data=form)
    assert 400 <= answer.status_code < 500
    assert said in answer.text
    assert 'role="alert"' in answer.text
    assert "</textarea>" in answer.text


async def test_what_a_file_manages_is_shown_and_not_changed(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        page = (await client.get("/policies/default/edit")).text
    assert "A file manages this" in page
    assert 'value="save"' not in page
    assert "Today this pages" in page


ROWS = {
    "view": "form", "version": "0", "name": "night", "repeat": "1", "catch_all_every": "10m",
    "ack_timeout": "30m", "support_hours": "", "team": "", "effective_from": "",
    "s0_target": "schedule:primary", "s0_timeout": "5m", "s0_mode": "all", "s0_repeat": "0",
    "s0_urgency": "", "s1_pick": "person:maya", "s1_timeout": "10m", "s1_mode": "all",
    "s1_repeat": "0", "s1_urgency": "", "c_target": "person:boss",
}  # fmt: skip


async def test_rows_are_previewed_with_clock_and_method_and_then_saved(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        form = ROWS | proof(await client.get("/policies/new"))
        shown = (await client.post("/policies/preview", data=form)).text
        assert "Today this pages Jonas Weber, then Maya Okafor" in shown
        assert "12:00</time>" in shown
        assert "12:05</time>" in shown
        assert "e-mail" in shown
        assert "12:30</time>" in shown  # two rounds of a quarter of an hour, then the catch-all
        assert "again from the top, 2 rounds in all" in shown
        assert await world.rows("SELECT 1 FROM kernel.resources WHERE name = 'night'") == []
        saved = await client.post("/policies/new", data=form | {"do": "save"})
        assert (saved.status_code, saved.headers["location"]) == (303, "/policies#policy-night")
        [row] = await world.rows("SELECT spec FROM kernel.resources WHERE name = 'night'")
        assert [one["targets"][0].get("person") for one in row[0]["steps"]] == [None, "maya"]
        assert row[0]["catchAll"][0]["person"] == "boss"
    await world.settle()
    assert "kernel.resources_applied" in list(await world.story())


async def test_what_policy_check_finds_stands_beside_the_draft(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        form = ROWS | proof(await client.get("/policies/new"))
        shown = (await client.post("/policies/preview", data=form)).text
    assert "Wakes nobody at times" in shown
    assert "Step 2: Maya Okafor cannot be woken" in shown
    assert "does not wake</span>" in shown


async def test_a_draft_without_a_name_is_looked_at_all_the_same(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        form = ROWS | proof(await client.get("/policies/new")) | {"name": ""}
        shown = (await client.post("/policies/preview", data=form)).text
        assert "Today this pages Jonas Weber, then Maya Okafor" in shown
        assert "created EscalationPolicy" not in shown
        saved = await client.post("/policies/new", data=form | {"do": "save"})
        assert saved.status_code == 422
        assert 'id="name-why"' in saved.text
        odd = await client.post("/policies/night/edit", data=form | {"do": "rebase-²"})
        assert odd.status_code == 200


async def test_where_many_can_be_called_they_are_typed_and_completed(world: World) -> None:
    people = "---".join(
        f"""
apiVersion: tocsin/v1
kind: Person
metadata: {{name: p{n}}}
spec: {{displayName: Person {n}}}
"""
        for n in range(CHOICES_MAX)
    )
    await world.apply(people)
    async with browser(world, Role.MANAGER) as client:
        page = await client.get("/policies/new")
        assert page.text.count("<datalist") == 1
        assert '<select class="tc-input" id="s0_pick"' not in page.text
        assert '<option value="person:p7">Person 7 (p7)</option>' in page.text
        form = ROWS | proof(page) | {"s1_pick": "Person 7"}
        shown = (await client.post("/policies/preview", data=form)).text
        assert "names nobody; choose whom to call from the list" in shown.lower()
        known = await client.post("/policies/preview", data=form | {"s1_pick": "person:p7"})
        assert "then nobody" in known.text
        assert "Person 7 has no contact method" in known.text


async def test_another_time_is_looked_at_beside_now(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        form = ROWS | proof(await client.get("/policies/new"))
        later = await client.post(
            "/policies/preview", data=form | {"look_at": "2026-03-31T09:00"}
        )
        assert "On Tue 31 Mar, 09:00 UTC this pages Maya Okafor, then" in later.text
        assert "Today this pages Jonas Weber" in later.text
        wrong = await client.post("/policies/preview", data=form | {"look_at": "soon"})
        assert "Write a time" in wrong.text
        far = await client.post(
            "/policies/preview", data=form | {"look_at": "2030-01-01T00:00"}
        )
        assert "90 days ahead at most" in far.text


async def test_rows_are_added_moved_and_removed_without_script(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        form = ROWS | proof(await client.get("/policies/new"))
        more = (await client.post("/policies/new", data=form | {"do": "add"})).text
        assert more.count('<fieldset class="tc-layer" id="step-') == 3
        assert 's1_target" value="person:maya' in more  # who was chosen is called now
        assert re.search(r'id="s2_pick"[^>]* autofocus', more)
        moved = (await client.post("/policies/new", data=form | {"do": "up-1"})).text
        assert 's0_target" value="person:maya' in moved
        less = (await client.post("/policies/new", data=form | {"do": "remove-0"})).text
        assert less.count('<fieldset class="tc-layer" id="step-') == 1
        assert 'schedule:primary">' not in less.partition('name="s0_pick"')[0]


async def test_what_is_wrong_stands_at_its_field_with_its_cure(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        form = ROWS | proof(await client.get("/policies/new")) | {"do": "save"}
        for changes, place, words in (
            ({"s1_timeout": "soon"}, "s1_timeout", "is no duration; write e.g. 30s"),
            ({"s1_pick": "person:nobody"}, "s1_pick", "There is no Person named"),
            ({"s1_pick": ""}, "s1_pick", "This step calls nobody"),
            ({"repeat": "x"}, "repeat", "Write a whole number from 0 to 9"),
            ({"c_target": "schedule:gone"}, "c_pick", "gone"),
            ({"name": "No name"}, "name", "Write lower case"),
            ({"s0_timeout": "0"}, "s0_timeout", "at least 1s"),
            ({"support_hours": "mon 09:00-17:00 Mars/Base"}, "support_hours", "Mars/Base"),
            ({"name": "default"}, "name", "choose another name"),
        ):
            answer = await client.post("/policies/new", data=form | changes)
            assert 400 <= answer.status_code < 500, (changes, answer.status_code)
            [said] = re.findall(rf'id="{place}-why">(.*?)</span>', answer.text)
            assert words in said
            assert f'aria-describedby="{place}-why" autofocus' in answer.text
            shown = await client.post("/policies/preview", data=form | changes)
            if changes != {"name": "default"}:
                assert f'href="#{place}"' in shown.text


async def test_form_and_yaml_are_two_views_of_one_draft(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        turned = await client.post("/policies/new", data=ROWS | token | {"do": "yaml"})
        said = written_in(turned.text)
        assert "schedule: primary" in said
        assert "person: maya" in said
        yaml_form = token | {"view": "yaml", "text": said, "version": "0"}
        back = (await client.post("/policies/new", data=yaml_form | {"do": "form"})).text
        assert 's1_target" value="person:maya' in back
        assert 'value="night"' in back
        broken = await client.post(
            "/policies/new", data=yaml_form | {"text": "kind: [", "do": "form"}
        )
        assert "Line:" in broken.text
        assert broken.text.count("Line:1") == 2  # above what was written, and beside it
        assert written_in(broken.text) == "kind: ["
        wrong = await client.post(
            "/policies/new", data=ROWS | token | {"repeat": "x", "do": "yaml"}
        )
        assert 'id="repeat-why"' in wrong.text
        assert "</textarea>" in (await client.get("/policies/new?view=yaml")).text


async def test_what_is_in_force_is_shown_as_yaml_as_it_was_written(world: World) -> None:
    hours = """  supportHours:
    - {from: "09:00", to: "17:00", holidays: {country: FR, subdivision: Zone A}}
"""
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        form = token | {"text": NIGHT + hours, "version": "0"}
        saved = await client.post("/policies/new", data=form | {"do": "save"})
        assert saved.status_code == 303
        page = await client.get("/policies/night/edit?view=yaml")
    assert page.status_code == 200
    assert "subdivision: Zone A" in written_in(page.text)
    assert "ackTimeout" not in written_in(page.text)  # what is default stays unsaid


def written_in(page: str) -> str:
    [found] = re.findall(r'<textarea[^>]*id="f-text"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    return html.unescape(found).strip()


async def test_an_edit_that_somebody_was_faster_with_is_not_lost(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        await client.post("/policies/new", data=ROWS | token | {"do": "save"})
        mine = ROWS | token | {"version": "1", "ack_timeout": "45m"}
        theirs = ROWS | token | {"version": "1", "ack_timeout": "1h"}
        assert (
            await client.post("/policies/night/edit", data=theirs | {"do": "save"})
        ).status_code == 303
        refused = await client.post("/policies/night/edit", data=mine | {"do": "save"})
        assert refused.status_code == 412
        assert "Somebody else has saved version 2 since you opened version 1" in refused.text
        assert "old=1&amp;new=2" in refused.text
        assert 'value="45m"' in refused.text
        mended = await client.post("/policies/night/edit", data=mine | {"do": "rebase-2"})
        assert 'name="version" value="2"' in mended.text
        assert "changed EscalationPolicy/night" in mended.text
        saved = await client.post(
            "/policies/night/edit", data=mine | {"version": "2", "do": "save"}
        )
        assert saved.status_code == 303


async def test_the_history_says_what_was_written_and_not_what_is_default(
    world: World,
) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        await client.post("/policies/new", data=ROWS | token | {"do": "save"})
        more = ROWS | token | {"version": "1", "ack_timeout": "45m", "do": "save"}
        await client.post("/policies/night/edit", data=more)
        page = (await client.get("/resources/EscalationPolicy/night?old=1&new=2")).text
    assert "spec.steps[0].targets[0].schedule" in page
    assert "targets[0].next" not in page
    assert "slot: null" not in page
    assert "onCall: false" not in page
    assert "ackTimeout: 45m" in page


async def test_only_who_may_apply_writes_a_policy(world: World) -> None:
    async with browser(world, Role.VIEWER) as client:
        page = await client.get("/policies/default/edit")
        assert page.status_code == 200
        assert 'value="save"' not in page.text
        form = ROWS | proof(page)
        refused = await client.get("/policies/new")
        assert refused.status_code == 403
        assert "You may not do that" in refused.text
        assert "the role viewer may not resource:apply" in refused.text
        assert "ask an admin for a role that may" in refused.text
        for path in ("/policies/preview", "/policies/new", "/policies/default/delete"):
            assert (await client.post(path, data=form | {"do": "save"})).status_code == 403


async def test_a_file_s_policy_can_be_taken_over(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        page = await client.get("/policies/default/edit?take_over=true")
        assert "Saving takes it over" in page.text
        form = ROWS | proof(page) | {"name": "default", "version": "1", "do": "save"}
        refused = await client.post("/policies/default/edit", data=form)
        assert refused.status_code == 409
        taken = await client.post("/policies/default/edit", data=form | {"take_over": "yes"})
        assert taken.status_code == 303


async def test_a_deletion_names_the_routes_and_asks_for_the_name(world: World) -> None:
    await world.apply("""
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: held}
spec: {steps: [{targets: [{person: maya}]}]}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: search}
spec: {order: 1, match: {service: search}, policy: held}
""")
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        await client.post("/policies/new", data=ROWS | token | {"do": "save"})
        page = (await client.get("/policies/held/delete")).text
        assert "Route search calls by it" in page
        assert 'href="/resources/Route/search/edit"' in page
        assert (
            "Alerts that no route takes" in (await client.get("/policies/default/delete")).text
        )
        page = (await client.get("/policies/night/delete")).text
        assert "No route" in page
        assert "deleted EscalationPolicy/night" in page
        wrong = await client.post("/policies/night/delete", data=token | {"name": "nigth"})
        assert wrong.status_code == 422
        assert "type night to delete it" in wrong.text
        stale = await client.post(
            "/policies/night/delete", data=token | {"name": "night", "version": "7"}
        )
        assert stale.status_code == 412
        done = await client.post(
            "/policies/night/delete", data=token | {"name": "night", "version": "1"}
        )
        assert (done.status_code, done.headers["location"]) == (303, "/policies")
        assert (await client.get("/policies/night/edit")).status_code == 404
