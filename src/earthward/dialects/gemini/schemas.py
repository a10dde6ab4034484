"""Google's schemas, a part of OpenAPI's with words of its own, read as JSON Schema."""

from typing import Any

from earthward.dialects.gemini.fields import camel

Schema = dict[str, Any]

_NUMBERS = frozenset({"maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"})
"""Google writes these as strings too, as it does all 64-bit integers."""
_TYPES = ("type_unspecified", "string", "number", "integer", "boolean", "array", "object", "null")
"""In the order of their numbers, which Google's older SDKs write."""
_WITHOUT_MEANING = frozenset({"nullable", "propertyOrdering", "example"})


def read_schema(schema: Any) -> Schema:
    """Types in small letters, `nullable` as one more type, all names in camel case."""
    if not isinstance(schema, dict):
        return {}
    wire = {camel(name): value for name, value in schema.items()}
    read: Schema = {name: _value(name, value) for name, value in wire.items() if name not in _WITHOUT_MEANING}
    if read.get("type") == "type_unspecified":
        del read["type"]
    if wire.get("nullable") is True and "type" in read:
        read["type"] = [read["type"], "null"]
        if isinstance(read.get("enum"), list):
            read["enum"] = [*read["enum"], None]
    return read


def _value(name: str, value: Any) -> Any:
    match name:
        case "type" if isinstance(value, str):
            return value.lower()
        case "type" if type(value) is int and value in range(len(_TYPES)):
            return _TYPES[value]
        case "properties" | "defs" if isinstance(value, dict):
            return {key: read_schema(inner) for key, inner in value.items()}
        case "items" | "additionalProperties" if isinstance(value, dict):
            return read_schema(value)
        case "anyOf" | "oneOf" | "allOf" | "prefixItems" if isinstance(value, list):
            return [read_schema(inner) for inner in value]
        case _ if name in _NUMBERS and isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value[:18])
    return value
