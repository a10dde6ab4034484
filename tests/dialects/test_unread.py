"""What stands deep in a request and has no word is named by whoever can't say it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import ChatRequest, Failure
from earthward.dialects.fates import SPEAKERS, Speaker
from earthward.dialects.unread import Shape, shape_of, unread

SPOKEN = {speaker.name: speaker for speaker in SPEAKERS}


class _Outer(msgspec.Struct, rename="camel"):
    some_name: str


SHAPES = {"messages": Shape(None, {"content": shape_of(_Outer, more=("content",), someName=Shape(frozenset("a")))})}


def test_only_what_is_not_read_is_named_and_once() -> None:
    raw = {
        "messages": [
            {"rides": 1, "content": [{"someName": {"a": 1, "b": 2}, "later": {}}, {"later": 1}, {"later": 2}, "text"]},
            {"content": "text"},
        ],
        "later": 5,
    }
    assert unread(raw, SHAPES) == ("messages.b", "messages.later")


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_what_says_nothing_is_not_missed(nothing: Any) -> None:
    assert unread({"messages": [{"content": {"later": nothing}}]}, SHAPES) == ()


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "someName", "a", "b", "messages"]), inner, max_size=3)
    ),
)


@given(JSON)
def test_whatever_stands_there_can_be_looked_through(value: Any) -> None:
    found = unread({"messages": value}, SHAPES)
    assert len(set(found)) == len(found)
    assert all(name.startswith("messages.") for name in found)


def asked(dialect: str, wire: Any) -> ChatRequest:
    request = SPOKEN[dialect].read(json.dumps(wire).encode())
    assert isinstance(request, ChatRequest), request
    return request


def cited(**more: Any) -> ChatRequest:
    source = {"type": "text", "media_type": "text/plain", "data": "The sky is blue."}
    document = {"type": "document", "source": source, "title": "Sky", **more}
    content = [document, {"type": "text", "text": "Why?"}]
    wire = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": content}]}
    return asked("anthropic_messages", wire)


@pytest.mark.parametrize("target", SPEAKERS, ids=SPOKEN)
def test_that_a_document_was_to_be_cited_is_said_or_named(target: Speaker) -> None:
    wanted = cited(citations={"enabled": True})
    is_said = target.name == "anthropic_messages"
    assert ("messages.citations" in target.losses(wanted)) is not is_said
    assert (target.write(wanted) != target.write(cited())) is is_said
    assert "messages.citations" not in target.losses(cited(citations={"enabled": False}))


NO_TOOLS = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 9}


@pytest.mark.parametrize(
    "target", [it for it in SPEAKERS if not it.name.startswith("openai_c")], ids=lambda it: it.name
)
@pytest.mark.parametrize("choice", ["auto", "none", "required", {"type": "function", "function": {"name": "f"}}])
def test_a_choice_among_no_tools_is_said_or_named(target: Speaker, choice: Any) -> None:
    request = asked("openai_chat", {**NO_TOOLS, "tool_choice": choice, "parallel_tool_calls": True})
    written = target.write(request)
    assert isinstance(written, Failure) or b"tool_choice" in written or "tool_choice" in target.losses(request)
    assert (
        isinstance(written, Failure)
        or b"parallel_tool_calls" in written
        or "parallel_tool_calls" in target.losses(request)
    )


@pytest.mark.parametrize("target", [it for it in SPEAKERS if it.name != "openai_chat"], ids=lambda it: it.name)
def test_a_search_of_the_web_is_refused_where_it_can_not_be_asked_for(target: Speaker) -> None:
    refused = target.write(asked("openai_chat", {**NO_TOOLS, "web_search_options": {}}))
    assert isinstance(refused, Failure)
    assert refused.param == "web_search_options"
