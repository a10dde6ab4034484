"""Tool calls as they stand in a message."""

import pytest

from earthward.chat import ToolCall
from earthward.dialects.openai_chat.calls import (
    WireCall,
    WireCustom,
    WireFunction,
    arguments_text,
    read_call,
    wire_call,
)


def test_a_call_without_an_id_gets_the_one_invented_for_it() -> None:
    assert read_call(WireCall(function=WireFunction("f", "{}")), "call_0") == ToolCall("call_0", "f", "{}")
    assert read_call(WireCall(id="", function=WireFunction("f")), "call_0").id == "call_0"
    assert read_call(WireCall(id="a", function=WireFunction("f")), "call_0").id == "a"


def test_arguments_given_as_an_object_become_its_json_text() -> None:
    assert arguments_text({"city": "Århus"}) == '{"city":"Århus"}'
    assert arguments_text('{"city":') == '{"city":'
    assert arguments_text(None) == ""


def test_a_custom_call_is_free_text() -> None:
    call = read_call(WireCall(id="a", custom=WireCustom("run", "1+1")), "")
    assert call == ToolCall("a", "run", "1+1", custom=True)
    assert wire_call(call) == {"id": "a", "type": "custom", "custom": {"name": "run", "input": "1+1"}}


def test_a_call_of_neither_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither"):
        read_call(WireCall(id="a", type="web"), "")


def test_arguments_that_are_empty_are_written_as_an_empty_object() -> None:
    assert wire_call(ToolCall("a", "f", ""))["function"] == {"name": "f", "arguments": "{}"}
