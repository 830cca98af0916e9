"""The words that contexts share, beside the ids; nothing else may be shared."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum

Labels = Mapping[str, str]


class Urgency(StrEnum):
    """Page now, or not."""

    HIGH = "high"
    LOW = "low"


class Severity(IntEnum):
    """How bad an incident is: 1 is worst."""

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4
    SEV5 = 5
