"""What is known of a policy before somebody saves it. Ids only, no names."""

from msgspec import Struct

from tocsin.oncall.core.assurance.simulating import Simulated
from tocsin.oncall.core.assurance.verdicts import Assurance
from tocsin.oncall.core.config import Directory


class Drafted(Struct, frozen=True, kw_only=True):
    """A page of it that nobody answers, and whether all alerts to come would wake somebody.

    `directory` is the one that decides at the page's instant, the policy among the others.
    """

    page: Simulated
    checked: Assurance
    directory: Directory
