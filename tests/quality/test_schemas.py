import socket

import pytest

from earthward.quality.schemas import Unfollowable, problem_of

DRAFT = "http://json-schema.org/draft-07/schema#"
EVIL = "^(a+)+$"
ALMOST = "a" * 60 + "!"


@pytest.mark.parametrize(
    ("schema", "value", "is_good"),
    [
        (True, 1, True),
        (False, 1, False),
        ({"type": "integer"}, 1, True),
        ({"type": "integer"}, "1", False),
        ({"pattern": "^b+$"}, "bbb", True),
        ({"pattern": "b"}, "abc", True),
        ({"pattern": "^b+$"}, "abc", False),
        ({"pattern": "^b+$"}, 7, True),
        ({"patternProperties": {"^n_": {"type": "integer"}}}, {"n_a": 1, "m": "x"}, True),
        ({"patternProperties": {"^n_": {"type": "integer"}}}, {"n_a": "x"}, False),
        ({"patternProperties": {"^n_": {}}, "additionalProperties": False}, {"n_a": 1}, True),
        ({"patternProperties": {"^n_": {}}, "additionalProperties": False}, {"a": 1}, False),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, {"a": "x", "b": 1}, True),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, {"a": "x", "b": "x"}, False),
        ({"uniqueItems": True}, [1, True, [1], {"a": 1}, {"a": 2}], True),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], False),
        ({"uniqueItems": False}, [1, 1], True),
        ({"enum": [1.0, "x"]}, 1, True),
        ({"enum": [1, "x"]}, True, False),
        ({"const": {"a": [1]}}, {"a": [1]}, True),
        ({"const": None}, 0, False),
        ({"properties": {"$schema": {"type": "string"}}, "additionalProperties": False}, {"$schema": "x"}, True),
        (
            {"$id": "urn:tree", "properties": {"c": {"items": {"$ref": "#"}}}, "required": ["c"]},
            {"c": [{"c": []}]},
            True,
        ),
        ({"$id": "urn:tree", "properties": {"c": {"items": {"$ref": "#"}}}, "required": ["c"]}, {"c": [{}]}, False),
        ({"$schema": DRAFT, "$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}, [1, "x"], False),
        ({"$schema": DRAFT, "properties": {"c": {"$ref": "#"}}, "pattern": EVIL}, {"c": ALMOST}, False),
        ({"pattern": EVIL}, ALMOST, False),
        ({"patternProperties": {EVIL: False}}, {ALMOST: 1}, True),
    ],
)
def test_a_value_is_as_its_schema_says_or_not(schema, value, is_good):
    assert (problem_of(schema, value) is None) == is_good


DOUBLING = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)}
MANY = [f"a{i}" for i in range(20_000)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"$ref": "#"}, 1, id="circle"),
        pytest.param({"$ref": "#/$defs/a0", "$defs": {**DOUBLING, "a40": True}}, 1, id="doubling"),
        pytest.param({"allOf": [{"type": "integer"}] * 50_000}, 1, id="many"),
        pytest.param(
            {"$defs": {"r": {"required": MANY}}, "allOf": [{"$ref": "#/$defs/r"}] * 5_000},
            dict.fromkeys(MANY),
            id="names",
        ),
        pytest.param({"anyOf": [{"type": "string"}] * 60}, {"a": "x" * 900_000}, id="long words of errors"),
        pytest.param({"$defs": {"c": {"const": MANY}}, "allOf": [{"$ref": "#/$defs/c"}] * 5_000}, MANY, id="constants"),
        pytest.param({"allOf": [{"pattern": "a.*b.*c"}] * 5_000}, "abcd" * 200_000, id="patterns"),
        pytest.param({"patternProperties": {f"{it}.": {} for it in MANY}}, dict.fromkeys(MANY), id="names by patterns"),
        pytest.param({"contains": {"contains": {"contains": {"const": 5}}}}, [[[1] * 100] * 100] * 100, id="within"),
        pytest.param({"pattern": "(a{1000}){1000}"}, "a", id="a large pattern"),
        pytest.param({"pattern": "^(?=a)a"}, "a", id="look-around"),
        pytest.param({"allOf": [{"$schema": DRAFT, "pattern": EVIL}]}, ALMOST, id="another draft within"),
        pytest.param({"items": {"$id": "urn:x", "type": "integer"}}, [1], id="a name within"),
        pytest.param({"$schema": "http://json-schema.org/draft-04/schema#", "pattern": EVIL}, ALMOST, id="old"),
        pytest.param({"type": "integr"}, 1, id="no such type"),
        pytest.param({"required": True}, {}, id="nonsense"),
    ],
)
def test_what_would_take_too_long_or_can_t_be_told_says_nothing(schema, value):
    with pytest.raises(Unfollowable):
        problem_of(schema, value)


def test_a_deep_schema_says_nothing():
    deep: dict = {}
    for _ in range(100_000):
        deep = {"not": deep}
    with pytest.raises(Unfollowable):
        problem_of(deep, 1)


@pytest.mark.parametrize(
    ("keyword", "draft"),
    [
        ("$ref", "https://json-schema.org/draft/2020-12/schema"),
        ("$dynamicRef", "https://json-schema.org/draft/2020-12/schema"),
        ("$recursiveRef", "https://json-schema.org/draft/2019-09/schema"),
    ],
)
def test_nothing_is_fetched_nor_read_whatever_a_reference_names(tmp_path, keyword, draft):
    file = tmp_path / "schema.json"
    file.write_text('{"type": "integer"}')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        for name in (f"http://127.0.0.1:{server.getsockname()[1]}/x", file.as_uri()):
            with pytest.raises(Unfollowable):
                problem_of({"$schema": draft, keyword: name}, "x")
        with pytest.raises(BlockingIOError):
            server.accept()


def test_each_value_has_all_steps_to_itself():
    schema, value = {"items": {"type": "integer"}}, [1] * 20_000
    for _ in range(3):
        assert problem_of(schema, value) is None
