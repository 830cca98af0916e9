"""Reads documents: each becomes what is wanted of one resource, or a refusal that names its cure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Conflict, Invalid, TooLarge
from tocsin.kernel.resources.apart import apart
from tocsin.kernel.resources.lenient import ignored, understood
from tocsin.kernel.resources.mistakes import instead, mistake
from tocsin.kernel.resources.model import (
    API_VERSION,
    DOCUMENTS_MAX,
    Current,
    Document,
    Key,
    Kind,
    Scheduled,
    Wanted,
    World,
)

SPEC_MAX_BYTES = 256 * 1024
Kinds = Mapping[str, Kind]


def read(documents: Sequence[Document], kinds: Kinds) -> list[Wanted]:
    """Check documents one by one. Raises Invalid, Conflict, TooLarge."""
    if len(documents) > DOCUMENTS_MAX:
        raise Invalid(f"{len(documents)} documents; at most {DOCUMENTS_MAX} in one apply")
    wanted = [_read(document, kinds) for document in documents]
    seen = set()
    for one in wanted:
        if (one.key, one.effective_from) in seen:
            raise Conflict(
                f"{one.kind}/{one.name} stands twice in this set; keep one of them, or say with"
                " metadata.effectiveFrom which comes later"
            )
        seen.add((one.key, one.effective_from))
    return wanted


def _read(document: Document, kinds: Kinds) -> Wanted:
    where = f"{document.kind}/{document.metadata.name}"
    if document.api_version != API_VERSION:
        raise Invalid(f"{where}: apiVersion must be {API_VERSION}", field="apiVersion")
    kind = kinds.get(document.kind)
    if kind is None:
        known = instead(document.kind, sorted(kinds))
        raise Invalid(f"{where}: unknown kind; {known}", field="kind")
    spec, private = _stored(kind, _convert(kind, document.spec, where))
    if len(msgspec.json.encode(spec | private)) > SPEC_MAX_BYTES:
        raise TooLarge(f"{where}: spec is larger than {SPEC_MAX_BYTES} bytes")
    _refuse_nul(spec | private, where)
    return Wanted(
        kind=document.kind,
        name=document.metadata.name,
        effective_from=document.metadata.effective_from,
        spec=spec,
        private=private,
    )


def _stored(kind: Kind, spec: Struct) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a spec as the database gives it back, so that the same document is the same."""
    return apart(kind, msgspec.json.decode(msgspec.json.encode(spec)))


def normal(kinds: Kinds, world: World) -> World:
    """Return what is in force with the fields that its kinds have gained since it was written.

    What a newer release has stored is set aside: kinds, and fields, which `newer` then names.
    """
    known = {key: one for key, one in world.present.items() if one.kind in kinds}
    newer: dict[Key, tuple[str, ...]] = {}
    stored: tuple[Current | Scheduled, ...] = (*known.values(), *world.scheduled)
    for one in stored:
        if one.kind in kinds and (paths := ignored(kinds[one.kind], one)):
            newer[one.key] = (*newer.get(one.key, ()), *paths)
    present = {key: _normal(kinds, one) for key, one in known.items()}
    return replace(world, present=present, newer=newer)


def _normal(kinds: Kinds, one: Current) -> Current:
    try:
        spec, private = _stored(kinds[one.kind], typed(kinds[one.kind], one))
    except Invalid:
        return one  # it can be replaced, but no longer be used
    return replace(one, spec=spec, private=private)


def _convert(kind: Kind, spec: Mapping[str, Any], where: str) -> Struct:
    try:
        return msgspec.convert(spec, kind.spec)
    except msgspec.ValidationError as error:
        found = mistake(error, kind.spec)
        raise Invalid(f"{where}: {found.path}: {found.words}", field=found.path) from error
    except Invalid as error:
        raise Invalid(f"{where}: {error.detail}", field=error.field) from error


def _refuse_nul(value: object, where: str) -> None:
    """Refuse the one character that PostgreSQL keeps in no text."""
    if isinstance(value, str) and "\x00" in value:
        raise Invalid(f"{where}: spec: a text holds the character NUL; remove it", field="spec")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_nul(key, where)
            _refuse_nul(inner, where)
    elif isinstance(value, list):
        for inner in value:
            _refuse_nul(inner, where)


def typed(kind: Kind, one: Current | Scheduled | Wanted) -> Struct:
    """Return a spec as its context knows it, private fields put back. Raises Invalid.

    What was written has been read strictly; in what is stored unknown fields are ignored.
    """
    spec = {**one.spec, **one.private}
    try:
        return msgspec.convert(spec, kind.spec)
    except (msgspec.ValidationError, Invalid):
        return _convert(kind, understood(kind.spec, spec), f"{one.kind}/{one.name}")


def refs(kind: Kind, spec: Struct, where: str) -> Iterable[tuple[str, str, str]]:
    """Return what a spec points at as (kind, name, field). Raises Invalid."""
    with _at(where):
        return list(kind.refs(spec))


def accept(kind: Kind, spec: Struct, where: str) -> None:
    """Ask a kind whether it takes a spec that is new. Raises Invalid."""
    with _at(where):
        kind.accept(spec)


@contextmanager
def _at(where: str) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        detail = error.detail if error.detail.startswith(where) else f"{where}: {error.detail}"
        raise Invalid(detail, field=error.field) from error


def plain(value: Any) -> Any:
    """Return a struct as people would write it: in its order, without what is default."""
    if isinstance(value, Struct):
        config = value.__struct_config__
        found: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
        for field in msgspec.structs.fields(type(value)):
            inner = getattr(value, field.name)
            if not _is_default(field, inner):
                found[field.encode_name] = plain(inner)
        return found
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return msgspec.to_builtins(value)


def defaults(spec: type[Struct]) -> dict[str, Any]:
    """Return what each field is that nobody has written, as the database would give it back."""
    found = {}
    for field in msgspec.structs.fields(spec):
        if field.default_factory is not msgspec.NODEFAULT:
            found[field.encode_name] = field.default_factory()
        elif field.default is not msgspec.NODEFAULT:
            found[field.encode_name] = field.default
    known: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return known


def _is_default(field: msgspec.structs.FieldInfo, value: object) -> bool:
    if field.default is not msgspec.NODEFAULT:
        return bool(value == field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return False
