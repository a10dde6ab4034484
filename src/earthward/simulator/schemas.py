"""A smallest instance of a JSON Schema, as a model held to that schema might write it.

Covers what vendors' structured outputs allow: types, enums, references, alternatives, lengths and bounds. Patterns
are not solved: such a string gets a plain word.
"""

from collections.abc import Callable
from typing import Any

_DEPTH = 24
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


def instance(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """The smallest value the schema allows; optional properties are left out."""
    root = schema if root is None else root
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


def _referenced(schema: dict[str, Any], root: Any, depth: int) -> Any:
    found = root
    for step in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return instance(found, root, depth)


def _any_of(word: str) -> Callable[[dict[str, Any], Any, int], Any]:
    def first(schema: dict[str, Any], root: Any, depth: int) -> Any:
        # What ends a recursion is often an alternative that is null; the deeper, the sooner it is taken.
        choices = schema[word]
        ends = [each for each in choices if isinstance(each, dict) and each.get("type") == "null"]
        return instance(ends[0] if ends and depth > 4 else choices[0], root, depth)

    return first


def _all_of(schema: dict[str, Any], root: Any, depth: int) -> Any:
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        for key, value in part.items():
            both = merged.get(key)
            if isinstance(both, dict) and isinstance(value, dict):
                merged[key] = both | value
            elif isinstance(both, list) and isinstance(value, list):
                merged[key] = [*both, *value]
            else:
                merged[key] = value
    return instance(merged, root, depth)


def _object(schema: dict[str, Any], root: Any, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: instance(properties.get(name, {}), root, depth) for name in schema.get("required", ())}


def _array(schema: dict[str, Any], root: Any, depth: int) -> list[Any]:
    before = [instance(each, root, depth) for each in schema.get("prefixItems", ())]
    missing = max(0, schema.get("minItems", 0) - len(before))
    return [*before, *(instance(schema.get("items", {"type": "string"}), root, depth) for _ in range(missing))]


def _string(schema: dict[str, Any], root: Any, depth: int) -> str:
    text = _FORMATS.get(schema.get("format", ""), "t0")
    text = text.ljust(schema.get("minLength", 0), "t")
    return text[: schema.get("maxLength", len(text))]


def _number(schema: dict[str, Any], root: Any, depth: int) -> int | float:
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


_WORDS: dict[str, Callable[[dict[str, Any], Any, int], Any]] = {
    "const": lambda schema, root, depth: schema["const"],
    "enum": lambda schema, root, depth: schema["enum"][0],
    "$ref": _referenced,
    "anyOf": _any_of("anyOf"),
    "oneOf": _any_of("oneOf"),
    "allOf": _all_of,
}
_MADE: dict[str, Callable[[dict[str, Any], Any, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda schema, root, depth: False,
    "null": lambda schema, root, depth: None,
}
