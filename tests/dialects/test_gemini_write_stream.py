"""Events written as a stream: so that Google's own SDK reads them, and so that they read back."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from google.genai import errors

from canned_sdks import EVENTS, Canned, google_client
from earthward.chat import (
    Answer,
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
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
from earthward.dialects.gemini import HEARTBEAT, StreamReader, StreamWriter

USAGE = Usage(Count.reported(12), Count.reported(8), Count.reported(4), reasoning=Count.reported(3))
HELLO: list[Event] = [Started("up-1", "up", 5), TextDelta("Hello"), UsageReported(USAGE), Finished("stop")]
BUSY = Failed(Failure(FailureKind.OVERLOADED, "too many"))


def write(events: Sequence[Event], array: bool = False) -> bytes:
    writer = StreamWriter("asked-for", "r1", array)
    return b"".join([writer.write(event) for event in events]) + writer.end()


def read(stream: bytes) -> Answer:
    reader = StreamReader()
    answer = collect([*reader.feed(stream), *reader.end()])
    assert isinstance(answer, Answer), answer
    return answer


def sdk_chunks(stream: bytes) -> list[Any]:
    client = google_client(Canned(stream, EVENTS))
    return list(client.models.generate_content_stream(model="m", contents="Hi"))


def call(number: int, *pieces: str) -> list[Event]:
    return [ToolCallStarted(number, f"c{number}", "f"), *(ToolCallDelta(number, piece) for piece in pieces)]


def test_a_stream_is_text_and_then_why_it_ended_and_what_it_used() -> None:
    frames = write(HELLO).split(b"\r\n\r\n")
    about = {"modelVersion": "asked-for", "responseId": "r1"}
    assert [json.loads(frame.removeprefix(b"data: ")) for frame in frames[:-1]] == [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "index": 0}], **about},
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 12,
                "candidatesTokenCount": 5,
                "totalTokenCount": 20,
                "cachedContentTokenCount": 4,
                "thoughtsTokenCount": 3,
            },
            **about,
        },
    ]
    assert frames[-1] == b""


def test_the_sdk_reads_text_thoughts_calls_and_usage() -> None:
    events = [ReasoningDelta("Hm"), TextDelta("H\u00e9"), *call(0, '{"a":', "1}"), *call(1)]
    chunks = sdk_chunks(HEARTBEAT + write([Started(), *events, UsageReported(USAGE), Finished("tool_calls")]))
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert (parts[0].text, parts[0].thought) == ("Hm", True)
    assert parts[1].text == "H\u00e9"
    assert [(part.function_call.id, part.function_call.args) for part in parts[2:]] == [("c0", {"a": 1}), ("c1", {})]
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert chunks[-1].usage_metadata.thoughts_token_count == 3


def test_the_sdk_raises_on_an_error_in_the_middle() -> None:
    with pytest.raises(errors.ServerError, match="too many"):
        sdk_chunks(write([*HELLO[:2], BUSY]))


def test_the_sdk_raises_on_a_stream_that_breaks_off() -> None:
    with pytest.raises(errors.ServerError, match="broke off"):
        sdk_chunks(write(HELLO[:2]))


@pytest.mark.parametrize("events", [HELLO, [*HELLO[:2], BUSY], HELLO[:2], [BUSY], []])
def test_an_array_is_one_json_document_however_it_ends(events: list[Event]) -> None:
    documents = json.loads(write(events, array=True))
    framed = [frame.removeprefix(b"data: ") for frame in write(events).split(b"\r\n\r\n")[:-1]]
    assert documents == [json.loads(frame) for frame in framed]


def test_arguments_that_come_interleaved_come_out_whole() -> None:
    first, second = call(0, '{"x":', "1}"), call(1, '{"y":', "2}")
    mixed = [first[0], second[0], second[1], first[1], first[2], second[2]]
    parts = read(write([Started(), *mixed, Finished("tool_calls")])).choices[0].parts
    assert parts == (ToolCall("c0", "f", '{"x":1}'), ToolCall("c1", "f", '{"y":2}'))


def test_a_call_that_is_no_json_is_googles_own_word_for_it() -> None:
    last = json.loads(write([Started(), *call(0, '{"x":'), Finished("tool_calls")]).split(b"data: ")[-1])
    assert last["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert "functionCall" not in str(last)


def test_a_call_that_was_cut_off_is_left_out_and_the_reason_stays() -> None:
    answer = read(write([Started(), *call(0, "{}"), *call(1, '{"x":'), Finished("length")]))
    assert (answer.choices[0].parts, answer.choices[0].reason) == ((ToolCall("c0", "f", "{}"),), "length")


def test_a_signature_goes_where_it_came_from() -> None:
    signed = [ReasoningDelta("Hm"), ReasoningDelta("", signature="google:QUJD"), *call(0, "{}")]
    stream = write([Started(), *signed, Finished("tool_calls")])
    assert b'"args":{}},"thoughtSignature":"QUJD"' in stream
    assert read(stream).choices[0].parts[0] == Reasoning("Hm", "google:QUJD")


@pytest.mark.parametrize("signature", ["EqQB", "openai:xyz", "a+/=\u00e9"])
def test_another_vendors_signature_comes_back_as_it_was(signature: str) -> None:
    stream = write([Started(), ReasoningDelta("Hm"), ReasoningDelta("", signature=signature), Finished("stop")])
    assert read(stream).choices[0].parts == (Reasoning("Hm", signature),)


def test_a_refusal_is_text() -> None:
    assert read(write([Started(), RefusalDelta("No."), Finished("filtered")])).choices[0].parts == (Text("No."),)


def test_two_answers_are_told_apart() -> None:
    events = [TextDelta("a"), TextDelta("b", 1), *call(0), Finished("stop", 1), Finished("tool_calls")]
    reader = StreamReader(2)
    answer = collect([*reader.feed(write([Started(), *events])), *reader.end()])
    assert isinstance(answer, Answer)
    assert [choice.parts for choice in answer.choices] == [(Text("a"), ToolCall("c0", "f", "{}")), (Text("b"),)]


def test_log_probabilities_read_back() -> None:
    logprobs = [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}]
    answer = read(write([Started(), TextDelta("Hi", logprobs=logprobs), Finished("stop")]))
    assert answer.choices[0].logprobs == logprobs


def test_nothing_comes_after_a_failure() -> None:
    writer = StreamWriter("m", "r1")
    writer.write(BUSY)
    assert writer.write(HELLO[1]) == b""
    assert writer.end() == b""
