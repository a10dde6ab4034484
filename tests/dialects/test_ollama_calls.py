"""Tool calls, both ways."""

import json

import msgspec
import pytest

from earthward.chat import ToolCall
from earthward.dialects.ollama.calls import WireCall, WireFunction, object_in, read_call, wire_call


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({}, "{}"), (None, "{}"), ("", "{}"), ({"a": [1]}, '{"a":[1]}'), ('{"a": 1}', '{"a": 1}'), ("odd", "odd")],
)
def test_arguments_become_json_text(arguments: object, text: str) -> None:
    wire = msgspec.convert({"function": {"name": "f", "arguments": arguments}}, WireCall)
    assert read_call(wire, "invented") == ToolCall("invented", "f", text)


@pytest.mark.parametrize("arguments", [{"input": 1}, {"other": "x"}, "text"])
def test_a_custom_call_without_its_text_is_an_ordinary_call(arguments: object) -> None:
    wire = WireCall(msgspec.convert({"name": "run", "arguments": arguments}, WireFunction), "a")
    assert not read_call(wire, "", frozenset({"run"})).custom


@pytest.mark.parametrize(
    "text", ["", " ", "{}", '{"a": 1}', '{"a":{"b":[1.5,null]}}', '{"big": 123456789012345678901}']
)
def test_an_object_s_text_becomes_the_object(text: str) -> None:
    wire = wire_call(ToolCall("a", "f", text), 3)
    assert json.loads(msgspec.json.encode(wire))["function"] == {
        "index": 3,
        "name": "f",
        "arguments": json.loads(text if text.strip() else "{}"),
    }


@pytest.mark.parametrize("text", ["[", "[]", "null", '"x"', '{"a":', '{"a": 1e999}', "{" * 5000])
def test_other_text_is_no_object(text: str) -> None:
    assert object_in(text) is None


def test_a_function_with_an_argument_of_that_name_is_no_custom_tool() -> None:
    wire = WireCall(WireFunction("f", {"input": "x"}), "a")
    assert read_call(wire, "", frozenset({"run"})) == ToolCall("a", "f", '{"input":"x"}')
