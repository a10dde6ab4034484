"""Calls as the caller wanted them."""

import pytest

from earthward.chat import (
    Answer,
    Choice,
    Event,
    Finished,
    Part,
    Started,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from earthward.dialects.content.calls import Salvaging, is_first, only_first, salvaged, wrong_arguments

F = Tool("f", parameters={"properties": {"n": {"type": "integer"}}, "required": ["n"]})


def answer(*parts: Part, reason: str = "tool_calls") -> Answer:
    return Answer("r", "m", 5, (Choice(parts, reason),))  # type: ignore[arg-type]


def test_only_the_first_call_is_left() -> None:
    call = ToolCall("a", "f", "{}")
    assert only_first(answer(Text("x"), call, ToolCall("a", "f", "{}"), Text("y"))) == answer(
        Text("x"), call, Text("y")
    )
    assert only_first(answer(Text("x"))) == answer(Text("x"))
    events = [TextDelta("a"), ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}"), ToolCallStarted(1, "b", "f")]
    assert [is_first(event) for event in events] == [True, True, True, False]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (ToolCall("a", "f", '{"n":1}'), None),
        (ToolCall("a", "f", '{"n":"x"}'), "at $.n"),
        (ToolCall("a", "f", ""), "required"),
        (ToolCall("a", "f", "{"), "not JSON"),
        (ToolCall("a", "f", "[]"), "not of type 'object'"),
        (ToolCall("a", "g", "{}"), "no such tool"),
        (ToolCall("a", "run", "x", custom=True), None),
    ],
)
def test_gotcha_21_arguments_are_checked_against_the_tools_own_schema(call: ToolCall, words: str | None) -> None:
    found = wrong_arguments(answer(Text("x"), call), (F, Tool("run", kind="custom")))
    assert found is None if words is None else found is not None and words in found
    assert wrong_arguments(answer(call, reason="length"), (F,)) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"name":"f","arguments":{"n":1}}',
        '<tool_call>\n{"name": "f", "parameters": {"n": 1}}\n</tool_call>',
        '[{"name":"f","arguments":{"n":1}}]',
    ],
)
def test_gotcha_20_a_call_that_arrived_as_text_is_a_call(text: str) -> None:
    found = salvaged(answer(Text(text), reason="stop"), (F,))
    assert found == answer(ToolCall("call_r_0_0", "f", '{"n":1}'))


@pytest.mark.parametrize(
    "text",
    [
        *("", "Hi", "5", "[]", "{}", '{"name":"g","arguments":{}}', '{"name":"f","arguments":5}', '{"name":"f"}'),
        *('{"name":"f","arguments":{},"x":1}', 'Call {"name":"f","arguments":{}}', '[{"name":"f","arguments":{}},5]'),
    ],
)
def test_text_that_is_more_or_less_than_a_call_stays_text(text: str) -> None:
    given = answer(Text(text), reason="stop")
    assert salvaged(given, (F,)) == given


CALL = '{"name":"f","arguments":{"n":1}}'


def streamed(*events: Event) -> list[Event]:
    salvaging = Salvaging((F,), "x1")
    return [found for event in events for found in salvaging.feed(event)]


@pytest.mark.parametrize("started", [Started(None), Started("r")])
def test_gotcha_20_a_call_that_arrived_as_text_is_a_call_in_a_stream_cut_anywhere(started: Started) -> None:
    text = f"<tool_call>\n {CALL}</tool_call>"
    named = f"call_{started.id or 'x1'}_0_0"
    for at in range(len(text)):
        found = streamed(started, TextDelta(text[:at]), TextDelta(text[at:]), Finished("stop"))
        assert found == [
            started, ToolCallStarted(0, named, "f"), ToolCallDelta(0, '{"n":1}'), Finished("tool_calls")
        ]  # fmt: skip
        assert streamed(*map(TextDelta, text[:at])) == []


def test_text_of_a_stream_goes_on_at_once_where_it_can_be_no_call() -> None:
    for said in ("Hi", "[1, 2]", '{"city": "Oslo"}', "[link](x)", "<b>"):
        assert "".join(event.text for event in streamed(*map(TextDelta, said))) == said  # type: ignore[union-attr]
    assert streamed(TextDelta("Hi "), TextDelta(CALL)) == [TextDelta("Hi "), TextDelta(CALL)]


def test_text_that_begins_with_nothing_but_spaces_for_long_is_not_held_to_its_end() -> None:
    blank = " \n" * 60
    assert streamed(TextDelta(blank)) == [TextDelta(blank)]
    assert streamed(TextDelta(blank[:40]), TextDelta(CALL), Finished("stop"))[-1] == Finished("tool_calls")


def test_text_that_was_held_is_text_where_it_came_to_be_no_call() -> None:
    other = '{"name":"g","arguments":{}}'
    for end in (Finished("length"), Finished("stop", 0, "x")):
        said = CALL[:-1] if end.reason == "length" else other
        assert streamed(TextDelta(said), end) == [TextDelta(said), end]
    real = [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}")]
    assert streamed(TextDelta('{"name"'), *real) == [TextDelta('{"name"'), *real]
    both = streamed(TextDelta(CALL, 0), TextDelta("Hi", 1), Finished("stop", 1), Finished("stop", 0))
    assert [type(event) for event in both] == [TextDelta, Finished, ToolCallStarted, ToolCallDelta, Finished]
    assert both[2] == ToolCallStarted(0, "call_x1_0_0", "f", 0)


def test_an_answer_that_calls_or_was_cut_off_is_left_alone() -> None:
    text = Text('{"name":"f","arguments":{"n":1}}')
    for given in (answer(text, ToolCall("a", "f", "{}"), reason="stop"), answer(text, reason="length")):
        assert salvaged(given, (F,)) == given
