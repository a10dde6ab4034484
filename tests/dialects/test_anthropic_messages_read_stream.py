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
    Reasoning,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    collect,
)
from earthward.dialects.anthropic_messages import StreamReader
from stream_laws import begins_and_counts_at_most_once, ends_in_one_failure, says_the_same_however_it_is_cut

GOLDEN = Path(__file__).parent / "golden/anthropic_streams"
STREAMS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
WHOLE = [name for name in STREAMS if "parts" in EXPECTED[name]]
BROKEN = [name for name in STREAMS if "failure" in EXPECTED[name]]


def read(*pieces: bytes) -> list[Event]:
    reader = StreamReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.end()


def event(type: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (type.encode(), json.dumps({"type": type, **fields}).encode())


START = event("message_start", message={"id": "msg_1", "model": "up", "usage": {}})
STOP = event("message_stop")


def delta(index: int = 0, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta=fields)


def test_every_golden_stream_has_its_expectation() -> None:
    assert STREAMS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_stream_says_what_its_expectation_says(name: str) -> None:
    answer = collect(read(STREAMS[name]))
    assert not isinstance(answer, Failure), answer
    (choice,) = answer.choices
    expected = EXPECTED[name]
    assert [_bare(list(msgspec.structs.astuple(part))) for part in choice.parts] == [
        part[1:] for part in expected["parts"]
    ]
    assert (choice.reason, choice.stop_sequence) == (expected["reason"], expected.get("stop_sequence"))
    assert [count.tokens if count.is_known else None for count in answer.usage.counts] == expected["usage"]


def _bare(part: list[Any]) -> list[Any]:
    """Without what says nothing, and citations, which are tried elsewhere."""
    while part and (part[-1] is None or part[-1] is False or isinstance(part[-1], tuple)):
        part.pop()
    return part


@pytest.mark.parametrize("name", BROKEN)
def test_a_stream_that_is_not_whole_ends_in_exactly_one_failure(name: str) -> None:
    ends_in_one_failure(read(STREAMS[name]), EXPECTED[name])


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    says_the_same_however_it_is_cut(read, STREAMS[name])


@pytest.mark.parametrize("name", STREAMS)
def test_events_come_in_the_order_the_vocabulary_promises(name: str) -> None:
    events = read(STREAMS[name])
    begins_and_counts_at_most_once(events)
    assert sum(isinstance(event, Finished | Failed) for event in events) == 1
    assert isinstance(events[-1], Finished | Failed)


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_stream_without_its_last_events_is_never_a_whole_answer(cut: int) -> None:
    blocks = STREAMS["anthropic_thinking"].split(b"\n\n")[:-1]
    events = read(b"\n\n".join(blocks[:-cut]) + b"\n\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "broken_stream"


def test_nothing_comes_after_the_end_of_a_stream() -> None:
    reader = StreamReader()
    reader.feed(STREAMS["anthropic_text"])
    assert reader.feed(STREAMS["anthropic_text"]) == []
    assert reader.end() == []


def test_nothing_comes_after_a_failure() -> None:
    reader = StreamReader()
    assert isinstance(reader.feed(STREAMS["error_first"])[-1], Failed)
    assert reader.feed(STREAMS["anthropic_text"]) == []
    assert reader.end() == []


def test_an_error_keeps_its_words() -> None:
    events = read(STREAMS["overloaded_in_the_middle"])
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.message == "Overloaded"
    assert events[-1].failure.quoted


def test_arguments_come_as_they_come() -> None:
    events = read(STREAMS["anthropic_parallel_tools"])
    assert [event.arguments for event in events if isinstance(event, ToolCallDelta) and event.call == 0] == [
        '{"ci',
        'ty": "Os',
        'lo"}',
    ]


def test_calls_get_running_numbers_whatever_their_blocks_are_numbered() -> None:
    events = read(STREAMS["every_block_at_index_0"])
    assert [event.call for event in events if isinstance(event, ToolCallStarted)] == [0, 1]


def test_a_tool_call_without_a_name_is_no_tool_call() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "input": {}}
    events = read(START + event("content_block_start", index=0, content_block=block))
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"


def test_a_block_that_begins_where_another_never_stopped_ends_that_one() -> None:
    blocks = [{"type": "tool_use", "id": name, "name": "f", "input": {}} for name in ("toolu_a", "toolu_b")]
    starts = [event("content_block_start", index=0, content_block=block) for block in blocks]
    answer = collect(read(START + b"".join(starts) + STOP))
    assert not isinstance(answer, Failure)
    assert answer.choices[0].parts == (ToolCall("toolu_a", "f", "{}"), ToolCall("toolu_b", "f", "{}"))


def test_an_event_that_never_ends_is_refused_and_not_kept() -> None:
    reader = StreamReader()
    piece = b"data: " + b"x" * (1 << 20)
    events: list[Event] = []
    for _ in range(17):
        events += reader.feed(piece)
    assert [event.failure.kind for event in events if isinstance(event, Failed)] == ["malformed"]


@pytest.mark.parametrize("payload", [b"[1]", b'"text"', b"1", b'{"message":1}', b'{"delta":[1]}', b"{\xff}", b"[DONE]"])
def test_json_of_another_form_is_malformed(payload: bytes) -> None:
    events = read(b"data: " + payload + b"\n\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"


# What went wrong elsewhere (the names are those of the issues).


def test_litellm_25321_an_input_that_is_empty_is_not_lost() -> None:
    answer = collect(read(STREAMS["anthropic_tool_without_arguments"]))
    assert not isinstance(answer, Failure)
    assert answer.choices[0].parts == (ToolCall("toolu_01", "now", "{}"),)


def test_litellm_13373_a_piece_of_a_block_that_never_began_is_content_all_the_same() -> None:
    assert TextDelta("a") in read(START + delta(type="text_delta", text="a") + STOP)


def test_litellm_32357_thinking_inside_a_block_of_text_stays_thinking() -> None:
    answer = collect(read(STREAMS["thinking_inside_text"]))
    assert not isinstance(answer, Failure)
    assert isinstance(answer.choices[0].parts[0], Reasoning)


def test_litellm_33224_a_second_message_start_begins_nothing() -> None:
    events = read(STREAMS["two_message_starts"])
    assert sum(isinstance(event, Started) for event in events) == 1


def test_litellm_20737_thinking_goes_on_after_two_pieces() -> None:
    pieces = [delta(type="thinking_delta", thinking=str(number)) for number in range(9)]
    answer = collect(read(START + b"".join(pieces) + STOP))
    assert not isinstance(answer, Failure)
    assert answer.choices[0].parts == (Reasoning("012345678"),)


def test_the_number_of_a_block_may_be_anything() -> None:
    events = read(START + event("content_block_delta", index={}, delta={"type": "text_delta", "text": "a"}))
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"
