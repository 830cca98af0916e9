"""Decide by which methods a person can be woken: what is verified, and what is urgent.

Urgent is what a phone lets through Do Not Disturb: a call, an SMS, a push notification of an app
that was allowed to, ntfy at its top priority. E-mail and chat never are, however often somebody
looks at them by day.
"""

from collections.abc import Mapping
from hashlib import sha256

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.model import ContactState, Method, MethodKind, Person

NTFY_TOP = 5
# by their words, since not every house has each of them
_URGENT = frozenset({"voice", "sms", "push"})
_PHONES = frozenset({"voice", "sms"})
_CALLED = {
    "voice": "a call",
    "sms": "an SMS",
    "push": "push to your browsers",
    "ntfy": "ntfy",
    "email": "e-mail",
    "inbox": "the inbox in Tocsin",
    "apprise": "Apprise",
    "webhook": "a webhook",
    "slack": "Slack",
    "matrix": "Matrix",
    "mattermost": "Mattermost",
    "teams": "Teams",
}
CURE = "add push, ntfy at top priority, an SMS or a call, and verify it"


class Reach(Struct, frozen=True, kw_only=True):
    """One method of a person: whether it is proved to be theirs, and whether it wakes them.

    By one that is not `is_set_up` this Tocsin cannot send, until who runs it sees to it.
    """

    index: int
    kind: MethodKind
    fingerprint: str
    is_verified: bool
    is_urgent: bool
    is_set_up: bool

    @property
    def arrives(self) -> bool:
        """Say whether it is proved that what is sent by this method reaches the person."""
        return self.is_verified and self.is_set_up

    @property
    def wakes(self) -> bool:
        """Say whether a page by this method reaches the person at night."""
        return self.arrives and self.is_urgent


class Reachability(Struct, frozen=True, kw_only=True):
    """By what a person can be reached; `why_not` is "" for who can be."""

    person_id: PersonId
    methods: tuple[Reach, ...]
    why_not: str

    @property
    def is_reachable(self) -> bool:
        """Say whether one verified urgent method is among them."""
        return not self.why_not

    @property
    def waking(self) -> tuple[Reach, ...]:
        """Return the methods that reach the person at night, in their order."""
        return tuple(one for one in self.methods if one.wakes)

    @property
    def words(self) -> str:
        """Say it in one sentence to the person themselves."""
        if self.why_not:
            return f"You cannot be reached at night: {self.why_not}."
        ways = list(dict.fromkeys(called(one.kind) for one in self.waking))
        return f"You can be reached at night: {' and '.join(ways)}."


def called(kind: MethodKind) -> str:
    """Name a kind of method in a sentence."""
    return _CALLED.get(kind.value, kind.value)


def normal(kind: MethodKind, address: str) -> str:
    """Return the one spelling of an address: who writes it otherwise means the same."""
    address = address.strip()
    if kind is MethodKind.EMAIL:
        return address.casefold()
    if kind.value in _PHONES:
        return "".join(sign for sign in address if sign.isdigit() or sign == "+")
    return address


def fingerprint_of(kind: MethodKind, address: str) -> str:
    """Return under what a kind and an address are known: another address is another one."""
    return sha256(f"{kind.value}\0{normal(kind, address)}".encode()).hexdigest()[:40]


def fingerprint(method: Method) -> str:
    """Return under what a method's address is known; its secret and its priority do not count."""
    return fingerprint_of(method.kind, method.address)


def is_urgent(method: Method) -> bool:
    """Say whether a message by this method can break through Do Not Disturb."""
    if method.kind is MethodKind.NTFY:
        return method.priority is None or method.priority >= NTFY_TOP
    return method.kind.value in _URGENT


def is_verified(method: Method, state: ContactState | None) -> bool:
    """Say whether it is proved that what is sent by a method arrives at this person.

    The inbox stands inside Tocsin, behind the person's own sign-in: there is nothing to prove.
    """
    if method.kind is MethodKind.INBOX:
        return True
    return state is not None and state.is_verified


def reachable(person: Person, states: Mapping[str, ContactState]) -> Reachability:
    """Say whether a person can be woken, and why not; `states` are theirs, by fingerprint."""
    methods = tuple(
        Reach(
            index=index,
            kind=method.kind,
            fingerprint=fingerprint(method),
            is_verified=is_verified(method, states.get(fingerprint(method))),
            is_urgent=is_urgent(method),
            is_set_up=method.is_set_up,
        )
        for index, method in enumerate(person.methods)
    )
    return Reachability(person_id=person.id, methods=methods, why_not=_why_not(person, methods))


def _why_not(person: Person, methods: tuple[Reach, ...]) -> str:
    if not person.active:
        return "not a member any more"
    if not methods:
        return f"there is no contact method; {CURE}"
    if any(one.wakes for one in methods):
        return ""
    urgent = list(
        dict.fromkeys(called(o.kind) for o in methods if o.is_urgent and not o.is_verified)
    )
    absent = list(
        dict.fromkeys(called(o.kind) for o in methods if o.is_urgent and o.is_verified)
    )
    if absent:
        return f"this Tocsin has nothing set up that sends {' or '.join(absent)}"
    if urgent:
        verb = "is" if len(urgent) == 1 else "are"
        return f"{' and '.join(urgent)} would be urgent, but {verb} not verified"
    found = list(dict.fromkeys(called(one.kind) for one in methods))
    return f"{' and '.join(found)} cannot break through Do Not Disturb; {CURE}"
