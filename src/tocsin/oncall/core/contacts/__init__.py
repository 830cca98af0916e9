"""Contact methods as they are written in YAML, what they compile to, and how they are masked."""

from tocsin.oncall.core.contacts.compiling import (
    by_names,
    method,
    methods,
    of_person,
    refuse_unusable,
)
from tocsin.oncall.core.contacts.masking import impersonal, masked, scrubbed, unquoted
from tocsin.oncall.core.contacts.specs import (
    DEFAULTS,
    Contact,
    ContactDefaultsSpec,
    Contacts,
    EmailContact,
)

__all__ = [
    "DEFAULTS",
    "Contact",
    "ContactDefaultsSpec",
    "Contacts",
    "EmailContact",
    "by_names",
    "impersonal",
    "masked",
    "method",
    "methods",
    "of_person",
    "refuse_unusable",
    "scrubbed",
    "unquoted",
]
