"""A smallest instance of a JSON Schema, as a model held to that schema might write it.

Covers what vendors' structured outputs allow: types, enums, references, alternatives, lengths and bounds. Patterns
are not solved: such a string gets a plain word.
"""

import json
from collections.abc import Callable
from copy import copy
from typing import Any

_DEPTH = 24
_MOST = 10_000
"""Values in one instance, and characters in one of its texts. References alone can ask for millions."""
_LARGE = 100
"""Characters for which what a schema says itself counts as one value."""
_FORMATS = {
    "date-time": "2025-01-01T00:00:00Z",
    "date": "2025-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class BadSchema(ValueError):
    """A schema that is none, or that wants more than an answer has room for."""


class _Root:
    """The whole schema, and how many values there is still room for."""

    __slots__ = ("left", "schema")

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.left = _MOST

    def take(self, values: Any) -> None:
        self.left -= values
        if self.left < 0:
            raise BadSchema(f"what it asks for is larger than {_MOST} values, or characters of a text")


def instance(schema: Any) -> Any:
    """The smallest value the schema allows; optional properties are left out. Raises BadSchema."""
    try:
        return _instance(schema, _Root(schema), 0)
    except BadSchema:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as problem:
        # Any of its words can hold anything at all.
        raise BadSchema(str(problem)) from problem


def _instance(schema: Any, root: _Root, depth: int) -> Any:
    root.take(1)
    if not isinstance(schema, dict) or depth > _DEPTH:
        return None
    for word, read in _WORDS.items():
        if word in schema:
            return read(schema, root, depth + 1)
    return _MADE[_type_of(schema)](schema, root, depth + 1)


def _type_of(schema: dict[str, Any]) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = next((each for each in named if each != "null"), "null")
    if named in _MADE:
        return str(named)
    return "object" if "properties" in schema or not schema else "array" if "items" in schema else "string"


def _referenced(schema: dict[str, Any], root: _Root, depth: int) -> Any:
    found = root.schema
    root.take(len(schema["$ref"]) // _LARGE)
    for step in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return _instance(found, root, depth)


def _any_of(word: str) -> Callable[[dict[str, Any], _Root, int], Any]:
    def first(schema: dict[str, Any], root: _Root, depth: int) -> Any:
        # What ends a recursion is often an alternative that is null; the deeper, the sooner it is taken.
        choices = schema[word]
        ends = [each for each in choices if isinstance(each, dict) and each.get("type") == "null"]
        return _instance(ends[0] if ends and depth > 4 else choices[0], root, depth)

    return first


def _all_of(schema: dict[str, Any], root: _Root, depth: int) -> Any:
    merged: dict[str, Any] = {}
    for part in ({key: value for key, value in schema.items() if key != "allOf"}, *schema["allOf"]):
        root.take(1)
        for key, value in part.items():
            both = merged.get(key)
            if isinstance(both, dict) and isinstance(value, dict):
                both.update(value)
            elif isinstance(both, list) and isinstance(value, list):
                both.extend(value)
            else:
                merged[key] = copy(value)
    return _instance(merged, root, depth)


def _object(schema: dict[str, Any], root: _Root, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: _instance(properties.get(name, {}), root, depth) for name in schema.get("required", ())}


def _array(schema: dict[str, Any], root: _Root, depth: int) -> list[Any]:
    before = [_instance(each, root, depth) for each in schema.get("prefixItems", ())]
    missing = max(0, schema.get("minItems", 0) - len(before))
    root.take(missing)
    return [*before, *(_instance(schema.get("items", {"type": "string"}), root, depth) for _ in range(missing))]


def _string(schema: dict[str, Any], root: _Root, depth: int) -> str:
    text, least = _FORMATS.get(schema.get("format", ""), "t0"), schema.get("minLength", 0)
    root.take(max(0, least))
    text = text.ljust(least, "t")
    return text[: schema.get("maxLength", len(text))]


def _number(schema: dict[str, Any], root: _Root, depth: int) -> int | float:
    value: int | float = 0
    step = schema.get("multipleOf")
    if "minimum" in schema:
        value = max(value, schema["minimum"])
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value = schema["exclusiveMinimum"] + (step or 1)
    if "maximum" in schema:
        value = min(value, schema["maximum"])
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        value = schema["exclusiveMaximum"] - (step or 1)
    if step and value % step:
        value += step - value % step
    return value


def _given(value: Any, root: _Root) -> Any:
    """A value that the schema states; many references can point to one that is large."""
    root.take(len(json.dumps(value)) // _LARGE)
    return value


_WORDS: dict[str, Callable[[dict[str, Any], _Root, int], Any]] = {
    "const": lambda schema, root, depth: _given(schema["const"], root),
    "enum": lambda schema, root, depth: _given(schema["enum"][0], root),
    "$ref": _referenced,
    "anyOf": _any_of("anyOf"),
    "oneOf": _any_of("oneOf"),
    "allOf": _all_of,
}
_MADE: dict[str, Callable[[dict[str, Any], _Root, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda schema, root, depth: False,
    "null": lambda schema, root, depth: None,
}
