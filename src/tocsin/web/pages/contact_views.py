"""What the contact screens show: each method with what is known of it, browsers, kinds to add."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache

from msgspec import Struct, inspect

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.contacts import Contact, masked, unquoted
from tocsin.oncall.core.reachability import Reach, Reachability, reachable
from tocsin.oncall.model import ContactState, ContactTest, Method, MethodKind, Person, Show
from tocsin.oncall.reads import DeviceRow, OpenCode

SHOWN = {
    Show.FULL: "the full text",
    Show.TITLE: "the title only",
    Show.REFERENCE: "the reference only",
}
LABELS = {
    "email": "E-mail",
    "ntfy": "ntfy",
    "sms": "SMS",
    "voice": "Call",
    "apprise": "Apprise",
    "teams": "Teams",
}
_SECRETS = ("token", "secret")
_MINUTE_S = 60


class TestView(Struct, frozen=True, kw_only=True):
    """The last test. `outcome` is received, sent, failed or unknown; `took` is how long, in words."""

    outcome: str
    error: str
    at: datetime
    took: str


class CodeView(Struct, frozen=True, kw_only=True):
    """A code that can be entered; `failed`: why it could not be sent, else ""."""

    sent_at: datetime
    expires_at: datetime
    tries_left: int
    failed: str


class ContactView(Struct, frozen=True, kw_only=True):
    """One method. `seen` names it for a form; `proof` is code, push or "" for what needs none."""

    index: int
    kind: str
    label: str
    address: str
    show: str
    seen: str
    proof: str
    is_verified: bool
    is_urgent: bool
    is_set_up: bool
    verified_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    failed_at: datetime | None
    error: str
    is_dropped: bool
    test: TestView | None
    code: CodeView | None


class ReachView(Struct, frozen=True, kw_only=True):
    """Everything about the methods of one person; `words` say whether a page wakes them."""

    is_reachable: bool
    words: str
    methods: tuple[ContactView, ...]
    devices: tuple[DeviceRow, ...]
    has_push: bool


class KindView(Struct, frozen=True, kw_only=True):
    """A kind that can be added; `field` takes the address, "" for none; `secret` may go with it."""

    kind: str
    label: str
    field: str
    example: str
    secret: str


async def reach_view(unit: Unit, person: Person) -> ReachView:
    """Gather what is known of a person's methods. Of others it needs person:read."""
    states = (await reads.contact_states(unit, person.id)).get(person.id, {})
    tests = await reads.tests_of(unit, person.id)
    is_own = unit.actor.person_id == person.id
    codes = await reads.open_codes(unit) if is_own else {}
    found = reachable(person, states)
    methods = tuple(
        contact_view(
            one, method, state=states.get(one.fingerprint), test=tests.get(one.fingerprint),
            code=codes.get(one.fingerprint),
        )
        for one, method in zip(found.methods, person.methods, strict=True)
    )  # fmt: skip
    return ReachView(
        is_reachable=found.is_reachable, words=words(found, person, is_own=is_own),
        methods=methods, devices=tuple(await reads.devices(unit, person.id)),
        has_push=any(one.kind is MethodKind.PUSH for one in person.methods),
    )  # fmt: skip


def words(found: Reachability, person: Person, *, is_own: bool) -> str:
    """Say whether a page wakes somebody, to themselves or to another."""
    return found.words if is_own else found.words.replace("You", person.display_name, 1)


def contact_view(
    one: Reach,
    method: Method,
    *,
    state: ContactState | None,
    test: ContactTest | None,
    code: OpenCode | None,
) -> ContactView:
    """Show a method with what is known of its address. Pure."""
    return ContactView(
        index=one.index,
        kind=method.kind,
        label=label(method.kind),
        address=masked(method),
        show=SHOWN[method.show],
        seen=one.fingerprint,
        proof=proof(method.kind),
        is_verified=one.is_verified,
        is_urgent=one.is_urgent,
        is_set_up=one.is_set_up,
        verified_at=state.verified_at if state else None,
        sent_at=state.sent_at if state else None,
        received_at=state.received_at if state else None,
        failed_at=state.failed_at if state else None,
        error=unquoted(state.error, method) if state and _has_failed(state) else "",
        is_dropped=state is not None and state.dropped_at is not None,
        test=test_view(test, method) if test else None,
        code=_code_view(code, method) if code and not one.is_verified else None,
    )


def _has_failed(state: ContactState) -> bool:
    """Say whether a failure is the last that was heard of an address."""
    if state.dropped_at is not None:
        return True
    return state.failed_at is not None and (
        state.sent_at is None or state.failed_at >= state.sent_at
    )


def label(kind: str) -> str:
    """Name a kind of method."""
    return LABELS.get(kind, kind.capitalize())


def proof(kind: MethodKind) -> str:
    """Say what verifies a kind: a code, subscribing a browser, or nothing."""
    if kind is MethodKind.INBOX:
        return ""
    return "push" if kind is MethodKind.PUSH else "code"


def test_view(test: ContactTest, method: Method) -> TestView:
    """Show a test, and how long it took. Pure."""
    took = reads.latency(test)
    return TestView(
        outcome=_word(test),
        error=unquoted(test.error, method),
        at=test.started_at,
        took=_seconds(took.total_seconds()) if took is not None else "",
    )


def _word(test: ContactTest) -> str:
    if test.outcome is None:
        return "unknown"
    if test.outcome != "sent":
        return "failed"
    return "received" if test.seen_at is not None else "sent"


def _seconds(found: float) -> str:
    return f"{found:.1f} s" if found < _MINUTE_S else f"{found / _MINUTE_S:.0f} min"


def _code_view(code: OpenCode, method: Method) -> CodeView:
    has_failed = code.outcome not in (None, "sent")
    return CodeView(
        sent_at=code.sent_at,
        expires_at=code.expires_at,
        tries_left=code.tries_left,
        failed=(unquoted(code.error, method) or "it failed") if has_failed else "",
    )


@cache
def kinds() -> tuple[KindView, ...]:
    """Return what can be added, as YAML knows it, the urgent ones first."""
    order = ("push", "ntfy", "voice", "sms", "email")
    found = {one.kind: one for one in _kinds()}
    first = [found.pop(kind) for kind in order if kind in found]
    return (*first, *found.values())


def _kinds() -> Iterator[KindView]:
    known = inspect.type_info(Contact)
    assert isinstance(known, inspect.UnionType)  # noqa: S101 - for the type checker
    for one in known.types:
        if not isinstance(one, inspect.StructType):
            continue
        needed = [field for field in one.fields if field.required]
        if len(needed) > 1:
            continue  # more than a form asks for: written in YAML
        names = {field.name for field in one.fields}
        yield KindView(
            kind=str(one.tag),
            label=label(str(one.tag)),
            field=needed[0].encode_name if needed else "",
            example=_example(needed[0].type) if needed else "",
            secret=next((name for name in _SECRETS if name in names), ""),
        )


def _example(known: inspect.Type) -> str:
    extra = known.extra_json_schema if isinstance(known, inspect.Metadata) else None
    examples = (extra or {}).get("examples") or [""]
    return str(examples[0])


def written(kind: str, address: str, secret: str, show: str) -> dict[str, str]:
    """Return a contact as it would stand in YAML, from what a form says. Pure.

    A kind that there is not is left to who checks all contacts.
    """
    found = {"type": kind}
    known = next((one for one in kinds() if one.kind == kind), None)
    if known is not None and known.field:
        found[known.field] = address.strip()
    if known is not None and known.secret and secret.strip():
        found[known.secret] = secret.strip()
    if show:
        found["show"] = show
    return found
