"""Events written as a stream: in the grammar OpenAI's own SDK accepts, and so that they read back."""

import json
from collections.abc import Sequence
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from canned_sdks import EVENTS, Canned, openai_client
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
    Refusal,
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
from earthward.dialects.openai_responses import StreamReader, StreamWriter

USAGE = Usage(Count.reported(20), Count.reported(9), Count.reported(8), Count.reported(0), Count.reported(4))
HELLO: list[Event] = [Started("up-1", "up", 5), TextDelta("Hello"), UsageReported(USAGE), Finished("stop")]
BUSY = Failed(Failure(FailureKind.OVERLOADED, "too many"))
STRICT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def call(number: int, *pieces: str, id: str = "", custom: bool = False) -> list[Event]:
    return [
        ToolCallStarted(number, id or f"call_{number}", "f", custom=custom),
        *(ToolCallDelta(number, piece) for piece in pieces),
    ]


FIRST, SECOND = call(0, '{"x":', "1}"), call(1, '{"y":', "2}")
MANY: dict[str, list[Event]] = {
    "text": HELLO,
    "nothing": [Started(), Finished("stop")],
    "empty pieces": [Started(), TextDelta(""), ReasoningDelta(""), RefusalDelta(""), Finished("stop")],
    "thinking, text, refusal": [ReasoningDelta("Hm"), TextDelta("a"), RefusalDelta("No."), Finished("filtered")],
    "text after calls": [*FIRST, TextDelta("then"), *SECOND, ReasoningDelta("hm"), Finished("tool_calls")],
    "interleaved": [FIRST[0], SECOND[0], SECOND[1], FIRST[1], SECOND[2], FIRST[2], Finished("tool_calls")],
    "text amid arguments": [FIRST[0], FIRST[1], TextDelta("a"), FIRST[2], Finished("tool_calls")],
    "one id twice": [*call(0, "{}", id="a"), *call(1, "{}", id="a"), Finished("tool_calls")],
    "custom": [*call(0, "print", "(1)", custom=True), Finished("tool_calls")],
    "no arguments": [*call(0), *call(1, custom=True), Finished("tool_calls")],
    "cut off": [TextDelta("a"), *call(0, '{"x":'), Finished("length")],
    "signed": [ReasoningDelta("a", signature="openai:g"), ReasoningDelta("b", signature="EqQ"), Finished("stop")],
    "failed": [Started(), TextDelta("Hel"), BUSY],
    "failed at once": [BUSY],
    "broken off": [Started(), TextDelta("Hel")],
}


def write(events: Sequence[Event], **echoed: Any) -> bytes:
    writer = StreamWriter("asked-for", "resp_1", 5, echoed)
    return b"".join([writer.write(event) for event in events]) + writer.end()


def payloads(stream: bytes) -> list[Any]:
    reader = sse.Reader()
    events = reader.feed(stream)
    assert reader.end() is None
    documents = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == [document["type"] for document in documents]
    return documents


def read(stream: bytes) -> Answer:
    reader = StreamReader()
    answer = collect([*reader.feed(stream), *reader.end()])
    assert isinstance(answer, Answer), answer
    return answer


@pytest.mark.parametrize("case", MANY)
def test_every_event_has_the_type_the_sdk_says(case: str) -> None:
    documents = payloads(write(MANY[case]))
    for document in documents:
        STRICT.validate_python(document)
    assert [document["sequence_number"] for document in documents] == list(range(len(documents)))


@pytest.mark.parametrize("case", MANY)
def test_every_item_is_opened_once_and_closed_before_the_end(case: str) -> None:
    open_items: set[int] = set()
    seen: set[int] = set()
    for document in payloads(write(MANY[case])):
        match document["type"]:
            case "response.output_item.added":
                assert document["output_index"] == len(seen)
                seen.add(document["output_index"])
                open_items.add(document["output_index"])
            case "response.output_item.done":
                open_items.remove(document["output_index"])
            case "response.completed" | "response.incomplete":
                assert not open_items
            case _ if "output_index" in document:
                assert document["output_index"] in open_items
    assert [document["type"] for document in payloads(write(MANY[case]))[:2]] == [
        "response.created",
        "response.in_progress",
    ]


