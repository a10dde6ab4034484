"""A tool's JSON Schema, made into what Ollama hands on to the model.

Of a tool's parameters Ollama keeps `type`, `items`, `required`, `properties`, and inside a property also `anyOf`,
`description` and `enum`; everything else is lost without a word, and the model invents arguments. So references are
put in place, unions and constants said in words that are kept, and limits told in the description.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from earthward.dialects.inexpressible import Inexpressible

Schema = dict[str, Any]

MOST_NODES = 5_000
DEEPEST = 100
"""References put in place can grow a small schema beyond all bounds."""

_KEPT = frozenset({"anyOf", "type", "items", "description", "enum", "properties", "required"})
_SAID = frozenset({"$ref", "allOf", "const", "oneOf", "prefixItems"})
"""What is said in the words that are kept."""

_SILENT = frozenset(
    {"$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "strict", "nullable", "propertyOrdering"}
)
"""What says nothing to a model."""

_LONGEST_LIMIT = 400
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def repaired(parameters: Schema | None) -> Schema:
    """Always an object with properties. Raises Inexpressible for a schema that grows too large."""
    root = inlined(parameters or {})
    merged = _as_one_object(simplified(root))
    kept: Schema = {name: merged[name] for name in ("description", "items", "required") if name in merged}
    return {"type": "object", **kept, "properties": merged.get("properties", {})}


def is_weakened(parameters: Schema | None) -> bool:
    """Whether the model is only told of a part of it, instead of being held to it."""
    return any(_is_limit(name, value) for schema in _schemas_in(parameters or {}) for name, value in schema.items())


# -- references ------------------------------------------------------------------------------------------------------


def inlined(root: Schema) -> Schema:
    """The schema with what its references mean in their places; one that refers to itself ends as any value."""
    budget = _Budget(MOST_NODES)
    found = _inlined(_without_definitions(root), root, (), budget, 0)
    return found if isinstance(found, dict) else {}


class _Budget:
    def __init__(self, nodes: int) -> None:
        self._left = nodes

    def spend(self, depth: int) -> None:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise Inexpressible("a tool's parameters are too large once their references are put in place", "tools")


def _inlined(value: Any, root: Schema, above: tuple[str, ...], budget: _Budget, depth: int) -> Any:
    budget.spend(depth)
    if isinstance(value, list):
        return [_inlined(item, root, above, budget, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return {name: _inlined(item, root, above, budget, depth + 1) for name, item in value.items()}
    beside = {name: item for name, item in value.items() if name != "$ref"}
    target = None if reference in above else _target(reference, root)
    if target is None:
        return _inlined(beside, root, above, budget, depth + 1)
    return _inlined({**_without_definitions(target), **beside}, root, (*above, reference), budget, depth + 1)


def _without_definitions(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in ("$defs", "definitions")}


def _target(reference: str, root: Schema) -> Schema | None:
    """What a reference within the document points at; None for one that leads nowhere or outside."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found if isinstance(found, dict) else None


# -- what is kept ----------------------------------------------------------------------------------------------------


def simplified(schema: Any) -> Schema:
    """In the words that are kept, all the way down; what else it says is told in the description."""
    if not isinstance(schema, dict):
        # `true` allows anything.
        return {}
    schema = _with_alternatives(_with_all_of(schema))
    simple: Schema = {}
    kind = _kind(schema)
    if kind is not None:
        simple["type"] = kind
    values = _values(schema)
    if values is not None:
        simple["enum"] = values
    if isinstance(schema.get("properties"), dict):
        simple["properties"] = {name: simplified(value) for name, value in schema["properties"].items()}
    if isinstance(schema.get("required"), list):
        simple["required"] = _each_once(schema["required"])
    items = _items(schema)
    if items is not None:
        simple["items"] = items
    if isinstance(schema.get("anyOf"), list):
        simple["anyOf"] = [simplified(value) for value in schema["anyOf"]]
    description = _description(schema)
    if description:
        simple["description"] = description
    return simple


