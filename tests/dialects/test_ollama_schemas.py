"""JSON Schemas made into what Ollama hands on to the model."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.ollama.schemas import is_weakened, repaired

KEPT = {"anyOf", "type", "items", "description", "enum", "properties", "required"}


def of_property(schema: Any, **root: Any) -> Any:
    return repaired({"type": "object", "properties": {"a": schema}, **root})["properties"]["a"]


@pytest.mark.parametrize(
    "parameters", [None, {}, {"type": "object"}, {"type": "string"}, {"properties": None}, {"anyOf": []}]
)
def test_parameters_are_always_an_object_with_properties(parameters: Any) -> None:
    assert repaired(parameters) == {"type": "object", "properties": {}}


def test_a_plain_schema_stays_as_it_is() -> None:
    plain = {
        "type": "object",
        "description": "Where.",
        "required": ["city"],
        "properties": {
            "city": {"type": "string", "description": "Its name."},
            "units": {"type": "string", "enum": ["c", "f"]},
            "days": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    }
    assert repaired(plain) == plain
    assert not is_weakened(plain)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        ({"const": True}, {"type": "boolean", "enum": [True]}),
        ({"const": None}, {"enum": [None]}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"oneOf": [{"type": "string"}], "description": "d"}, {"type": "string", "description": "d"}),
        (
            {"allOf": [{"properties": {"x": {}}, "required": ["x"]}, {"properties": {"y": {}}, "required": ["y"]}]},
            {"properties": {"x": {}, "y": {}}, "required": ["y", "x"]},
        ),
        ({"allOf": [{"type": "string"}], "description": "d"}, {"type": "string", "description": "d"}),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
        ),
        ({"type": "array", "items": [{"type": "string"}]}, {"type": "array", "items": {"type": "string"}}),
        (True, {}),
        ({"type": "string", "title": "A", "$comment": "c"}, {"type": "string"}),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
    ],
)
def test_what_is_lost_otherwise_is_said_in_words_that_are_kept(schema: Any, expected: Any) -> None:
    assert of_property(schema) == expected


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"minimum": 1, "maximum": 9}, "(minimum: 1; maximum: 9)"),
        ({"pattern": "^a$", "description": "Text."}, "Text. (pattern: ^a$)"),
        ({"format": "date-time"}, "(format: date-time)"),
        ({"default": {"x": [1]}}, '(default: {"x":[1]})'),
        ({"minLength": 2, "maxLength": 3, "default": "ab"}, "(minLength: 2; maxLength: 3; default: ab)"),
        ({"additionalProperties": {"type": "string"}}, '(additionalProperties: {"type":"string"})'),
    ],
)
def test_limits_are_told_in_the_description(limits: dict[str, Any], told: str) -> None:
    """Ollama #11444: the model invents arguments since it is never told their limits."""
    assert of_property({"type": "string", **limits}) == {"type": "string", "description": told}
    assert is_weakened({"properties": {"a": {"type": "string", **limits}}})


def test_references_are_put_in_place() -> None:
    """Ollama #8222."""
    definitions = {
        "City": {"type": "object", "properties": {"name": {"$ref": "#/$defs/Name"}}},
        "Name": {"type": "string"},
    }
    city = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert of_property({"$ref": "#/$defs/City"}, **{"$defs": definitions}) == city
    beside = of_property({"$ref": "#/definitions/Name", "description": "d"}, definitions=definitions)
    assert beside == {"type": "string", "description": "d"}
    assert "$defs" not in repaired({"$defs": definitions, "properties": {}})


@pytest.mark.parametrize("reference", ["#/$defs/Nowhere", "https://x/y.json", "#/properties/a/0/b", "#/required/0"])
def test_a_reference_that_leads_nowhere_is_any_value(reference: str) -> None:
    assert of_property({"$ref": reference, "description": "d"}, required=["a"]) == {"description": "d"}


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "value": {"type": "integer"}}}
    assert of_property({"$ref": "#/$defs/Node"}, **{"$defs": {"Node": node}}) == {
        "type": "object",
        "properties": {"next": {}, "value": {"type": "integer"}},
    }
    assert of_property({"$ref": "#"})["properties"]["a"] == {}


def test_a_property_may_be_named_like_a_keyword() -> None:
    named = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("title", "const", "$defs", "format")},
    }
    assert repaired(named) == named
    assert not is_weakened(named)


def test_references_cannot_make_a_small_schema_grow_without_bounds() -> None:
    definitions = {f"D{n}": {"properties": {x: {"$ref": f"#/$defs/D{n + 1}"} for x in "abcdefgh"}} for n in range(20)}
    with pytest.raises(Inexpressible):
        repaired({"$defs": definitions, "$ref": "#/$defs/D0"})


def test_a_long_chain_of_references_is_refused_and_does_not_fail() -> None:
    definitions = {f"D{n}": {"properties": {"a": {"$ref": f"#/$defs/D{n + 1}"}}} for n in range(900)}
    with pytest.raises(Inexpressible):
        repaired({"$defs": definitions, "$ref": "#/$defs/D0"})


def test_alternatives_at_the_top_become_one_object() -> None:
    by_name = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "x": {"type": "string"}},
        "required": ["x", "name"],
    }
    by_id = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "x": {"type": "integer"}},
        "required": ["x", "id"],
    }
    assert repaired({"oneOf": [by_name, by_id]}) == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "x": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "id": {"type": "integer"},
        },
        "required": ["x"],
    }


names = st.sampled_from(
    ["type", "properties", "items", "anyOf", "oneOf", "allOf", "$ref", "$defs", "const", "enum", "required", "nullable"]
)
odd = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["object", "#/$defs/a", "#", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names | st.sampled_from("ab"), inner, max_size=4),
    max_leaves=14,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(names, odd, max_size=5))
def test_no_schema_whatever_raises_anything_else_or_leaves_words_ollama_drops(schema: dict[str, Any]) -> None:
    is_weakened(schema)
    try:
        fixed = repaired(schema)
    except Inexpressible:
        return
    json.dumps(fixed)
    assert fixed["type"] == "object"
    assert isinstance(fixed["properties"], dict)
    for value in fixed["properties"].values():
        _assert_kept(value)


def _assert_kept(schema: dict[str, Any]) -> None:
    assert set(schema) <= KEPT
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *filter(None, [schema.get("items")])]
    for value in inner:
        _assert_kept(value)
