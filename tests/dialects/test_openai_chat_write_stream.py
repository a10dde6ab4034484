"""Events written as chunks: in the grammar OpenAI's clients expect, and so that they read back."""

import json
from collections.abc import Sequence
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from earthward.chat import (
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    collect,
)
from earthward.dialects import sse
from earthward.dialects.openai_chat import StreamReader, StreamWriter

USAGE = Usage(Count.reported(19), Count.reported(10), Count.reported(4), Count.reported(3), Count.reported(2))
HELLO: list[Event] = [Started("up-1", "up", 5), TextDelta("Hello"), Finished("stop"), UsageReported(USAGE)]


def write(events: Sequence[Event], include_usage: bool = False, functions: bool = False) -> bytes:
    writer = StreamWriter("asked-for", include_usage, "chatcmpl-1", 1744700000, functions)
    return b"".join([writer.write(event) for event in events]) + writer.end()


def payloads(stream: bytes) -> list[Any]:
    reader = sse.Reader()
    events = reader.feed(stream)
    assert reader.end() is None
    return [event.data.decode() if event.data == b"[DONE]" else json.loads(event.data) for event in events]


def deltas(stream: bytes) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in payloads(stream)[:-1] if chunk["choices"]]


def read(stream: bytes) -> list[Event]:
    reader = StreamReader()
    return [*reader.feed(stream), *reader.end()]


def test_a_stream_has_role_text_finish_usage_and_done_in_that_order() -> None:
    role, text, finish, usage, done = payloads(write(HELLO, include_usage=True))
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1744700000, "model": "asked-for"}
    for chunk in (role, text, finish, usage):
        assert {name: chunk[name] for name in about} == about
    choice = {"index": 0, "logprobs": None, "finish_reason": None}
    assert role["choices"] == [{**choice, "delta": {"role": "assistant", "content": ""}}]
    assert text["choices"] == [{**choice, "delta": {"content": "Hello"}}]
    assert finish["choices"] == [{**choice, "delta": {}, "finish_reason": "stop"}]
    assert usage["choices"] == []
    assert [chunk["usage"] for chunk in (role, text, finish)] == [None] * 3
    assert usage["usage"]["total_tokens"] == 29
    assert done == "[DONE]"


def test_a_client_that_did_not_ask_for_usage_sees_none() -> None:
    chunks = payloads(write(HELLO))
    assert len(chunks) == 4
    assert all("usage" not in chunk for chunk in chunks[:-1])


def test_usage_that_is_not_known_is_not_made_up() -> None:
    assert len(payloads(write(HELLO[:-1], include_usage=True))) == 4


def test_usage_that_comes_before_the_end_is_written_last() -> None:
    events = [HELLO[0], HELLO[3], HELLO[1], HELLO[2]]
    assert write(events, include_usage=True) == write(HELLO, include_usage=True)


def test_calls_keep_their_running_index() -> None:
    events = [
        Started(),
        ToolCallStarted(0, "call_a", "f"),
        ToolCallDelta(0, '{"x":'),
        ToolCallStarted(1, "call_b", "g", custom=True),
        ToolCallDelta(0, "1}"),
        ToolCallDelta(1, "free"),
        Finished("tool_calls"),
    ]
    calls = [delta["tool_calls"][0] for delta in deltas(write(events)) if "tool_calls" in delta]
    assert calls == [
        {"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x":'}},
        {"index": 1, "id": "call_b", "type": "custom", "custom": {"name": "g", "input": ""}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 1, "custom": {"input": "free"}},
    ]


def test_a_client_of_functions_gets_its_one_call_as_it_knows_it() -> None:
    events = [
        Started(),
        ToolCallStarted(0, "call_a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallStarted(1, "call_b", "g"),
        ToolCallDelta(1, "{}"),
        Finished("tool_calls"),
    ]
    stream = write(events, functions=True)
    assert deltas(stream)[1:3] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    assert payloads(stream)[-2]["choices"][0]["finish_reason"] == "function_call"
    assert b"tool_calls" not in stream
    assert b'"g"' not in stream


def test_reasoning_is_written_under_both_names_clients_know() -> None:
    events = [Started(), ReasoningDelta("Hm"), ReasoningDelta("", signature="s"), TextDelta("x"), Finished("stop")]
    assert deltas(write(events))[1] == {"reasoning": "Hm", "reasoning_content": "Hm"}
    assert len(deltas(write(events))) == 4


def test_every_answer_begins_with_its_role() -> None:
    events = [Started(), TextDelta("b", 1), TextDelta("a", 0), Finished("stop", 0), Finished("length", 1)]
    chunks = payloads(write(events))[:-1]
    roles = [chunk["choices"][0]["index"] for chunk in chunks if "role" in chunk["choices"][0]["delta"]]
    assert sorted(roles) == [0, 1]
    firsts = {chunk["choices"][0]["index"]: chunk["choices"][0]["delta"] for chunk in reversed(chunks)}
    assert all("role" in delta for delta in firsts.values())


def test_log_probabilities_stand_beside_their_text() -> None:
    token = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    chunk = payloads(write([Started(), TextDelta("Hi", logprobs=[token]), Finished("stop")]))[1]
    assert chunk["choices"][0]["logprobs"] == {"content": [token], "refusal": None}


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("context", "length"),
        ("tool_calls", "tool_calls"),
        ("filtered", "content_filter"),
        ("paused", "stop"),
    ],
)
def test_every_reason_has_a_word_here(reason: FinishReason, word: str) -> None:
    assert payloads(write([Started(), Finished(reason)]))[-2]["choices"][0]["finish_reason"] == word


