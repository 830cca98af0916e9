"""People, and by what means they are reached."""

from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.model.hours import Hours


class MethodKind(StrEnum):
    """By what means a person can be told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    NTFY = "ntfy"
    APPRISE = "apprise"
    INBOX = "inbox"
    PUSH = "push"
    SMS = "sms"
    VOICE = "voice"
    MATTERMOST = "mattermost"
    TEAMS = "teams"
    MATRIX = "matrix"
    SLACK = "slack"


class Show(StrEnum):
    """How much of the text leaves by a method: all, the title alone, or only INC-12."""

    FULL = "full"
    TITLE = "title"
    REFERENCE = "reference"


class Method(Struct, frozen=True, kw_only=True):
    """One address of one person; `secret` signs a webhook, or is the access token of ntfy.

    `priority` is ntfy's, 1 to 5; None: the most urgent. `name` is what rules call it by.
    `is_set_up`: this Tocsin can send by it.
    """

    kind: MethodKind
    address: str
    secret: str | None = None
    show: Show = Show.FULL
    priority: int | None = None
    name: str = ""
    is_set_up: bool = True


class Rule(Struct, frozen=True):
    """Tell by the method of this index, `after_s` seconds after the call."""

    after_s: int
    method: int


FIRST_METHOD = (Rule(0, 0),)
"""Who has no rules is told by their first method at once, by the next where that fails."""


class NotifyRules(Struct, frozen=True, kw_only=True):
    """How a person wants to be told; `quiet` hours hold back what is of low urgency."""

    high: tuple[Rule, ...] = ()
    low: tuple[Rule, ...] = ()
    quiet: tuple[Hours, ...] = ()

    def chain(self, urgency: Urgency) -> tuple[Rule, ...]:
        """Return the rules for an urgency, soonest first; never none."""
        return (self.high if urgency is Urgency.HIGH else self.low) or FIRST_METHOD


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who can be paged: `methods` in the order in which they are tried."""

    id: PersonId
    name: str
    display_name: str
    methods: tuple[Method, ...] = ()
    zone: str = "UTC"
    active: bool = True
    notify: NotifyRules = NotifyRules()
