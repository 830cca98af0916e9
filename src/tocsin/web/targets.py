"""Whom a step names, in words. Pure."""

from msgspec import Struct

from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.config.policies import host_of
from tocsin.oncall.model import PersonTarget, ScheduleTarget, Target, TeamTarget, WebhookTarget


class TargetWord(Struct, frozen=True):
    """What a step names: a person, a schedule, a team or a webhook, whose secrets are left out."""

    kind: str
    name: str


def target_word(target: Target, directory: Directory) -> TargetWord:
    """Name a target for people."""
    match target:
        case PersonTarget(person_id):
            return TargetWord("person", directory.name_of(person_id))
        case ScheduleTarget(schedule_id, slot, is_next):
            schedule = directory.schedules.get(schedule_id)
            name = schedule.name if schedule else "a schedule that is gone"
            parts = (name, slot, "who comes next" if is_next else "")
            return TargetWord("schedule", ", ".join(filter(None, parts)))
        case TeamTarget(team, on_call):
            return TargetWord("team", f"{team}, who is on call" if on_call else team)
        case WebhookTarget(url):
            return TargetWord("webhook", host_of(url) or "a webhook")
