"""The operator's log: one JSON line an entry on stderr. The event log is for people, this is not."""

import logging
import re
import sys
from datetime import UTC, datetime

import msgspec
from typing_extensions import override

# a key in a path, or a one-time link, must never reach a log
# (none of them crosses a quote or a backslash: what is masked is the text of JSON)
_SECRET_PATH = re.compile(r"(/integrations/|/a/|/sign-in/|/calendars/|/heartbeat/)[^/\s\"\\?]+")
_CREDENTIALS = re.compile(r"(\w+://)[^/\s\"\\]+@")
_PASSWORD = re.compile(r"(password=)('[^'\"]*'|[^\s\"\\]+)")


def mask(text: str) -> str:
    """Hide keys in paths and credentials in URLs."""
    text = _CREDENTIALS.sub(r"\1***@", _SECRET_PATH.sub(r"\1***", text))
    return _PASSWORD.sub(r"\1***", text)


class Log:
    """An event name and fields: `log.info("page.sent", page_id=…)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"tocsin.{name}")

    @property
    def is_debug(self) -> bool:
        """Say whether it is worth gathering what `debug` is to say."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def debug(self, event: str, **fields: object) -> None:
        """Say a step on the way of an alert or a page; off, it costs the call alone."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: object) -> None:
        """Say what an operator wants to have seen."""
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: object) -> None:
        """Say what needs no hands yet."""
        self._logger.warning(event, extra={"fields": fields})

    def error(
        self, event: str, *, error: BaseException | None = None, **fields: object
    ) -> None:
        """Say what needs hands; `error` adds its type, text and traceback."""
        if error is not None:
            fields["error"] = f"{type(error).__name__}: {error}"
        self._logger.error(event, extra={"fields": fields}, exc_info=error)


class _Json(logging.Formatter):
    @override
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return mask(msgspec.json.encode(entry, enc_hook=str).decode())


def spelled(record: logging.LogRecord) -> str:
    """Return an entry as the line that it becomes."""
    return _Json().format(record)


def set_level(level: str) -> bool:
    """Log from `level` on from now; False where that was so already."""
    logger = logging.getLogger("tocsin")
    if logger.level == logging.getLevelNamesMapping()[level.upper()]:
        return False
    logger.setLevel(level.upper())
    return True


def start(level: str) -> None:
    """Send everything of `level` and above to stderr; libraries only from warning on."""
    target = logging.StreamHandler(sys.stderr)
    target.setFormatter(_Json())
    root = logging.getLogger()
    root.handlers[:] = [target]
    root.setLevel(logging.WARNING)
    logging.getLogger("tocsin").setLevel(level.upper())
