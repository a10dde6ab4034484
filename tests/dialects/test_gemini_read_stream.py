"""Golden streams, after what Google sends, and what they say."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earthward.chat import Event, Failed, Failure, Finished, ToolCallStarted, collect
from earthward.dialects.gemini import StreamReader
from stream_laws import begins_and_counts_at_most_once, ends_in_one_failure, says_the_same_however_it_is_cut

GOLDEN = Path(__file__).parent / "golden/gemini_streams"
STREAMS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
WHOLE = [name for name in STREAMS if "choices" in EXPECTED[name]]
BROKEN = [name for name in STREAMS if "failure" in EXPECTED[name]]


def read(*pieces: bytes, answers: int = 1) -> list[Event]:
    reader = StreamReader(answers)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.end()


def asked_for(name: str) -> int:
    return 2 if "two" in name else 1


def test_every_golden_stream_has_its_expectation() -> None:
    assert STREAMS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_stream_says_what_its_expectation_says(name: str) -> None:
    answer = collect(read(STREAMS[name], answers=asked_for(name)))
    assert not isinstance(answer, Failure), answer
    found = [[_bare(part) for part in choice.parts] for choice in answer.choices]
    assert found == [choice["parts"] for choice in EXPECTED[name]["choices"]]
    assert [choice.reason for choice in answer.choices] == [choice["reason"] for choice in EXPECTED[name]["choices"]]
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
    ends_in_one_failure(read(STREAMS[name], answers=asked_for(name)), EXPECTED[name])


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    says_the_same_however_it_is_cut(partial(read, answers=asked_for(name)), STREAMS[name])


@pytest.mark.parametrize("name", STREAMS)
def test_events_come_in_the_order_the_vocabulary_promises(name: str) -> None:
    events = read(STREAMS[name], answers=asked_for(name))
    begins_and_counts_at_most_once(events)
    assert isinstance(events[-1], Finished | Failed)


@pytest.mark.parametrize("name", ["text", "safety"])
def test_one_of_two_answers_that_were_asked_for_is_no_whole_answer(name: str) -> None:
    events = read(STREAMS[name], answers=2)
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "broken_stream"


def test_an_answer_that_was_begun_unasked_must_be_finished_too() -> None:
    assert isinstance(read(STREAMS["one_of_two_unfinished"], answers=1)[-1], Failed)


def test_a_prompt_that_is_refused_ends_all_answers_that_were_asked_for() -> None:
    assert isinstance(read(STREAMS["blocked_prompt"], answers=3)[-1], Finished)


def test_calls_without_ids_get_some_that_differ() -> None:
    ids = [event.id for event in read(STREAMS["signed_call"]) if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == 2


def test_nothing_comes_after_a_failure() -> None:
    reader = StreamReader()
    assert isinstance(reader.feed(STREAMS["error_in_a_list"])[-1], Failed)
    assert reader.feed(STREAMS["text"]) == []
    assert reader.end() == []


def test_when_to_ask_again_is_kept_of_an_error() -> None:
    (failed,) = read(STREAMS["error_in_a_list"])
    assert isinstance(failed, Failed)
    assert failed.failure.retry_after == 34.5


@pytest.mark.parametrize(
    "payload",
    [b"[1]", b'"text"', b"1", b'{"candidates":1}', b'{"candidates":[null]}', b"{\xff}", b"[DONE]", b"[[]]"],
)
def test_json_of_another_form_is_malformed(payload: bytes) -> None:
    events = read(b"data: " + payload + b"\n\n")
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == "malformed"


def test_an_event_that_never_ends_is_refused_and_not_kept() -> None:
    reader = StreamReader()
    events = [event for _ in range(17) for event in reader.feed(b"data: " + b"x" * (1 << 20))]
    assert [event.failure.kind for event in events if isinstance(event, Failed)] == ["malformed"]
