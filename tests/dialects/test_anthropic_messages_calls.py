"""Tool calls, both ways."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import ToolCall
from earthward.dialects.anthropic_messages.calls import is_whole_input, read_call, wire_call, wire_id


def test_an_input_keeps_the_spelling_of_its_numbers() -> None:
    assert b'"input":{"x": 1.50}' in msgspec.json.encode(wire_call(ToolCall("a", "f", '{"x": 1.50}')))


def test_no_input_is_an_empty_object() -> None:
    assert read_call("a", "f", None) == ToolCall("a", "f", "{}")
    assert wire_call(ToolCall("a", "f", ""))["input"] == {}


def test_free_text_is_not_taken_for_an_input() -> None:
    assert wire_call(ToolCall("a", "f", "{}", custom=True))["input"] == {"arguments": "{}"}


@pytest.mark.parametrize("arguments", ["", "{", "[]", "1", '{"x":nope}', '{"x":"\n"}', "{} {}"])
def test_only_an_object_is_a_whole_input(arguments: str) -> None:
    assert not is_whole_input(arguments)


@given(st.text(max_size=8), st.text(max_size=8))
def test_different_ids_stay_different_unless_made_to_look_alike(one: str, other: str) -> None:
    assert set(wire_id(one)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    if one != other and "_" not in one + other:
        assert wire_id(one) != wire_id(other)
