"""How a person wants to be told, as it is written in YAML, and what it compiles to."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from tocsin.kernel.durations import Duration, seconds
from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.contacts import Contact, by_names
from tocsin.oncall.model import Method, Rule

RULES_MAX = 20
AFTER_MAX_S = 24 * 3600


class RuleSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell by this contact, its name or its type, so long after the call."""

    by: Annotated[str, Meta(min_length=1, max_length=50)]
    after: Duration = "0s"


class NotifySpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules by urgency; without any, the first contact at once and the next where it fails."""

    high: Annotated[tuple[RuleSpec, ...], Meta(max_length=RULES_MAX)] = ()
    low: Annotated[tuple[RuleSpec, ...], Meta(max_length=RULES_MAX)] = ()


def check_rules(spec: NotifySpec, contacts: Sequence[Contact]) -> None:
    """Refuse rules that name no contact, or wait too long. Raises Invalid.

    Who names no contact is told as the defaults say, which are not known here.
    """
    known = {name for one in contacts for name in by_names(one)}
    for word, rules in (("high", spec.high), ("low", spec.low)):
        for at, rule in enumerate(rules):
            where = f"spec.notify.{word}[{at}]"
            if seconds(rule.after, field=f"{where}.after") > AFTER_MAX_S:
                raise Invalid(f"{where}.after: wait for a day at most", field=f"{where}.after")
            if contacts and rule.by not in known:
                raise Invalid(
                    f"{where}.by: {rule.by!r} is no contact; known: {', '.join(sorted(known))}",
                    field=f"{where}.by",
                )


def to_rules(specs: Iterable[RuleSpec], methods: Sequence[Method]) -> tuple[Rule, ...]:
    """Compile rules, soonest first; one whose contact is gone is left out. Raises Invalid."""
    found = []
    for spec in specs:
        after_s = seconds(spec.after, field="spec.notify")
        names = [method.name or method.kind for method in methods]
        kinds = [method.kind for method in methods]
        if spec.by in names:
            found.append(Rule(after_s, names.index(spec.by)))
        elif spec.by in kinds:
            found.append(Rule(after_s, [str(kind) for kind in kinds].index(spec.by)))
    return tuple(sorted(found, key=lambda rule: rule.after_s))
