"""What the rows of the policy editor mean: nothing is lost on the way, and errors have a place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import FormMultiDict
from msgspec import convert, json, to_builtins
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.config import policy_accept
from tocsin.oncall.core.config.directory import Directory
from tocsin.oncall.core.config.hours import SupportHoursSpec
from tocsin.oncall.core.config.policies import PolicySpec, StepSpec, TargetSpec
from tocsin.oncall.model import WebhookTarget
from tocsin.web.pages import policy_drafts as drafts
from tocsin.web.pages.policy_drafts import PolicyForm, StepForm
from tocsin.web.pages.policy_hours import hours_of
from tocsin.web.pages.policy_targets import views
from tocsin.web.targets import target_word

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
SPANS = st.sampled_from(["30s", "5m", "1h30m", "2d"])
DAYS = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), max_size=7)
CLOCKS = st.sampled_from(["00:00", "09:00", "17:30", "23:59"])


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


SLOTS = st.sampled_from(["primary", "secondary", "night: shift"])
TARGETS = st.one_of(
    some({"person": NAMES}, {}),
    some({"schedule": NAMES}, {"slot": SLOTS, "next": st.booleans()}),
    some({"team": NAMES}, {"onCall": st.booleans()}),
    some(
        {"webhook": st.builds(lambda n: {"url": f"https://hooks.example.org:8443/{n}"}, NAMES)},
        {},
    ),
)
STEPS = some(
    {"targets": st.lists(TARGETS, min_size=1, max_size=4)},
    {
        "timeout": SPANS, "mode": st.sampled_from(["all", "round-robin"]),
        "repeat": st.integers(0, 9), "urgency": st.sampled_from(["high", "low"]),
    },
)  # fmt: skip
HOURS = some(
    {"from": CLOCKS, "to": CLOCKS},
    {
        "weekdays": DAYS,
        "timezone": st.sampled_from(["Europe/Berlin", "UTC", "Etc/GMT+5"]),
        "holidays": some(
            {"country": st.sampled_from(["DE", "US"])},
            {"subdivision": st.one_of(NAMES, st.sampled_from(["Zone A", "ZH-X y z"]))},
        ),
    },
)
POLICIES = some(
    {"steps": st.lists(STEPS, min_size=1, max_size=5)},
    {
        "repeat": st.integers(0, 9), "catchAll": st.lists(TARGETS, max_size=3),
        "catchAllEvery": SPANS, "ackTimeout": st.one_of(SPANS, st.just("0")),
        "supportHours": st.lists(HOURS, max_size=3), "team": NAMES,
    },
)  # fmt: skip


def as_posted(form: PolicyForm) -> FormMultiDict:
    """Spell a form as a browser sends it."""
    found: list[tuple[str, str]] = [("name", form.name)]
    for at, one in [
        *((f"s{n}", one) for n, one in enumerate(form.steps)),
        ("c", form.catch_all),
    ]:
        found += [(f"{at}_target", target) for target in one.targets]
        found += [(f"{at}_{name}", getattr(one, name)) for name in
                  ("pick", "url", "timeout", "mode", "repeat", "urgency")]  # fmt: skip
    for name in ("repeat", "catch_all_every", "ack_timeout", "support_hours", "team"):
        found.append((name, getattr(form, name)))
    found.append(("effective_from", form.effective_from))
    return FormMultiDict(found)


@given(POLICIES)
def test_a_policy_goes_through_the_form_unchanged(spec: dict[str, Any]) -> None:
    meant = convert(spec, PolicySpec)
    form = drafts.read_form(as_posted(drafts.written("shop", meant)))
    document = drafts.document(form)
    assert convert(document.spec, PolicySpec) == meant
    assert document.metadata.name == "shop"


def test_a_spec_is_still_one_with_all_its_fields() -> None:
    # a field that the form does not know would be lost when somebody saves
    assert set(PolicySpec.__struct_fields__) == {
        "steps", "repeat", "catch_all", "catch_all_every", "ack_timeout", "support_hours", "team",
    }  # fmt: skip
    assert set(StepSpec.__struct_fields__) == {
        "targets", "timeout", "mode", "repeat", "urgency",
    }  # fmt: skip
    assert set(TargetSpec.__struct_fields__) == {
        "person", "schedule", "slot", "next", "team", "on_call", "webhook",
    }  # fmt: skip
    assert set(SupportHoursSpec.__struct_fields__) == {
        "from_", "to", "weekdays", "timezone", "holidays",
    }  # fmt: skip


NOBODY = Directory(people={}, schedules={}, policies={})
NO_ADDRESS = (
    "https://[foo]/x",
    "https:///x",
    "https://a.example.org:99999/",
    "https://a.example.org:b/",
)


def refused(spec: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as caught:
        policy_accept(convert(spec, PolicySpec))
    return caught.value


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_what_names_no_host_is_refused_and_can_be_looked_at_all_the_same(url: str) -> None:
    hook, who = {"webhook": {"url": url}}, {"person": "ann"}
    found = refused({"steps": [{"targets": [who]}, {"targets": [who, hook]}]})
    assert found.field == "spec.steps[1].targets[1].webhook.url"
    assert "https://hooks.example.org/page" in found.detail
    assert drafts.place_of(found.field) == "s1_url"
    found = refused({"steps": [{"targets": [who]}], "catchAll": [hook]})
    assert found.field == "spec.catchAll[0].webhook.url"
    assert drafts.place_of(found.field) == "c_url"
    [shown] = views((f"webhook:{url}",), NOBODY, [])
    assert "webhook at " in shown.words
    assert target_word(WebhookTarget(url), NOBODY).kind == "webhook"


def test_a_catch_all_calls_no_more_than_a_step_does_and_none_is_dropped_silently() -> None:
    who = tuple(f"person:p{n}" for n in range(51))
    form = replace(THREE, catch_all=StepForm(targets=who))
    spec = drafts.document(drafts.read_form(as_posted(form))).spec
    assert refused(spec).field == "spec.catchAll"
    assert "at most 50" in refused(spec).detail
    policy_accept(convert(spec | {"catchAll": spec["catchAll"][:50]}, PolicySpec))


THREE = PolicyForm(
    name="shop", steps=tuple(StepForm(targets=(f"person:{who}",)) for who in ("ann", "bob", "cyd"))
)  # fmt: skip


def called(form: PolicyForm) -> list[tuple[str, ...]]:
    return [one.targets for one in form.steps]


@pytest.mark.parametrize(
    ("verb", "order", "focus"),
    [
        ("up-2", "ann cyd bob", "s1_up"),
        ("up-1", "bob ann cyd", "s0_down"),  # it can go up no further
        ("down-0", "bob ann cyd", "s1_down"),
        ("down-1", "ann cyd bob", "s2_up"),
        ("up-0", "ann bob cyd", "s0_down"),
        ("remove-1", "ann cyd", "s1_pick"),
        ("remove-2", "ann bob", "s1_pick"),
        ("drop-1-0", "ann  cyd", "s1_pick"),
    ],
)
def test_steps_are_moved_and_the_focus_goes_with_them(
    verb: str, order: str, focus: str
) -> None:
    moved = drafts.rearranged(THREE, verb)
    assert moved is not None
    names = [(f"person:{who}",) if who else () for who in order.split(" ")]
    assert called(moved.form) == names
    assert moved.focus == focus


@pytest.mark.parametrize(
    "verb",
    ["save", "", "up-3", "up-x", "remove--1", "add-1", "up-c", "drop-9-0", "up-0-1", "up-٣"],
)
def test_another_verb_moves_nothing(verb: str) -> None:
    assert drafts.rearranged(THREE, verb) is None


def test_who_is_chosen_counts_and_is_added_by_every_button() -> None:
    chosen = replace(THREE.steps[0], pick="schedule:shop:primary")
    form = replace(THREE, steps=(chosen, *THREE.steps[1:]))
    first = drafts.document(form).spec["steps"][0]["targets"]
    assert first == [{"person": "ann"}, {"schedule": "shop", "slot": "primary"}]
    for verb in ("pick-0", "add", "down-1"):
        moved = drafts.rearranged(form, verb)
        assert moved is not None
        assert moved.form.steps[0].targets == ("person:ann", "schedule:shop:primary")
        assert moved.form.steps[0].pick == ""
    more = drafts.rearranged(form, "add")
    assert more is not None
    assert (len(more.form.steps), more.focus) == (4, "s3_pick")


def test_a_webhook_is_asked_for_its_address_before_it_is_added() -> None:
    chosen = replace(THREE.catch_all, pick="webhook")
    moved = drafts.rearranged(replace(THREE, catch_all=chosen), "pick-c")
    assert moved is not None
    assert (moved.focus, moved.form.catch_all.pick) == ("c_url", "webhook")
    with pytest.raises(Invalid, match="needs its address") as refused:
        drafts.document(moved.form)
    assert drafts.place_of(refused.value.field) == "c_url"
    there = replace(chosen, url="https://hooks.example.org/x")
    moved = drafts.rearranged(replace(THREE, catch_all=there), "pick-c")
    assert moved is not None
    assert moved.form.catch_all.targets == ("webhook:https://hooks.example.org/x",)
    out = drafts.rearranged(moved.form, "drop-c-0")
    assert out is not None
    assert out.form.catch_all.targets == ()


def test_there_are_no_more_steps_than_a_policy_has() -> None:
    form = replace(THREE, steps=THREE.steps * 7)
    moved = drafts.rearranged(form, "add")
    assert moved is not None
    assert len(moved.form.steps) == drafts.STEPS_MAX


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"name": "Shop!"}, "name", "lower case"),
        ({"name": ""}, "name", "lower case"),
        ({"effective_from": "soon"}, "effective_from", "with its offset"),
        ({"steps": ()}, "add", "add a step"),
        ({"repeat": "12"}, "repeat", "from 0 to 9"),
        ({"repeat": "-1"}, "repeat", "from 0 to 9"),
        ({"support_hours": "all day"}, "support_hours", "mon-fri 09:00-17:00"),
        ({"catch_all": StepForm(targets=("nonsense",))}, "c_pick", "choose whom to call"),
        ({"steps": (StepForm(),)}, "s0_pick", "calls nobody"),
        ({"steps": (THREE.steps[0], StepForm(targets=("person:a",), repeat="x"))}, "s1_repeat",
         "from 0 to 9"),
        ({"steps": (StepForm(targets=("person:",)),)}, "s0_pick", "names nobody"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_a_place_and_a_cure(
    changes: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        drafts.document(replace(THREE, **changes))
    assert drafts.place_of(refused.value.field) == place
    assert not drafts.plainly(refused.value.detail).startswith(("spec", "metadata"))


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("EscalationPolicy/shop: spec.steps[2].timeout", "s2_timeout"),
        ("spec.steps[0].targets[1].webhook.url", "s0_url"),
        ("spec.steps[0].urgency", "s0_urgency"),
        ("spec.catchAll[0].webhook.url", "c_url"),
        ("spec.catchAllEvery", "catch_all_every"),
        ("spec.supportHours[0].timezone", "support_hours"),
        ("spec.team", "team"),
        ("kind", ""),
        (None, ""),
    ],
)
def test_a_field_of_the_document_has_its_place_in_the_form(
    field: str | None, place: str
) -> None:
    assert drafts.place_of(field) == place


def test_hours_are_read_as_people_write_them() -> None:
    for said in (
        "Monday - friday 09:00 to 17:00 Europe/Berlin",
        "mon-fri 09:00-17:00 Europe/Berlin",
    ):
        found = convert(hours_of(said.replace(" - ", "-"), "f"), SupportHoursSpec)
        assert json.decode(json.encode(to_builtins(found)))["weekdays"] == [
            "mon", "tue", "wed", "thu", "fri",
        ]  # fmt: skip
        assert found.timezone == "Europe/Berlin"
    assert "weekdays" not in hours_of("22:00-06:00", "f")
