"""Values held to schemas of callers, some of whom mean harm."""

from typing import Any

import pytest

from earthward.dialects.content.schemas import mismatch

DRAFT = "http://json-schema.org/draft-07/schema#"
EVIL = "^(a+)+$"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        (CITY, {"city": "Oslo"}, None),
        (CITY, {}, "'city' is a required property"),
        (CITY, {"city": 5}, "at $.city: 5 is not of type 'string'"),
        (CITY, {"city": "Oslo", "land": "Norway"}, "'land' is not one of the known properties"),
        ({"type": "array", "items": {"enum": [1, 2]}}, [1, 3], "at $[1]: 3 is not one of [1, 2]"),
        ({"additionalProperties": {"type": "integer"}}, {"a": "x"}, "at $.a: 'x' is not of type 'integer'"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, 5, "5 is not of type 'string'"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, None),
        ({"$schema": DRAFT, "items": {"type": "string"}}, [5], "5 is not of type 'string'"),
        ({"properties": {"$schema": {"type": "string"}}}, {"$schema": 5}, "5 is not of type 'string'"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "its items are not all different"),
        ({"uniqueItems": True}, [{"a": number} for number in range(50_000)], None),
        ({"uniqueItems": False}, [1, 1], None),
    ],
)
def test_what_is_wrong_is_said_with_its_place(schema: Any, value: Any, words: str | None) -> None:
    found = mismatch(schema, value)
    assert found is None if words is None else found is not None and words in found


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^(a+)+$"},
        {"patternProperties": {"^(a+)+$": {"type": "integer"}}, "additionalProperties": False},
        {"$ref": "http://127.0.0.1:1/schema"},
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "#"}}},
        {"$dynamicRef": "#x"},
        {"type": "nonsense"},
        {"type": 5},
        {"properties": 5},
        {"required": 5},
        {"items": 5},
        {"enum": 5},
        {"anyOf": 5},
        {"multipleOf": 0},
        {"format": "regex"},
        {"$schema": DRAFT, "pattern": EVIL, "propertyNames": {"$schema": DRAFT, "pattern": EVIL}},
        {"allOf": [{"$schema": DRAFT, "pattern": EVIL}]},
    ],
)
@pytest.mark.parametrize("value", ["a" * 40 + "!", {"a" * 40 + "!": 1}, [1], 5, 10**400, None])
def test_a_schema_that_makes_no_sense_or_means_harm_holds_nobody_to_it(schema: Any, value: Any) -> None:
    found = mismatch(schema, value)
    assert found is None or isinstance(found, str)


def test_a_schema_that_doubles_with_every_reference_is_given_up() -> None:
    steps = {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}, {"$ref": f"#/$defs/{n + 1}"}]} for n in range(60)}
    assert mismatch({"$ref": "#/$defs/0", "$defs": {**steps, "60": {"type": "string"}}}, 5) is None


def test_what_is_said_is_bounded() -> None:
    assert len(mismatch({"type": "string"}, ["x" * 100] * 1000) or "") < 400
