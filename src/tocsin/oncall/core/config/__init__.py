"""On-call's resources, as they are written in YAML, and what they compile to."""

from tocsin.oncall.core.config.checks import Text
from tocsin.oncall.core.config.directory import (
    ASKED_TIMEOUT_S,
    DEFAULT,
    NO_POLICY,
    Directory,
    compile_directory,
)
from tocsin.oncall.core.config.people import PersonSpec, person_refs
from tocsin.oncall.core.config.policies import (
    CATCH_ALL,
    PolicySpec,
    StepSpec,
    TargetSpec,
    policy_accept,
    policy_refs,
)
from tocsin.oncall.core.config.schedules import RotationSpec, ScheduleSpec, schedule_refs

__all__ = [
    "ASKED_TIMEOUT_S",
    "CATCH_ALL",
    "DEFAULT",
    "NO_POLICY",
    "Directory",
    "PersonSpec",
    "PolicySpec",
    "RotationSpec",
    "ScheduleSpec",
    "StepSpec",
    "TargetSpec",
    "Text",
    "compile_directory",
    "person_refs",
    "policy_accept",
    "policy_refs",
    "schedule_refs",
]