def _with_all_of(schema: Schema) -> Schema:
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for part in parts:
        if isinstance(part, dict):
            merged = _both(_with_all_of(part), merged)
    return merged


def _both(one: Schema, other: Schema) -> Schema:
    """A value that is both; where they disagree, `other` says it."""
    both = {**one, **other}
    if isinstance(one.get("properties"), dict) and isinstance(other.get("properties"), dict):
        both["properties"] = {**one["properties"], **other["properties"]}
    if isinstance(one.get("required"), list) and isinstance(other.get("required"), list):
        both["required"] = _each_once([*one["required"], *other["required"]])
    return both


def _with_alternatives(schema: Schema) -> Schema:
    """`oneOf` as `anyOf`; a single alternative is none, and is merged in."""
    alternatives: list[Any] = []
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            alternatives += schema[name]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
    if len(alternatives) == 1 and isinstance(alternatives[0], dict):
        return _with_alternatives(_with_all_of(_both(alternatives[0], rest)))
    return {**rest, "anyOf": alternatives} if alternatives else rest


def _kind(schema: Schema) -> Any:
    """The type or types, in JSON Schema's words; Google's are in capitals, and say `nullable`."""
    kind = schema.get("type")
    words = kind if isinstance(kind, list) else [kind]
    kinds = [word.lower() for word in words if isinstance(word, str)]
    if not kinds and "const" in schema and type(schema["const"]) in _TYPES:
        kinds = [_TYPES[type(schema["const"])]]
    if schema.get("nullable") is True and kinds and "null" not in kinds:
        kinds.append("null")
    return kinds[0] if len(kinds) == 1 else kinds or None


def _values(schema: Schema) -> list[Any] | None:
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    return [schema["const"]] if "const" in schema else None


def _items(schema: Schema) -> Any:
    """A tuple's places become a list of any of them."""
    items = schema.get("items")
    places = schema.get("prefixItems") if isinstance(schema.get("prefixItems"), list) else None
    if isinstance(items, list):
        places, items = items, None
    if places:
        kinds = [simplified(place) for place in (*places, *([items] if isinstance(items, dict) else ()))]
        return {"anyOf": kinds} if len(kinds) > 1 else kinds[0]
    return simplified(items) if isinstance(items, dict) else None


def _description(schema: Schema) -> str:
    text = schema.get("description")
    limits = [_limit(name, value) for name, value in schema.items() if _is_limit(name, value)]
    told = f"({'; '.join(limits)})" if limits else ""
    return " ".join(part for part in (text, told) if isinstance(part, str) and part)


def _is_limit(name: str, value: Any) -> bool:
    return not (name in _KEPT | _SAID | _SILENT or (name == "additionalProperties" and isinstance(value, bool)))


def _limit(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{name}: {text[:_LONGEST_LIMIT]}"


def _as_one_object(schema: Schema) -> Schema:
    """Alternatives at the top are not kept: their properties together, and required what all of them require."""
    alternatives = [option for option in schema.get("anyOf", ()) if "properties" in option]
    if not alternatives:
        return schema
    properties = dict(schema.get("properties", {}))
    for option in alternatives:
        for name, value in option["properties"].items():
            known = properties.get(name)
            properties[name] = value if known is None or known == value else _either(known, value)
    shared = set.intersection(*(set(option.get("required", ())) for option in alternatives))
    required = [*schema.get("required", ()), *(name for name in properties if name in shared)]
    merged = {**schema, "properties": properties}
    return {**merged, "required": _each_once(required)} if required else merged


def _each_once(names: list[Any]) -> list[str]:
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _either(one: Schema, other: Schema) -> Schema:
    options = one["anyOf"] if set(one) == {"anyOf"} else [one]
    return {"anyOf": options if other in options else [*options, other]}


def _schemas_in(schema: Any) -> Iterator[Schema]:
    """The schema and all that stand inside it, by the keys under which schemas stand."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(name), dict):
            for inner in schema[name].values():
                yield from _schemas_in(inner)
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(schema.get(name), list):
            for inner in schema[name]:
                yield from _schemas_in(inner)
    yield from _schemas_in(schema.get("items"))
