"""One JSON Schema over all kinds, by which editors complete and check what people write."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect

from tocsin.kernel.resources.model import API_VERSION, Document, Kind, Metadata

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kinds: Iterable[Kind]) -> dict[str, Any]:
    """Describe a document: what stands in `spec` follows from `kind`."""
    known = list(kinds)
    (metadata, *specs), parts = msgspec.json.schema_components(
        [Metadata, *(kind.spec for kind in known)], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": DIALECT,
        "title": "Tocsin resource",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"enum": sorted(kind.name for kind in known)},
            "metadata": metadata,
            "spec": {"type": "object"},
        },
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind.name}}},
                "then": {"properties": {"spec": spec}},
            }
            for kind, spec in zip(known, specs, strict=True)
        ],
        "$defs": parts,
    }


def template(kind: Kind) -> Document:
    """Return a document of a kind with the fields that it must have, to be filled in."""
    spec = _blank(inspect.type_info(kind.spec))
    name = f"my-{kind.name.lower()}"
    return Document(api_version=API_VERSION, kind=kind.name, metadata=Metadata(name), spec=spec)


_BLANKS: dict[type[inspect.Type], Any] = {
    inspect.IntType: 1,
    inspect.FloatType: 1.0,
    inspect.BoolType: False,
    inspect.DictType: {},
}


def _blank(kind: inspect.Type) -> Any:
    match kind:
        case inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            found = {tag_field: tag} if tag_field else {}
            needed = (field for field in fields if field.required)
            return found | {field.encode_name: _blank(field.type) for field in needed}
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return [_blank(item)]
        case inspect.Metadata(type=inner) | inspect.UnionType(types=(inner, *_)):
            return _blank(inner)
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case _:
            return _BLANKS.get(type(kind), "")