@pytest.mark.parametrize(
    "events",
    [
        [],
        [Started()],
        [Started(), TextDelta("Hel")],
        [Started(), TextDelta("a"), TextDelta("b", 1), Finished("stop", 1)],
    ],
)
def test_an_answer_that_was_never_finished_ends_in_an_error_and_not_in_done(events: list[Event]) -> None:
    stream = write(events)
    assert payloads(stream)[-1]["error"]["code"] == "upstream_broken_stream"


def test_nothing_comes_after_a_failure() -> None:
    failed = Failed(Failure(FailureKind.UPSTREAM_ERROR, "it stopped"))
    stream = write([Started(), TextDelta("Hel"), failed, TextDelta("lo"), Finished("stop")])
    assert payloads(stream)[-1]["error"]["message"] == "it stopped"
    assert b'"lo"' not in stream
    assert b"[DONE]" not in stream


def test_what_the_upstream_said_about_itself_is_passed_on() -> None:
    chunks = payloads(write([Started(rest={"system_fingerprint": "fp_1"}), Finished("stop")], include_usage=True))
    assert [chunk["system_fingerprint"] for chunk in chunks[:-1]] == ["fp_1"] * 2


texts = st.text(min_size=1)
names = st.text("abc_", min_size=1, max_size=5)


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """One answer's events as a target might send them, with nothing in it that this dialect cannot say."""
    events: list[Event] = [Started("chatcmpl-1", "asked-for", 1744700000)]
    calls = 0
    for kind in draw(st.lists(st.sampled_from("trfca"), max_size=12)):
        if kind == "t":
            events.append(TextDelta(draw(texts)))
        elif kind == "r":
            events.append(ReasoningDelta(draw(texts)))
        elif kind == "f":
            events.append(RefusalDelta(draw(texts)))
        elif kind == "c":
            events.append(ToolCallStarted(calls, f"call_{calls}", draw(names), custom=draw(st.booleans())))
            calls += 1
        elif calls:
            events.append(ToolCallDelta(draw(st.integers(0, calls - 1)), draw(texts)))
    reasons: list[FinishReason] = ["length", "filtered", "tool_calls" if calls else "stop"]
    return [*events, UsageReported(USAGE), Finished(draw(st.sampled_from(reasons)))]


@settings(max_examples=100, deadline=None)
@given(events=event_lists())
def test_events_written_read_back(events: list[Event]) -> None:
    assert read(write(events, include_usage=True)) == events


@settings(max_examples=100, deadline=None)
@given(events=event_lists())
def test_every_chunk_is_valid_for_the_official_sdk(events: list[Event]) -> None:
    sayable = [event for event in events if not getattr(event, "custom", False)]
    for chunk in payloads(write(sayable, include_usage=True))[:-1]:
        ChatCompletionChunk.model_validate(chunk)


def test_the_official_sdk_puts_the_answer_together() -> None:
    events = [
        Started(),
        ReasoningDelta("Hm"),
        TextDelta("Hel"),
        TextDelta("lo"),
        ToolCallStarted(0, "call_a", "f"),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(0, "1}"),
        Finished("tool_calls"),
        UsageReported(USAGE),
    ]

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, headers={"content-type": "text/event-stream"}, content=write(events, include_usage=True)
        )

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=http) as client,
        client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as stream,
    ):
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Hello"
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.arguments == '{"x":1}'
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage is not None
    assert final.usage.completion_tokens == 10
    assert not isinstance(collect(events), Failure)
