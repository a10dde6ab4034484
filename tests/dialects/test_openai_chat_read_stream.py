"""Golden streams, recorded from llama.cpp or written after what other servers send, and what they say."""

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
    TextDelta,
    ToolCallStarted,
    collect,
)
from earthward.dialects.openai_chat import StreamReader
from stream_laws import begins_and_counts_at_most_once, ends_in_one_failure, says_the_same_however_it_is_cut

GOLDEN = Path(__file__).parent / "golden"
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "streams.json").read_text())


def read(*pieces: bytes, answers: int = 1) -> list[Event]:
    reader = StreamReader(answers)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.end()


def chunk(**delta: Any) -> bytes:
    return b"data: " + json.dumps({"id": "x", "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def test_every_golden_stream_has_its_expectation() -> None:
    assert STREAMS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", [name for name in STREAMS if "answers" in EXPECTED[name]])
def test_a_whole_stream_says_what_its_expectation_says(name: str) -> None:
    answer = collect(read(STREAMS[name]))
    assert not isinstance(answer, Failure), answer
    said = [
        {"parts": [list(msgspec.structs.astuple(part)) for part in choice.parts], "reason": choice.reason}
        for choice in answer.choices
    ]
    expected = EXPECTED[name]
    assert [_bare(choice) for choice in said] == [_bare(_untagged(choice)) for choice in expected["answers"]]
    counts = (answer.usage.input, answer.usage.output, answer.usage.cached, answer.usage.reasoning)
    assert [count.tokens if count.is_known else None for count in counts] == (expected["usage"] or [None] * 4)
    assert len(answer.choices[0].logprobs or ()) == expected.get("logprobs", 0)


def _untagged(choice: dict[str, Any]) -> dict[str, Any]:
    return {**choice, "parts": [part[1:] for part in choice["parts"]]}


def _bare(choice: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that a stream of this dialect never fills, and citations, which are tried elsewhere."""
    parts = [part[:1] if part[1:] == [None, False] or isinstance(part[-1], tuple) else part for part in choice["parts"]]
    return {**choice, "parts": parts}


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
    finished = [event.answer for event in events if isinstance(event, Finished)]
    assert len(finished) == len(set(finished))


def test_nothing_comes_after_the_end_of_a_stream() -> None:
    reader = StreamReader()
    reader.feed(STREAMS["openai_text"])
    assert reader.feed(STREAMS["openai_text"]) == []
    assert reader.end() == []


def test_nothing_comes_after_a_failure() -> None:
    reader = StreamReader()
    assert isinstance(reader.feed(STREAMS["error_first"])[-1], Failed)
    assert reader.feed(STREAMS["openai_text"]) == []
    assert reader.end() == []


def test_what_was_said_before_an_error_in_the_same_piece_is_not_lost() -> None:
    events = read(STREAMS["vllm_error_in_the_middle"])
    assert TextDelta("Some") in events
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.message == "EngineCore encountered an issue"


def test_an_answer_that_never_began_is_missed_if_it_was_asked_for() -> None:
    stream = STREAMS["without_done"]
    assert not isinstance(collect(read(stream, answers=1)), Failure)
    assert isinstance(collect(read(stream, answers=2)), Failure)


def test_a_tool_call_without_a_name_is_no_tool_call() -> None:
    events = read(chunk(tool_calls=[{"index": 0, "id": "call_a", "function": {"arguments": "{}"}}]))
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"


def test_calls_numbered_by_the_server_get_running_numbers() -> None:
    calls = [{"index": index, "id": f"call_{index}", "function": {"name": "f"}} for index in (3, 7)]
    events = read(chunk(tool_calls=calls))
    assert [event.call for event in events if isinstance(event, ToolCallStarted)] == [0, 1]


def test_a_reason_stands_though_a_later_chunk_gives_none() -> None:
    finish = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n'
    events = read(chunk(content="x"), finish, chunk(content=""), b"data: [DONE]\n\n")
    assert events[-1] == Finished("length")


def test_an_event_that_never_ends_is_refused_and_not_kept() -> None:
    reader = StreamReader()
    piece = b"data: " + b"x" * (1 << 20)
    events: list[Event] = []
    for _ in range(17):
        events += reader.feed(piece)
    assert [event.failure.kind for event in events if isinstance(event, Failed)] == ["malformed"]


@pytest.mark.parametrize("payload", [b"[1]", b'"text"', b"1", b'{"choices":1}', b'{"choices":[1]}', b"{\xff}"])
def test_json_of_another_form_is_malformed(payload: bytes) -> None:
    events = read(b"data: " + payload + b"\n\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"


@pytest.mark.parametrize("content", [b"5", b'"x"', b"{}", b"[]", b"null"])
def test_log_probabilities_that_are_no_list_are_none(content: bytes) -> None:
    reader = StreamReader()
    chunk = b'data: {"choices":[{"delta":{"content":"a"},"logprobs":{"content":%b},"finish_reason":"stop"}]}' % content
    answer = collect([*reader.feed(chunk + b"\n\ndata: [DONE]\n\n"), *reader.end()])
    assert not isinstance(answer, Failure)
    assert answer.choices[0].logprobs is None
