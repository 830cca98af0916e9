"""Read a body of alerts as tolerantly as Go does, or answer in Go's words why not.

Only bodies that the strict decoder has refused come here: other spellings of keys and
times, nulls, broken UTF-8, NUL, text after the array; and all that is plainly wrong.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from tocsin.integrations.alertmanager.errors import required, unparsable
from tocsin.integrations.lenient_json import storable

_KEYS = ("labels", "annotations", "startsAt", "endsAt", "generatorURL")
_BY_LOWER = {key.lower(): key for key in _KEYS}
_GO_NAMES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number"}
_FRACTION = re.compile(r"(\.\d{6})\d+")
_SPACE = re.compile(r"[ \t\r\n]*")
# as go-openapi/strfmt reads them; fromisoformat alone would also take dates and weeks
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE
)


def read(body: bytes) -> list[dict[str, object]]:
    """Return the alerts with canonical keys and UTC times. Raises `FrameworkError`."""
    alerts = _load(body)
    if alerts is None:
        return []
    if not isinstance(alerts, list):
        _mismatch(alerts, "Go value of type models.PostableAlerts")
    return [_alert(index, alert) for index, alert in enumerate(alerts)]


def _load(body: bytes) -> object:
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    if not text.strip():
        raise required("alerts")
    try:
        # what follows the first value is not read, as in Go's stream decoder
        loaded: object
        loaded, _ = json.JSONDecoder().raw_decode(text, _skip_space(text))
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise unparsable("unexpected EOF") from None
        raise unparsable(f"invalid character {text[error.pos]!r}: {error.msg}") from None
    except (RecursionError, ValueError):
        raise unparsable("exceeded max depth") from None
    return loaded


def _skip_space(text: str) -> int:
    found = _SPACE.match(text)
    return found.end() if found else 0


def _alert(index: int, alert: object) -> dict[str, object]:
    if alert is None:
        raise required(f"{index}.labels")
    if not isinstance(alert, dict):
        _mismatch(alert, "Go value of type models.PostableAlert")
    fields: dict[str, object] = {}
    for spelling, value in alert.items():
        key = _BY_LOWER.get(spelling.lower())
        if key is not None and value is not None:
            fields[key] = _field(key, value)
    if "labels" not in fields:
        raise required(f"{index}.labels")
    return fields


def _field(key: str, value: object) -> object:
    if key in {"labels", "annotations"}:
        return _pairs(key, value)
    if not isinstance(value, str):
        _mismatch(value, f"Go struct field .{key} of type string")
    return storable(value) if key == "generatorURL" else _instant(value)


def _pairs(key: str, value: object) -> dict[str, str]:
    field = "Alert.labels" if key == "labels" else ".annotations"
    if not isinstance(value, Mapping):
        _mismatch(value, f"Go struct field {field} of type models.LabelSet")
    pairs = {}
    for name, text in value.items():
        if text is not None and not isinstance(text, str):
            _mismatch(text, f"Go struct field {field} of type string")
        pairs[storable(name)] = storable(text or "")
    return pairs


def _instant(text: str) -> datetime:
    if not text:
        return datetime(1970, 1, 1, tzinfo=UTC)  # what strfmt makes of an empty string
    if _TIME.fullmatch(text):
        try:
            instant = datetime.fromisoformat(_FRACTION.sub(r"\1", text.upper()))
        except ValueError:
            pass
        else:
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    quoted = json.dumps(text[:64], ensure_ascii=False)
    raise unparsable(f'parsing time {quoted} as "2006-01-02 15:04:05"')


def _mismatch(value: object, target: str) -> NoReturn:
    name = _GO_NAMES.get(type(value), "number")
    raise unparsable(f"json: cannot unmarshal {name} into {target}")
