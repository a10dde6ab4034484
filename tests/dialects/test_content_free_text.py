"""Tools that take free text, where tools take objects alone: offered as functions, and called as what they are."""

import json
from typing import Any

import pytest

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Event,
    Finished,
    Message,
    Role,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolResult,
)
from earthward.dialects import anthropic_messages, gemini
from earthward.dialects.content.fitting import Fitted, fitted, restored, restoring
from earthward.dialects.content.free_text import as_functions, text_in
from earthward.dialects.content.lacks import Lack

LACKS: frozenset[Lack] = frozenset({"free_text", "parallel"})
PATCH = Tool("patch", "Changes files.", kind="custom", rest={"format": {"syntax": "lark", "definition": "start: A"}})
F = Tool("f", parameters={"type": "object"})
TEXT = '*** Begin "Patch"\n+\u00e9\n'
HISTORY = (
    Message(Role.USER, (Text("Go"),)),
    Message(Role.ASSISTANT, (ToolCall("1", "patch", TEXT, custom=True), ToolCall("2", "f", "{}"))),
    Message(Role.TOOL, (ToolResult("1", (Text("done"),)), ToolResult("2", (Text("done"),)))),
)


def asked(**fields: Any) -> ChatRequest:
    return ChatRequest("m", HISTORY, **{"tools": (PATCH, F), **fields})


def fit(request: ChatRequest) -> Fitted:
    found = fitted(request, LACKS)
    assert isinstance(found, Fitted)
    return found


def test_they_are_offered_as_functions_with_one_string_and_their_grammar_in_words() -> None:
    sent = fit(asked()).sent
    assert sent.tools[0].kind == "function"
    assert list((sent.tools[0].parameters or {})["properties"]) == ["input"]
    assert sent.tools[0].description == "Changes files.\n\n`input` must follow this grammar (lark):\nstart: A"
    assert sent.tools[1] == F
    chat_s = Tool("patch", kind="custom", rest={"format": {"type": "grammar", "grammar": {"definition": "B"}}})
    described = as_functions(asked(tools=(chat_s,))).tools[0].description
    assert described == "`input` must follow this grammar (this):\nB"
    plain = Tool("patch", "Any.", kind="custom", rest={"format": {"type": "text"}})
    assert as_functions(asked(tools=(plain,))).tools[0].description == "Any."


def test_calls_in_the_conversation_are_those_of_functions() -> None:
    patched, other = fit(asked()).sent.messages[1].parts
    assert isinstance(patched, ToolCall)
    assert (json.loads(patched.arguments), patched.custom) == ({"input": TEXT}, False)
    assert other == ToolCall("2", "f", "{}")
    assert fit(asked(tools=())).sent.messages[1].parts[0] == patched, "also where none is offered any more"


def test_where_nothing_takes_free_text_nothing_changes() -> None:
    request = ChatRequest("m", HISTORY[:1], tools=(F,))
    assert fit(request).sent is request
    assert restoring(fit(request)) is None
    unlacking = fitted(asked(), frozenset())
    assert isinstance(unlacking, Fitted)
    assert unlacking.sent.tools == (PATCH, F)


def test_what_is_made_up_for_is_named_once_and_for_what_it_is() -> None:
    assert fit(asked(parallel_tool_calls=False)).made_up == ("tools", "parallel_tool_calls")
    without_tools = fit(asked(tools=(), parallel_tool_calls=False))
    assert (without_tools.made_up, without_tools.one_call) == (("tools",), False)
    in_words = fitted(asked(), frozenset({"free_text", "tools"}))
    assert isinstance(in_words, Fitted)
    assert (in_words.made_up, in_words.in_words) == (("tools",), True)


@pytest.mark.parametrize("write", [anthropic_messages.write_request, gemini.write_request])
def test_vendors_that_know_none_can_be_told(write: Any) -> None:
    assert not isinstance(write(asked()), bytes)
    assert isinstance(write(fit(asked()).sent), bytes)


def test_the_answer_has_the_text_again() -> None:
    called = ToolCall("3", "patch", json.dumps({"input": TEXT}))
    other = ToolCall("4", "f", '{"input": "x"}')
    found, wrong = restored(fit(asked()), Answer("a", "m", 0, (Choice((Text("So"), called, other), "tool_calls"),)))
    assert wrong is None
    assert isinstance(found, Answer)
    assert found.choices[0].parts == (Text("So"), ToolCall("3", "patch", TEXT, custom=True), other)


def test_a_stream_has_the_text_again_however_its_pieces_are_cut() -> None:
    written = json.dumps({"input": TEXT})
    for size in range(1, len(written) + 1):
        pieces = [written[start : start + size] for start in range(0, len(written), size)]
        restore = restoring(fit(asked()))
        assert restore is not None
        events: list[Event] = [
            TextDelta("So"),
            ToolCallStarted(0, "3", "patch"),
            ToolCallStarted(1, "4", "f"),
            *(ToolCallDelta(0, piece) for piece in pieces),
            ToolCallDelta(1, "{}"),
            Finished("tool_calls"),
        ]
        assert [found for event in events for found in restore.feed(event)] == [
            TextDelta("So"),
            ToolCallStarted(0, "3", "patch", custom=True),
            ToolCallStarted(1, "4", "f"),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, TEXT),
            Finished("tool_calls"),
        ]


def test_several_answers_keep_their_calls_apart() -> None:
    restore = restoring(fit(asked()))
    assert restore is not None
    events: list[Event] = [
        ToolCallStarted(0, "3", "patch", 0),
        ToolCallStarted(0, "4", "patch", 1),
        ToolCallDelta(0, '{"input": "a"}', 0),
        ToolCallDelta(0, '{"input": "b"}', 1),
        Finished("tool_calls", 1),
        Finished("tool_calls", 0),
    ]
    found = [each for event in events for each in restore.feed(event) if isinstance(each, ToolCallDelta)]
    assert found == [ToolCallDelta(0, "b", 1), ToolCallDelta(0, "a", 0)]


@pytest.mark.parametrize("arguments", ['{"input": "brok', '{"input": 5}', '{"text": "x"}', "[1]", ""])
def test_what_has_another_form_is_passed_on_as_it_is(arguments: str) -> None:
    assert text_in(arguments) == arguments
