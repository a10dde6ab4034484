"""Golden streams, after what OpenAI and servers that speak the same send, and what they say."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earthward.chat import Event, Failed, Failure, Finished, Text, ToolCall, collect
from earthward.dialects.openai_responses import StreamReader
from stream_laws import begins_and_counts_at_most_once, ends_in_one_failure, says_the_same_however_it_is_cut

GOLDEN = Path(__file__).parent / "golden/responses_streams"
STREAMS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
WHOLE = [name for name in STREAMS if "parts" in EXPECTED[name]]
BROKEN = [name for name in STREAMS if "failure" in EXPECTED[name]]


def read(*pieces: bytes) -> list[Event]:
    reader = StreamReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.end()


def test_every_golden_stream_has_its_expectation() -> None:
    assert STREAMS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_stream_says_what_its_expectation_says(name: str) -> None:
    answer = collect(read(STREAMS[name]))
    assert not isinstance(answer, Failure), answer
    (choice,) = answer.choices
    assert [_bare(part) for part in choice.parts] == EXPECTED[name]["parts"]
    assert choice.reason == EXPECTED[name]["reason"]
    counts = answer.usage.counts
    assert [count.tokens if count.is_known else None for count in counts] == EXPECTED[name]["usage"]


def _bare(part: Any) -> list[Any]:
    """Without what says nothing, and citations, which are tried elsewhere."""
    bare = [part.__struct_config__.tag, *msgspec.structs.astuple(part)]
    while bare[-1] is None or bare[-1] is False or isinstance(bare[-1], tuple):
        bare.pop()
    return bare


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
    assert isinstance(events[-1], Finished | Failed)


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_stream_without_its_last_events_is_never_a_whole_answer(cut: int) -> None:
    blocks = STREAMS["parallel_tools"].split(b"\n\n")[:-1]
    events = read(b"\n\n".join(blocks[:-cut]) + b"\n\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "broken_stream"


def test_gotcha_51_two_items_at_one_index_are_two_items() -> None:
    answer = collect(read(STREAMS["ollama_text_and_call_at_one_index"]))
    assert not isinstance(answer, Failure)
    assert answer.choices[0].parts == (Text("Hi"), ToolCall("call_a", "f", '{"a":1}'))


def test_nothing_comes_after_a_failure() -> None:
    reader = StreamReader()
    assert isinstance(reader.feed(STREAMS["error_event"])[-1], Failed)
    assert reader.feed(STREAMS["text"]) == []
    assert reader.end() == []


@pytest.mark.parametrize(
    "payload",
    [b"[1]", b'"text"', b"1", b"{}", b'{"type":5}', b'{"type":"x","response":[]}', b"{\xff}"],
)
def test_json_of_another_form_is_malformed(payload: bytes) -> None:
    events = read(b"data: " + payload + b"\n\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"


def test_an_event_that_never_ends_is_refused_and_not_kept() -> None:
    reader = StreamReader()
    events = [event for _ in range(17) for event in reader.feed(b"data: " + b"x" * (1 << 20))]
    assert [event.failure.kind for event in events if isinstance(event, Failed)] == ["malformed"]
