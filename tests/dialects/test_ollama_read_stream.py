"""Golden streams, written after Ollama's source and its issue tracker, and what they say."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earthward.chat import (
    Event,
    Failed,
    Failure,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    collect,
)
from earthward.dialects.ollama import Durations, StreamReader
from stream_laws import begins_and_counts_at_most_once, ends_in_one_failure, says_the_same_however_it_is_cut

GOLDEN = Path(__file__).parent / "golden/ollama"
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.ndjson"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "streams.json").read_text())
WHOLE = [name for name in STREAMS if "parts" in EXPECTED[name]]


def read(*pieces: bytes, **how: Any) -> list[Event]:
    reader = StreamReader(**how)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.end()


def chunk(done: bool = False, **fields: Any) -> bytes:
    message = {"role": "assistant", "content": "", **fields.pop("message", {})}
    return json.dumps({"model": "m", "message": message, "done": done, **fields}).encode() + b"\n"


def test_every_golden_stream_has_its_expectation() -> None:
    assert STREAMS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_stream_says_what_its_expectation_says(name: str) -> None:
    answer = collect(read(STREAMS[name]))
    assert not isinstance(answer, Failure), answer
    expected = EXPECTED[name]
    (choice,) = answer.choices
    said = [[type(part).__name__, *msgspec.structs.astuple(part)] for part in choice.parts]
    assert [part[: len(wanted)] for part, wanted in zip(said, expected["parts"], strict=True)] == expected["parts"]
    assert choice.reason == expected["reason"]
    counts = (answer.usage.input, answer.usage.output, answer.usage.cached)
    assert [count.tokens if count.is_known else None for count in counts] == expected["usage"]
    assert len(choice.logprobs or ()) == expected.get("logprobs", 0)
    assert answer.rest.get("remote_model") == expected.get("remote_model")
    assert answer.created == 1787313600


@pytest.mark.parametrize("name", [name for name in STREAMS if "failure" in EXPECTED[name]])
def test_a_stream_that_is_not_whole_ends_in_exactly_one_failure(name: str) -> None:
    ends_in_one_failure(read(STREAMS[name]), EXPECTED[name])


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    says_the_same_however_it_is_cut(read, STREAMS[name])


@pytest.mark.parametrize("name", STREAMS)
def test_events_come_in_the_order_the_vocabulary_promises(name: str) -> None:
    events = read(STREAMS[name])
    begins_and_counts_at_most_once(events)
    kinds = [type(event) for event in events]
    assert kinds.count(Finished) + kinds.count(Failed) == 1
    assert kinds[-1] in (Finished, Failed)


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_without_its_last_line_is_broken_whatever_came_before(name: str) -> None:
    lines = [line for line in STREAMS[name].splitlines(keepends=True) if line.strip()]
    done = next(place for place, line in enumerate(lines) if json.loads(line)["done"])
    assert isinstance(collect(read(*lines[:done])), Failure)


def test_nothing_comes_after_the_end_of_a_stream() -> None:
    reader = StreamReader()
    reader.feed(STREAMS["text"])
    assert reader.feed(STREAMS["text"]) == []
    assert reader.end() == []


def test_nothing_comes_after_a_failure() -> None:
    reader = StreamReader()
    assert isinstance(reader.feed(STREAMS["error_first"])[-1], Failed)
    assert reader.feed(STREAMS["text"]) == []
    assert reader.end() == []


def test_text_before_thinking_in_one_chunk_is_told_after_it() -> None:
    """Ollama #17101: a chunk that has both; the thinking was first."""
    events = read(STREAMS["thinking_and_text_in_one"])
    assert [type(event) for event in events if isinstance(event, ReasoningDelta | TextDelta)] == [
        ReasoningDelta,
        ReasoningDelta,
        TextDelta,
        TextDelta,
    ]


def test_thinking_goes_on_after_two_pieces() -> None:
    """litellm #20737."""
    events = read(STREAMS["thinking_of_many_pieces"])
    assert sum(isinstance(event, ReasoningDelta) for event in events) == 5


def test_a_stream_that_calls_tools_ends_with_tool_calls() -> None:
    """litellm #35663: the call and the end come in two chunks, and clients look at the last alone."""
    assert read(STREAMS["tools_before_done"])[-1] == Finished("tool_calls")
    assert read(STREAMS["tools_in_done"])[-1] == Finished("tool_calls")


def test_calls_that_all_have_index_zero_stay_apart() -> None:
    """litellm #33678, Ollama #15457."""
    events = read(STREAMS["tools_all_index_zero"])
    assert [event.call for event in events if isinstance(event, ToolCallStarted)] == [0, 1]
    assert [event.call for event in events if isinstance(event, ToolCallDelta)] == [0, 1]


def test_arguments_are_json_text_and_nothing_is_lost_of_empty_ones() -> None:
    """litellm #37792 (arguments as a dict) and #25321 (`{}` lost)."""
    events = read(STREAMS["tools_in_done"])
    assert [event.arguments for event in events if isinstance(event, ToolCallDelta)] == ['{"city":"Paris"}', "{}"]


def test_a_call_of_a_custom_tool_is_free_text_again() -> None:
    wire = {"function": {"name": "run", "arguments": {"input": "ls -l"}}}
    events = read(chunk(message={"tool_calls": [wire]}), chunk(True), custom=frozenset({"run"}))
    assert ToolCallStarted(0, "call__0", "run", custom=True) in events
    assert ToolCallDelta(0, "ls -l") in events


def test_an_answer_that_fills_the_context_says_so() -> None:
    assert read(STREAMS["length"], num_ctx=37)[-1] == Finished("context")
    assert read(STREAMS["length"], num_ctx=38)[-1] == Finished("length")
    assert read(STREAMS["text"], num_ctx=37)[-1] == Finished("stop")


def test_durations_and_the_cloud_s_model_are_kept() -> None:
    reader = StreamReader()
    reader.feed(STREAMS["cloud"])
    assert reader.durations == Durations(1987654321, 12345678, 130079000, 1432100000)
    assert reader.remote_model == "gpt-oss:120b"


def test_a_line_that_never_ends_is_refused_and_not_kept() -> None:
    reader = StreamReader()
    events: list[Event] = []
    for _ in range(17):
        events += reader.feed(b"x" * (1 << 20))
    assert [event.failure.kind for event in events if isinstance(event, Failed)] == ["malformed"]


@pytest.mark.parametrize("line", [b"[1]", b'"text"', b"1", b'{"message":1}', b'{"done":"yes"}', b"{\xff}", b"null"])
def test_json_of_another_form_is_malformed(line: bytes) -> None:
    events = read(line + b"\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"