@pytest.mark.parametrize("case", [case for case in MANY if MANY[case][-1] == Finished("stop")])
def test_the_sdks_helper_takes_the_whole_stream(case: str) -> None:
    with openai_client(Canned(write(MANY[case]), EVENTS)).responses.stream(model="m", input="Hi") as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    Response.model_validate(json.loads(json.dumps(payloads(write(MANY[case]))[-1]["response"])))
    assert final.output_text == "".join(event.text for event in MANY[case] if isinstance(event, TextDelta))


@pytest.mark.parametrize("case", ["interleaved", "text amid arguments", "one id twice", "no arguments", "custom"])
def test_the_sdks_helper_takes_calls(case: str) -> None:
    with openai_client(Canned(write(MANY[case]), EVENTS)).responses.stream(model="m", input="Hi") as stream:
        calls = [item for item in stream.get_final_response().output if item.type.endswith("call")]
    arguments = [getattr(item, "arguments", None) or getattr(item, "input", "") for item in calls]
    expected = {
        "interleaved": ['{"x":1}', '{"y":2}'],
        "text amid arguments": ['{"x":1}'],
        "one id twice": ["{}", "{}"],
        "no arguments": ["{}", ""],
        "custom": ["print(1)"],
    }
    assert arguments == expected[case]
    assert len({getattr(item, "call_id", None) for item in calls}) == len(calls)


@pytest.mark.parametrize("case", ["failed", "failed at once", "broken off"])
def test_the_sdk_raises_on_a_stream_that_cannot_be_finished(case: str) -> None:
    stream = write(MANY[case])
    assert [document["type"] for document in payloads(stream)[-2:]] == ["response.failed", "error"]
    with pytest.raises(openai.APIError, match=r"too many|broke off"):
        list(openai_client(Canned(stream, EVENTS)).responses.create(model="m", input="Hi", stream=True))


@pytest.mark.parametrize("case", [case for case in MANY if isinstance(MANY[case][-1], Finished)])
def test_what_is_written_reads_back(case: str) -> None:
    there = collect([Started(), *(event for event in MANY[case] if not isinstance(event, Started))])
    assert isinstance(there, Answer)
    here = read(write(MANY[case]))
    ids = ["a", "a_2"] if case == "one id twice" else []
    expected = [
        ToolCall(
            ids.pop(0) if ids else part.id, part.name, part.arguments or ("" if part.custom else "{}"), part.custom
        )
        if isinstance(part, ToolCall)
        else part
        for part in there.choices[0].parts
    ]
    found = list(here.choices[0].parts)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    if case not in ("text amid arguments",):
        assert found == expected
    called = any(isinstance(part, ToolCall) for part in expected)
    assert here.choices[0].reason == ("tool_calls" if called and case != "cut off" else MANY[case][-1].reason)  # type: ignore[union-attr]


def test_an_answer_says_again_what_was_asked_for() -> None:
    first = payloads(write(HELLO, temperature=0.5, tools=[], store=False))[0]["response"]
    assert (first["temperature"], first["store"], first["model"], first["created_at"]) == (0.5, False, "asked-for", 5)


def test_an_answer_that_was_cut_off_is_incomplete() -> None:
    last = payloads(write(MANY["cut off"]))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"][-1]["status"] == "incomplete"


def test_usage_is_told_whole() -> None:
    assert payloads(write(HELLO))[-1]["response"]["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    }
    assert payloads(write(MANY["nothing"]))[-1]["response"]["usage"] is None


def test_ollama_17101_text_that_comes_before_thinking_stays_before_it() -> None:
    parts = read(write([TextDelta("a"), ReasoningDelta("b"), TextDelta("c"), Finished("stop")])).choices[0].parts
    assert parts == (Text("a"), Reasoning("b"), Text("c"))


def test_a_refusal_is_a_part_of_the_message() -> None:
    output = payloads(write(MANY["thinking, text, refusal"]))[-1]["response"]["output"]
    assert [part["type"] for part in output[1]["content"]] == ["output_text", "refusal"]
    assert read(write(MANY["thinking, text, refusal"])).choices[0].parts[-1] == Refusal("No.")


def test_nothing_comes_after_a_failure() -> None:
    writer = StreamWriter("m", "resp_1", 5)
    writer.write(BUSY)
    assert writer.write(HELLO[1]) == b""
    assert writer.end() == b""
