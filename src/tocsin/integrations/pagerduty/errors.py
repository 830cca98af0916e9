"""PagerDuty's answers, word for word: its clients look at status and message."""

from collections.abc import Sequence

import msgspec

from tocsin.signals.model import Unreadable


class EventError(Unreadable):
    """An event that was not kept."""

    def __init__(
        self, status: int, word: str, message: str, errors: Sequence[str] = ()
    ) -> None:
        answer: dict[str, object] = {"status": word, "message": message}
        if errors:
            answer["errors"] = list(errors)
        super().__init__(status, msgspec.json.encode(answer))
        self.errors = errors or (message,)


def invalid(errors: Sequence[str]) -> EventError:
    """Build the answer to an event whose fields are wrong; one sentence for each."""
    return EventError(400, "invalid event", "Event object is invalid", errors)


def unrecognized() -> EventError:
    """Build the answer to a body that is not a JSON object."""
    return EventError(
        400, "Unrecognized object", "Event object format is unrecognized", ["JSON parse error"]
    )


def throttled() -> EventError:
    """Build the answer to whoever sends too much; clients come again."""
    return EventError(
        429,
        "throttle exceeded",
        "Requests for this service are arriving too quickly. Please retry later.",
    )


def too_large(limit: int) -> EventError:
    """Build the answer to an event above the limit, in bytes."""
    return EventError(
        413,
        "invalid event",
        "Event object is too large",
        [f"The event is larger than {limit} bytes"],
    )


def forbidden(sentence: str) -> EventError:
    """Build the answer to a key that may not send events."""
    return EventError(403, "invalid event", "Event object is invalid", [sentence])


def not_allowed(method: str) -> EventError:
    """Build the answer to any verb but POST."""
    return EventError(
        405, "invalid event", "Method not allowed", [f"{method} is not allowed, but POST is"]
    )


def unavailable() -> EventError:
    """Build the answer while nothing can be kept; clients come again."""
    return EventError(503, "unavailable", "The event was not kept. Please retry later.")


def accepted(dedup_key: str) -> bytes:
    """Return the body of a 202 for an event."""
    return msgspec.json.encode(
        {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
    )


def change_accepted() -> bytes:
    """Return the body of a 202 for a change event."""
    return msgspec.json.encode({"status": "success", "message": "Change event processed"})
