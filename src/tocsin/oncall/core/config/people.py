"""Person, as it is written in YAML, and the defaults of everybody's contacts."""

from collections.abc import Container, Iterable
from typing import cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.oncall.core.config.checks import Text, check_zone
from tocsin.oncall.core.config.hours import HoursList, to_hours
from tocsin.oncall.core.config.notifying import NotifySpec, check_rules, to_rules
from tocsin.oncall.core.contacts import (
    DEFAULTS,
    ContactDefaultsSpec,
    Contacts,
    methods,
    of_person,
)
from tocsin.oncall.model import MethodKind, NotifyRules, Person


class PersonSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Somebody who can be paged; `contact` in the order in which it is tried.

    `notify` says by which contact they are told when, by urgency; `quietHours` hold back what
    is of low urgency, never what is of high.
    """

    display_name: Text
    timezone: str = "UTC"
    contact: Contacts = ()
    active: bool = True
    notify: NotifySpec = NotifySpec()
    quiet_hours: HoursList = ()


def person_refs(spec: PersonSpec) -> Iterable[tuple[str, str, str]]:
    """Refuse rules and hours that cannot be kept. Raises Invalid; a person points at nothing."""
    check_rules(spec.notify, spec.contact)
    return []


def contact_defaults(resources: Resources) -> ContactDefaultsSpec:
    """Return the defaults of contacts. Raises Invalid for a second one."""
    found = resources.of("ContactDefaults")
    for resource in found:
        if resource.name != DEFAULTS:
            raise Invalid(
                f"ContactDefaults/{resource.name}: there is only one, for everybody;"
                f" name it {DEFAULTS!r}", field="metadata.name",
            )  # fmt: skip
    return cast("ContactDefaultsSpec", found[0].spec) if found else ContactDefaultsSpec()


def to_person(
    resource: Resource,
    defaults: ContactDefaultsSpec,
    channels: Container[MethodKind] = frozenset(MethodKind),
) -> Person:
    """Compile one person; what is not among `channels` cannot be sent here. Raises Invalid."""
    spec = cast("PersonSpec", resource.spec)
    where = f"Person/{resource.name}"
    check_zone(spec.timezone, where)
    found = tuple(
        replace(one, is_set_up=one.kind in channels)
        for one in of_person(methods(spec.contact, defaults), cast("UUID", resource.uid))
    )
    return Person(
        id=PersonId(cast("UUID", resource.uid)),
        name=resource.name,
        display_name=spec.display_name,
        methods=found,
        zone=spec.timezone,
        active=spec.active,
        notify=NotifyRules(
            high=to_rules(spec.notify.high, found),
            low=to_rules(spec.notify.low, found),
            quiet=tuple(to_hours(one, spec.timezone, where) for one in spec.quiet_hours),
        ),
    )
