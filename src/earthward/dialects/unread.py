"""What a request says deep inside that the vocabulary has no word for: found so that it can be named when it is lost.

At the top of a request, of a message and of a tool such fields ride along under their names. Inside parts, sources and
choices they only tune; what would carry content there is refused by whoever reads it. Knows no dialect.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_NOTHING: tuple[Any, ...] = (None, "", [], {})
_DEEPEST = 8


class Shape(msgspec.Struct):
    """`known` are the members that are read, None where others ride along; `inner` are those that are looked into."""

    known: frozenset[str] | None
    inner: dict[str, "Shape"] = {}


def shape_of(*structs: type[msgspec.Struct], more: tuple[str, ...] = (), **inner: Shape) -> Shape:
    """That of what is read into these."""
    names = (name for struct in structs for name in struct.__struct_encode_fields__)
    return Shape(frozenset((*names, *more)), inner)


def unread(raw: Mapping[str, Any], shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """The names of what is not read, each with the field of the request in which it stands."""
    found = (
        f"{field}.{name}"
        for field, shape in shapes.items()
        if field in raw
        for name in _unread(raw[field], shape, _DEEPEST)
    )
    return tuple(dict.fromkeys(found))


def _unread(value: Any, shape: Shape, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            yield from _unread(item, shape, depth)
    elif isinstance(value, dict):
        if shape.known is not None and not shape.known.issuperset(value):
            yield from (name for name in value if name not in shape.known and value[name] not in _NOTHING)
        for name, inner in shape.inner.items():
            if name in value:
                yield from _unread(value[name], inner, depth - 1)
