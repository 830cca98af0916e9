"""Contact methods: what is written, what it compiles to, and what of it is ever shown."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import uuid7
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.oncall.core.config import PersonSpec, compile_directory
from tocsin.oncall.core.contacts import (
    ContactDefaultsSpec,
    EmailContact,
    impersonal,
    masked,
    refuse_unusable,
    scrubbed,
)
from tocsin.oncall.core.contacts.specs import AppriseContact
from tocsin.oncall.model import Method, MethodKind, Show

NTFY = {"type": "ntfy", "topic": "https://n.test/alarms", "token": "tk_secret", "priority": 4}
APPRISE = {"type": "apprise", "url": "tgram://123:token/456"}
words = st.text("abcdefgh0123456789", min_size=6, max_size=20)


def methods(person: dict[str, Any], defaults: dict[str, Any] | None = None) -> Any:
    spec = msgspec.convert({"displayName": "Maya", **person}, PersonSpec)
    found = [Resource(uuid7(), "Person", "maya", spec)]
    if defaults is not None:
        shared = msgspec.convert(defaults, ContactDefaultsSpec)
        found.append(Resource(uuid7(), "ContactDefaults", "default", shared))
    [maya] = compile_directory(Resources(found)).people.values()
    return maya.methods


def test_each_kind_compiles_in_the_order_in_which_it_was_written() -> None:
    found = methods({"contact": [NTFY, {"type": "inbox"}, APPRISE]})
    assert found == (
        Method(
            kind=MethodKind.NTFY, address="https://n.test/alarms", secret="tk_secret",
            priority=4,
        ),
        Method(kind=MethodKind.INBOX, address=""),
        Method(kind=MethodKind.APPRISE, address="tgram://123:token/456"),
    )  # fmt: skip


def test_how_much_leaves_is_the_methods_own_word_else_the_kinds_default_else_all() -> None:
    defaults = {"show": {"ntfy": "title", "apprise": "reference"}}
    found = methods({"contact": [NTFY, NTFY | {"show": "full"}, APPRISE]}, defaults)
    assert [one.show for one in found] == [Show.TITLE, Show.FULL, Show.REFERENCE]
    assert methods({"contact": [{"type": "inbox"}]}, defaults)[0].show is Show.FULL


def test_who_names_no_method_is_told_by_the_defaults() -> None:
    defaults = {"contact": [{"type": "inbox"}]}
    assert [one.kind for one in methods({}, defaults)] == [MethodKind.INBOX]
    own = methods({"contact": [APPRISE]}, defaults)
    assert [one.kind for one in own] == [MethodKind.APPRISE]
    assert methods({}) == ()


@pytest.mark.parametrize(
    "contact",
    [
        {"type": "ntfy", "topic": "https://n.test/"},
        {"type": "ntfy", "topic": "https://user:pw@n.test/alarms"},
        {"type": "ntfy", "topic": "ftp://n.test/alarms"},
        NTFY | {"priority": 6},
        {"type": "inbox", "address": "x"},
        {"type": "apprise", "url": "no url"},
        {"type": "pigeon"},
        {"type": "inbox", "show": "everything"},
    ],
)
def test_what_is_no_contact_is_refused(contact: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        methods({"contact": [contact]})


def test_an_apprise_url_that_names_no_service_is_refused_without_being_quoted() -> None:
    contacts = (EmailContact("a@b.org"), AppriseContact("nope://secret"))
    refuse_unusable(contacts, lambda _url: None)
    with pytest.raises(Invalid) as refused:
        refuse_unusable(contacts, lambda _url: "Apprise cannot read it")
    assert refused.value.field == "spec.contact[1].url"
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        (MethodKind.EMAIL, "maya@example.org", "m…@example.org"),
        (MethodKind.WEBHOOK, "https://h.test/key/7", "h.test/…"),
        (MethodKind.NTFY, "https://n.test/alarms", "n.test/…"),
        (MethodKind.APPRISE, "tgram://123:token/456", "tgram://…"),
        (MethodKind.INBOX, "", "in Tocsin itself"),
    ],
)
def test_enough_of_an_address_is_shown_to_recognise_it(
    kind: MethodKind, address: str, expected: str
) -> None:
    assert masked(Method(kind=kind, address=address)) == expected


@given(words, words, words)
def test_no_part_of_a_url_survives_in_what_a_provider_answers(
    user: str, password: str, path: str
) -> None:
    url = f"json://{user}:{password}@host.test/{path}?key={path}"
    method = Method(kind=MethodKind.APPRISE, address=url, secret=password)
    text = scrubbed(f"could not reach {url}: {password} of {user} at /{path}", method)
    for secret in (user, password, path):
        assert secret not in text
    assert text.startswith("could not reach")


def test_the_log_keeps_neither_mail_addresses_nor_urls() -> None:
    said = impersonal("550 maya@example.org at https://h.test/key is gone " * 20, 60)
    assert "maya" not in said
    assert "h.test" not in said
    assert len(said) == 60


def test_there_is_one_set_of_defaults_under_its_own_name() -> None:
    stray = Resource(uuid7(), "ContactDefaults", "mine", ContactDefaultsSpec())
    with pytest.raises(Invalid, match="name it 'default'"):
        compile_directory(Resources([stray]))
