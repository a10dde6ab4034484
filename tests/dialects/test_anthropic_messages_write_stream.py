"""Events written as a stream: in the grammar Anthropic's clients expect, and so that they read back."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Answer,
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    FinishReason,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    collect,
)
from earthward.dialects import sse
from earthward.dialects.anthropic_messages import StreamReader, StreamWriter

USAGE = Usage(Count.reported(119), Count.reported(10), Count.reported(100), Count.reported(7), Count.reported(2))
HELLO: list[Event] = [Started("up-1", "up", 5), TextDelta("Hello"), UsageReported(USAGE), Finished("stop")]


def write(events: Sequence[Event], input_tokens: int = 0) -> bytes:
    writer = StreamWriter("asked-for", "msg_1", input_tokens)
    return b"".join([writer.write(event) for event in events]) + writer.end()


def payloads(stream: bytes) -> list[Any]:
    reader = sse.Reader()
    events = reader.feed(stream)
    assert reader.end() is None
    documents = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == [document["type"] for document in documents]
    return documents


def outline(stream: bytes) -> list[Any]:
    """What happens to the blocks, in short."""
    short = []
    for event in payloads(stream)[1:-2]:
        match event:
            case {"type": "content_block_start", "index": index, "content_block": block}:
                short.append((index, block["type"]))
            case {"type": "content_block_delta", "index": index, "delta": delta}:
                kind, said = delta.values()
                short.append((index, kind, said))
            case {"type": "content_block_stop", "index": index}:
                short.append((index, "stop"))
    return short


def read(stream: bytes) -> Answer:
    reader = StreamReader()
    answer = collect([*reader.feed(stream), *reader.end()])
    assert isinstance(answer, Answer), answer
    return answer


def call(number: int, *pieces: str, name: str = "f") -> list[Event]:
    return [ToolCallStarted(number, f"toolu_{number}", name), *(ToolCallDelta(number, piece) for piece in pieces)]


def test_a_stream_has_every_event_of_the_grammar_in_its_place() -> None:
    assert payloads(write(HELLO, input_tokens=42)) == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "asked-for",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 42, "output_tokens": 0},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {
                "input_tokens": 12,
                "cache_creation_input_tokens": 7,
                "cache_read_input_tokens": 100,
                "output_tokens": 10,
                "output_tokens_details": {"thinking_tokens": 2},
            },
        },
        {"type": "message_stop"},
    ]


def test_usage_may_come_before_or_after_the_end() -> None:
    assert write([*HELLO[:2], HELLO[3], HELLO[2]]) == write(HELLO)


def test_usage_that_is_not_known_is_a_count_of_zero_as_there_must_be_one() -> None:
    assert payloads(write([Started(), Finished("stop")]))[-2]["usage"] == {"output_tokens": 0}


def test_blocks_follow_one_another() -> None:
    events = [ReasoningDelta("H"), ReasoningDelta("m", signature="EqQB"), TextDelta("Hi"), *call(0, '{"x":', "1}")]
    assert outline(write([Started(), *events, *call(1), TextDelta("!"), Finished("tool_calls")])) == [
        (0, "thinking"),
        (0, "thinking_delta", "H"),
        (0, "thinking_delta", "m"),
        (0, "signature_delta", "EqQB"),
        (0, "stop"),
        (1, "text"),
        (1, "text_delta", "Hi"),
        (1, "stop"),
        (2, "tool_use"),
        (2, "input_json_delta", '{"x":'),
        (2, "input_json_delta", "1}"),
        (2, "stop"),
        (3, "tool_use"),
        (3, "input_json_delta", "{}"),
        (3, "stop"),
        (4, "text"),
        (4, "text_delta", "!"),
        (4, "stop"),
    ]


def test_thinking_that_nobody_signed_ends_with_an_empty_signature() -> None:
    stream = write([Started(), ReasoningDelta("Hm"), TextDelta("Hi"), Finished("stop")])
    assert outline(stream)[2] == (0, "signature_delta", "")


def test_thinking_after_a_signature_is_a_block_of_its_own() -> None:
    events = [ReasoningDelta("a", signature="s"), ReasoningDelta("b"), ReasoningDelta("", signature="t")]
    stream = write([Started(), *events, Finished("stop")])
    assert read(stream).choices[0].parts == (Reasoning("a", "s"), Reasoning("b", "t"))
    assert [step for step in outline(stream) if len(step) == 2] == [
        (0, "thinking"),
        (0, "stop"),
        (1, "thinking"),
        (1, "stop"),
    ]


def test_thinking_of_which_only_the_signature_is_shown_is_written() -> None:
    stream = write([Started(), ReasoningDelta("", signature="s"), Finished("stop")])
    assert outline(stream) == [(0, "thinking"), (0, "signature_delta", "s"), (0, "stop")]


def test_litellm_34692_an_empty_answer_has_no_block_at_all() -> None:
    events = [Started(), TextDelta(""), ReasoningDelta(""), RefusalDelta(""), Finished("stop")]
    assert outline(write(events)) == []


def test_litellm_33678_every_block_has_an_index_of_its_own() -> None:
    starts = [step[0] for step in outline(write([Started(), *call(0, "{}"), *call(1, "{}"), Finished("tool_calls")]))]
    assert starts == [0, 0, 0, 1, 1, 1]


def test_litellm_33224_a_message_begins_once() -> None:
    stream = write([Started(), TextDelta("a"), Started(), TextDelta("b"), Finished("stop")])
    assert [event["type"] for event in payloads(stream)].count("message_start") == 1
    assert len(outline(stream)) == 4


def test_litellm_35663_a_stream_that_calls_a_tool_says_so_at_its_end() -> None:
    stream = write([Started(), *call(0, "{}"), Finished("tool_calls")])
    assert payloads(stream)[-2]["delta"]["stop_reason"] == "tool_use"


def test_an_answer_begins_though_nobody_said_so() -> None:
    assert write(HELLO[1:]) == write(HELLO)


# Arguments that come interleaved.


def test_a_call_begun_before_the_one_before_it_is_whole_waits() -> None:
    writer = StreamWriter("m", "msg_1")
    first, second = call(0, '{"x":', "1}"), call(1, '{"y":', "2}")
    for event in (Started(), first[0], first[1]):
        assert writer.write(event)
    assert writer.write(second[0]) == b""
    assert writer.write(second[1]) == b""
    caught_up = writer.write(first[2])
    assert caught_up.count(b"content_block_start") == 2  # its name and its type
    assert caught_up.endswith(b'"partial_json":"{\\"y\\":"}}\n\n')
    assert writer.write(second[2])


@pytest.mark.parametrize("order", [(0, 1, 0, 1), (0, 1, 1, 0), (0, 0, 1, 1), (1, 0, 1, 0)])
def test_interleaved_arguments_come_out_whole(order: tuple[int, ...]) -> None:
    pieces = {0: iter(['{"x":', "1}"]), 1: iter(['{"y":', "2}"])}
    deltas = [ToolCallDelta(number, next(pieces[number])) for number in order]
    events = [Started(), *call(0), *call(1), TextDelta("!"), *deltas, Finished("tool_calls")]
    assert read(write(events)).choices[0].parts == (
        ToolCall("toolu_0", "f", '{"x":1}'),
        ToolCall("toolu_1", "f", '{"y":2}'),
        Text("!"),
    )


def test_what_waits_for_arguments_that_never_become_whole_is_written_at_the_end() -> None:
    events = [Started(), *call(0, '{"x":'), *call(1, "{"), TextDelta("!"), Finished("length")]
    stream = write(events)
    assert [step for step in outline(stream) if len(step) == 2] == [
        (0, "tool_use"),
        (0, "stop"),
        (1, "tool_use"),
        (1, "stop"),
        (2, "text"),
        (2, "stop"),
    ]
    assert read(stream).choices[0].reason == "length"


def test_arguments_for_a_call_that_is_closed_are_left_out() -> None:
    events = [Started(), *call(0, "{}"), *call(1, "{}"), ToolCallDelta(0, " "), Finished("tool_calls")]
    assert read(write(events)).choices[0].parts == (ToolCall("toolu_0", "f", "{}"), ToolCall("toolu_1", "f", "{}"))


def test_ids_are_written_in_letters_that_anthropic_takes() -> None:
    stream = write([Started(), ToolCallStarted(0, "functions.f:0", "f"), Finished("tool_calls")])
    assert payloads(stream)[1]["content_block"]["id"] == "functions_2e_f_3a_0"


# How answers end.


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("context", "model_context_window_exceeded"),
        ("tool_calls", "tool_use"),
        ("filtered", "refusal"),
        ("paused", "pause_turn"),
    ],
)
def test_every_reason_has_a_word_here(reason: FinishReason, word: str) -> None:
    assert payloads(write([Started(), Finished(reason)]))[-2]["delta"]["stop_reason"] == word


def test_the_stop_sequence_that_was_hit_is_named() -> None:
    delta = payloads(write([Started(), Finished("stop_sequence", stop_sequence="END")]))[-2]["delta"]
    assert delta == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


def test_a_refusal_is_text_and_the_reason_says_what_it_is() -> None:
    stream = write([Started(), RefusalDelta("No."), Finished("stop")])
    assert outline(stream)[1] == (0, "text_delta", "No.")
    assert payloads(stream)[-2]["delta"]["stop_reason"] == "refusal"


@pytest.mark.parametrize("events", [[], [Started()], [Started(), TextDelta("Hel")], [Started(), *call(0, "{")]])
def test_an_answer_that_was_never_finished_ends_in_an_error_and_not_in_message_stop(events: list[Event]) -> None:
    stream = write(events)
    assert payloads(stream)[-1]["error"]["details"] == {"error_code": "upstream_broken_stream"}
    assert b"message_stop" not in stream


def test_nothing_comes_after_a_failure() -> None:
    failed = Failed(Failure(FailureKind.OVERLOADED, "it stopped"))
    stream = write([Started(), TextDelta("Hel"), failed, TextDelta("lo"), Finished("stop")])
    assert payloads(stream)[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "it stopped"}}
    assert b'"lo"' not in stream


def test_other_answers_than_the_first_are_left_out() -> None:
    events = [TextDelta("b", 1), ReasoningDelta("c", 1), ToolCallStarted(0, "x", "f", 1), ToolCallDelta(0, "{}", 1)]
    with_others = [*HELLO[:2], *events, RefusalDelta("d", 1), Finished("length", 1), *HELLO[2:]]
    assert write(with_others) == write(HELLO)


texts = st.text(min_size=1)
names = st.text("abc_", min_size=1, max_size=5)


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """One answer's events as a target might send them, with nothing in it that this dialect cannot say."""
    events: list[Event] = [Started("msg_1", "asked-for")]
    calls: list[list[str]] = []
    for kind in draw(st.lists(st.sampled_from("trscaaa"), max_size=14)):
        if kind == "t":
            events.append(TextDelta(draw(texts)))
        elif kind in "rs":
            events.append(ReasoningDelta(draw(texts), signature="sig" if kind == "s" else None))
        elif kind == "c":
            text = json.dumps(draw(st.dictionaries(names, st.text() | st.integers(), max_size=2)))
            cut = draw(st.integers(0, len(text)))
            events.append(ToolCallStarted(len(calls), f"toolu_{len(calls)}", draw(names)))
            calls.append([piece for piece in (text[:cut], text[cut:]) if piece])
        elif left := [number for number, pieces in enumerate(calls) if pieces]:
            number = draw(st.sampled_from(left))
            events.append(ToolCallDelta(number, calls[number].pop(0)))
    for number, pieces in enumerate(calls):
        events += [ToolCallDelta(number, piece) for piece in pieces]
    reasons: list[FinishReason] = ["length", "filtered", "tool_calls" if calls else "stop"]
    return [*events, UsageReported(USAGE), Finished(draw(st.sampled_from(reasons)))]


@settings(max_examples=150, deadline=None)
@given(events=event_lists())
def test_events_written_read_back_as_the_same_answer(events: list[Event]) -> None:
    assert read(write(events)) == collect(events)


@settings(max_examples=150, deadline=None)
@given(events=event_lists())
def test_blocks_never_overlap_and_are_numbered_from_zero(events: list[Event]) -> None:
    expected = 0
    open_block: int | None = None
    for event in payloads(write(events))[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert open_block is None
                open_block = event["index"]
                assert open_block == expected
                expected += 1
            case "content_block_stop":
                assert open_block == event["index"]
                open_block = None
            case _:
                assert open_block == event["index"]
    assert open_block is None
