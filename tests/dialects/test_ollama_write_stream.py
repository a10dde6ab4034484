"""Events, written as lines for clients of chat and of generate."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Answer,
    Choice,
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Part,
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
    events_of,
)
from earthward.dialects.ollama import Durations, StreamReader, StreamWriter

GOLDEN = Path(__file__).parent / "golden/ollama"
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.ndjson"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "streams.json").read_text())
NOTHING = Durations()
USAGE = Usage(Count.reported(26), Count.reported(11), Count.reported(20))


def write(*events: Event, generate: bool = False, durations: Durations = NOTHING) -> list[Any]:
    writer = StreamWriter("asked-for", 1787313600, generate)
    stream = b"".join([writer.write(event) for event in events]) + writer.end(durations)
    return [json.loads(line) for line in stream.splitlines()]


def read(stream: bytes) -> Answer | Failure:
    reader = StreamReader()
    return collect([*reader.feed(stream), *reader.end()])


@pytest.mark.parametrize("generate", [False, True])
@pytest.mark.parametrize("name", [name for name in STREAMS if "parts" in EXPECTED[name]])
def test_a_stream_read_and_written_again_says_the_same(name: str, generate: bool) -> None:
    reader = StreamReader()
    writer = StreamWriter("asked-for", 1787313600, generate)
    events = [*reader.feed(STREAMS[name]), *reader.end()]
    written = b"".join([writer.write(event) for event in events]) + writer.end(reader.durations)
    before, after = read(STREAMS[name]), read(written)
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert after.choices == before.choices
    assert after.usage == before.usage
    again = StreamReader()
    again.feed(written)
    assert again.durations == reader.durations
    assert {json.loads(line)["model"] for line in written.splitlines()} == {"asked-for"}


def test_every_line_is_in_ollama_s_form() -> None:
    about = {"model": "asked-for", "created_at": "2026-08-21T12:00:00.000000Z"}
    said = write(
        Started("x", "up", 1),
        ReasoningDelta("Hm"),
        TextDelta('He said "hi"\n'),
        RefusalDelta("No."),
        Finished("stop"),
        UsageReported(USAGE),
        durations=Durations(4, 3, 2, 1),
    )
    assert said == [
        {**about, "message": {"role": "assistant", "content": "", "thinking": "Hm"}, "done": False},
        {**about, "message": {"role": "assistant", "content": 'He said "hi"\n'}, "done": False},
        {**about, "message": {"role": "assistant", "content": "No."}, "done": False},
        {
            **about,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "total_duration": 4,
            "load_duration": 3,
            "prompt_eval_count": 26,
            "prompt_eval_cached_count": 20,
            "prompt_eval_duration": 2,
            "eval_count": 11,
            "eval_duration": 1,
        },
    ]


def test_a_client_of_generate_gets_responses() -> None:
    thought, said, done = write(ReasoningDelta("Hm"), TextDelta("Yes"), Finished("length"), generate=True)
    assert (thought["response"], thought["thinking"], said["response"]) == ("", "Hm", "Yes")
    assert (done["response"], done["done"], done["done_reason"]) == ("", True, "length")
    assert all("message" not in line for line in (thought, said, done))


def test_arguments_in_pieces_become_whole_calls_in_one_line() -> None:
    said = write(
        ToolCallStarted(0, "call_a", "f"),
        ToolCallDelta(0, '{"x":'),
        ToolCallStarted(1, "call_b", "g"),
        ToolCallDelta(0, " 1}"),
        Finished("tool_calls"),
    )
    assert [line["done"] for line in said] == [False, True]
    assert said[0]["message"]["tool_calls"] == [
        {"id": "call_a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
        {"id": "call_b", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]
    assert said[1]["done_reason"] == "stop"


def test_arguments_that_are_no_object_are_an_error_and_never_a_clean_end() -> None:
    for arguments in ('{"x":', "[1]", '"x"'):
        said = write(ToolCallStarted(0, "a", "f"), ToolCallDelta(0, arguments), Finished("tool_calls"))
        assert list(said[-1]) == ["error"]
        assert "f" in said[-1]["error"]


def test_a_call_cut_off_with_the_answer_is_left_out_and_the_reason_says_so() -> None:
    whole = (ToolCallStarted(0, "a", "f"), ToolCallDelta(0, '{"x": 1}'))
    cut = (ToolCallStarted(1, "b", "g"), ToolCallDelta(1, '{"y": "z'))
    calls, done = write(*whole, *cut, Finished("length"))
    assert [call["function"]["name"] for call in calls["message"]["tool_calls"]] == ["f"]
    assert done["done_reason"] == "length"
    assert len(write(ToolCallStarted(0, "b", "g"), ToolCallDelta(0, "{"), Finished("length"))) == 1


def test_a_custom_call_s_free_text_is_one_argument() -> None:
    calls, _ = write(ToolCallStarted(0, "a", "run", custom=True), ToolCallDelta(0, "ls"), Finished("tool_calls"))
    assert calls["message"]["tool_calls"][0]["function"]["arguments"] == {"input": "ls"}


def test_what_is_not_known_is_left_out() -> None:
    _, done = write(TextDelta("x"), Finished("stop"))
    assert set(done) == {"model", "created_at", "message", "done", "done_reason"}


def test_a_stream_that_was_not_finished_ends_in_an_error() -> None:
    assert list(write(TextDelta("x"))[-1]) == ["error"]
    assert list(write()[-1]) == ["error"]


def test_nothing_comes_after_a_failure() -> None:
    failed = Failed(Failure(FailureKind.OVERLOADED, "server busy"))
    assert write(TextDelta("x"), failed, TextDelta("y"), Finished("stop"))[1:] == [{"error": "server busy"}]


def test_only_the_first_of_several_answers_is_written() -> None:
    said = write(TextDelta("x"), TextDelta("y", 1), Finished("stop", 1), Finished("stop"))
    assert [line["message"]["content"] for line in said] == ["x", ""]


texts = st.text(min_size=1)
words = st.text("abc", min_size=1, max_size=4)
json_objects = st.dictionaries(words, st.none() | st.booleans() | st.integers(0, 9) | st.text(), max_size=3).map(
    lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    parts: list[Part] = [
        *draw(st.lists(st.builds(Reasoning, texts), max_size=1)),
        *draw(st.lists(st.builds(Text, texts), max_size=1)),
        *draw(st.lists(st.builds(ToolCall, words, words, json_objects), max_size=2)),
    ]
    called = any(isinstance(part, ToolCall) for part in parts)
    reason = draw(st.sampled_from(["length", "tool_calls" if called else "stop"]))
    counts = draw(st.lists(st.none() | st.integers(0, 9), min_size=3, max_size=3))
    usage = Usage(*(Count() if count is None else Count.reported(count) for count in counts))
    return Answer(None, "m", 1787313600, (Choice(tuple(parts), reason),), usage)


@settings(max_examples=60, deadline=None)
@given(answers(), st.booleans())
def test_an_answer_written_as_a_stream_reads_back(answer: Answer, generate: bool) -> None:
    writer = StreamWriter("m", 1787313600, generate)
    stream = b"".join([writer.write(event) for event in events_of(answer)]) + writer.end()
    assert read(stream) == answer
