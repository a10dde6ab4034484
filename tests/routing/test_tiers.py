import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import Audio, ChatRequest, Document, Image, Message, Role, Text, Tool, ToolCall, ToolResult
from earthward.chat.request import OutputFormat, Reasoning
from earthward.config.snapshot import Shown, Target
from earthward.routing.tiers import (
    IMAGE,
    Need,
    allocated,
    asked_for,
    contexts,
    least,
    most,
    next_after,
    size_of,
)

TIERED = Target("t", "gpus", "llama3", "local", context=32768, tiers=(4096, 16384, 32768))
PLAIN = Target("t", "gpus", "llama3", "local", context=8192)
UNSTATED = Target("t", "gpus", "llama3", "local")
SMALL = Target("t", "gpus", "llama3", "local", context=32768, tiers=(4096, 32768), shown=Shown("llama3", context=8192))


def chat(*parts: object, **fields: object) -> ChatRequest:
    return ChatRequest("m", (Message(Role.USER, parts),), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompt", "answer", "context"),
    [(100, 100, 4096), (3000, 1096, 4096), (3000, 1097, 16384), (20_000, 500, 32768), (20_000, 64_000, 32768)],
)
def test_the_least_that_holds_prompt_and_answer_or_the_greatest(prompt: int, answer: int, context: int) -> None:
    assert least(TIERED, Need(prompt, answer)) == context


def test_before_anybody_asks_the_least_is_enough() -> None:
    assert (least(TIERED), least(PLAIN), least(UNSTATED)) == (4096, 8192, None)
    assert (contexts(PLAIN), contexts(UNSTATED)) == ((8192,), ())


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_who_needs_more_never_gets_less(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert (least(TIERED, Need(less, 0)) or 0) <= (least(TIERED, Need(more, 0)) or 0)


def test_after_a_refusal_it_is_what_holds_the_length_that_was_told_or_the_greatest() -> None:
    told = "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it"
    assert next_after(TIERED, 4096, told) == 16384
    assert next_after(TIERED, 4096, told.replace("9000", "20000")) == 32768
    assert next_after(TIERED, 4096, told.replace("9000", "99000")) is None
    assert next_after(TIERED, 4096, told, answer=8000) == 32768
    assert next_after(TIERED, 4096, told, answer=99_000) == 32768
    assert next_after(TIERED, 4096, "too long") == 32768
    assert next_after(TIERED, 20_000, "too long") == 32768
    assert next_after(TIERED, 32768, told) is None
    assert next_after(PLAIN, 8192, told) is None


def test_no_host_has_more_than_the_model_was_made_for() -> None:
    assert [allocated(SMALL, size) for size in (4096, 32768, None)] == [4096, 8192, 0]
    assert (most(SMALL), most(TIERED), most(UNSTATED)) == (8192, 32768, 0)
    assert most(Target("t", "gpus", "llama3", "local", context=4096, widest=16384)) == 16384


def test_a_host_is_asked_for_what_it_was_asked_for_before() -> None:
    assert asked_for(SMALL, 8192) == 32768, "it has less than it was asked for, and would load anew for other words"
    assert asked_for(SMALL, 4096) == 4096
    assert asked_for(TIERED, 20_000) == 20_000


def test_all_that_is_told_in_words_is_counted() -> None:
    size = size_of(
        chat(
            Text("four"),
            Reasoning("hm"),
            Document(text="text"),
            ToolCall("1", "look", "{}"),
            ToolResult("1", (Text("seen"), Image(data="AAAA"))),
            Image(url="http://x"),
            Audio("wav", "A" * 5000),
        )
    )
    assert (size.characters, size.messages, size.tokens) == (4 + 2 + 4 + 6 + 4, 1, 2 * IMAGE + 5)


def test_tools_and_the_form_of_the_answer_are_counted() -> None:
    bare = size_of(chat(Text("hi"))).characters
    assert bare == 2
    tool = Tool("look", "Look around.", {"type": "object", "properties": {"where": {"type": "string"}}})
    assert size_of(chat(Text("hi"), tools=(tool,))).characters > bare + 60
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert size_of(chat(Text("hi"), output=OutputFormat("json", schema))).characters > bare + 40
