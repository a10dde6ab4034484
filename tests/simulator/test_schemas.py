import pytest

from earthward.simulator.schemas import BadSchema, instance

NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
        }
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    ("schema", "smallest"),
    [
        ({"type": "string"}, "t0"),
        ({"type": "string", "minLength": 5}, "t0ttt"),
        ({"type": "string", "maxLength": 1}, "t"),
        ({"type": "string", "format": "date"}, "2025-01-01"),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5}, 10),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "number", "maximum": -2}, -2),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": ["null", "string"]}, "t0"),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 5}, 5),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        (
            {"type": "array", "prefixItems": [{"type": "boolean"}], "minItems": 2, "items": {"type": "null"}},
            [False, None],
        ),
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}, {"a": 0}),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 0}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"allOf": [{"required": ["a"]}, {"properties": {"a": {"const": 1}}}, {"required": ["b"]}]}, {"a": 1, "b": {}}),
        ({}, {}),
    ],
)
def test_the_instance_is_the_smallest_the_schema_allows(schema, smallest):
    assert instance(schema) == smallest


def test_a_schema_that_holds_itself_comes_to_an_end():
    found = instance(NODE)
    depth = 0
    while found is not None:
        assert found["value"] == 0
        found, depth = found["next"], depth + 1
    assert depth < 20


def test_a_reference_to_nothing_is_null():
    assert instance({"$ref": "#/$defs/nowhere"}) is None


def test_parts_that_are_merged_leave_the_schema_as_it_was():
    part = {"properties": {"a": {"const": 1}}, "required": ["a"]}
    schema = {"allOf": [part, {"properties": {"b": {"const": 2}}, "required": ["b"]}]}
    assert instance(schema) == {"a": 1, "b": 2} == instance(schema)
    assert part == {"properties": {"a": {"const": 1}}, "required": ["a"]}


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": []},
        {"anyOf": []},
        {"allOf": 5},
        {"allOf": [5]},
        {"$ref": 5},
        {"type": {}},
        {"format": []},
        {"properties": 5, "required": ["a"]},
        {"properties": {}, "required": [[]]},
        {"type": "number", "minimum": "a"},
        {"type": "string", "minLength": "a"},
        {"type": "array", "minItems": None},
    ],
)
def test_a_schema_that_is_none_is_told_apart(schema):
    with pytest.raises(BadSchema):
        instance(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 10_000},
        {"type": "string", "minLength": 10**12},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"type": "array", "minItems": 5000, "items": {"type": "array", "minItems": 5000}},
        {"type": "array", "minItems": 9000, "items": {"const": "x" * 1000}},
        {
            "type": "array",
            "minItems": 9000,
            "items": {"type": "string", "minLength": -(10**12)},
            "prefixItems": [[]] * 1001,
        },
        {"allOf": [{}] * 10_001},
    ],
)
def test_a_schema_that_asks_for_more_than_an_answer_holds_is_refused(schema):
    with pytest.raises(BadSchema, match="larger than"):
        instance(schema)
