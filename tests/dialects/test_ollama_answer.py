"""Whole answers, both ways."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import (
    Answer,
    Choice,
    Count,
    Failure,
    FailureKind,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
    collect,
)
from earthward.dialects.ollama import Durations, StreamReader, read_answer, write_answer

GOLDEN = Path(__file__).parent / "golden/ollama/answers"
ANSWERS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.json"))}


def read(body: bytes, **how: Any) -> Answer:
    answer = read_answer(body, **how)
    assert isinstance(answer, Answer), answer
    return answer


def write(answer: Answer, **how: Any) -> Any:
    body = write_answer(answer, **how)
    assert isinstance(body, bytes), body
    return json.loads(body)


def answer(*parts: Any, reason: Any = "stop") -> Answer:
    return Answer(None, "m", 0, (Choice(parts, reason),))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_golden_answer_read_and_written_again_is_what_it_was(name: str) -> None:
    original = json.loads(ANSWERS[name])
    written = write(read(ANSWERS[name]), generate=name.startswith("generate"))
    # Times have whole seconds in the vocabulary.
    assert written.pop("created_at") == "2026-08-21T12:00:00.000000Z"
    original.pop("created_at")
    assert written == original


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_says_what_the_same_stream_says(name: str) -> None:
    reader = StreamReader()
    line = json.dumps(json.loads(ANSWERS[name])).encode() + b"\n"
    streamed = collect([*reader.feed(line), *reader.end()])
    assert isinstance(streamed, Answer)
    whole = read(ANSWERS[name])
    assert streamed.choices == whole.choices
    assert streamed.usage == whole.usage


def test_an_answer_is_read_whole() -> None:
    found = read(ANSWERS["tools"])
    assert found.choices[0].parts == (
        ToolCall("call_ab12cd34", "get_weather", '{"city":"Paris"}'),
        ToolCall("call_ef56gh78", "get_time", '{"zone":{"name":"CET"}}'),
    )
    assert found.choices[0].reason == "tool_calls"
    assert found.usage == Usage(Count.reported(26), Count.reported(11))
    assert found.rest["total_duration"] == 1987654321


def test_gotcha_53_counts_that_are_missing_are_unknown_and_not_zero() -> None:
    told = {"model": "m", "message": {"role": "assistant", "content": "a"}, "done": True, "done_reason": "stop"}
    assert not read(json.dumps(told).encode()).usage.input.is_known
    # On a hit in its cache an older host leaves out one of them.
    found = read(json.dumps({**told, "eval_count": 3}).encode()).usage
    assert (found.input.is_known, found.output) == (False, Count.reported(3))


def test_a_cloud_model_that_answered_is_named() -> None:
    assert read(ANSWERS["cloud"]).rest["remote_model"] == "gpt-oss:120b"


def test_an_answer_that_was_given_up_is_a_failure_though_its_status_was_200() -> None:
    """The guard against repetition ends an answer without `done` and without an error."""
    wire = {**json.loads(ANSWERS["text"]), "done": False}
    wire.pop("done_reason")
    failure = read_answer(json.dumps(wire).encode())
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BROKEN_STREAM


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FailureKind.MALFORMED),
        (b"[]", FailureKind.MALFORMED),
        (b"{}", FailureKind.MALFORMED),
        (b'{"message":"x","done":true}', FailureKind.MALFORMED),
        (b'{"message":{"content":1},"done":true}', FailureKind.MALFORMED),
        (b'{"message":{"content":""},"done":true,"done_reason":"load"}', FailureKind.MALFORMED),
        (b'{"error":"server busy, please try again"}', FailureKind.OVERLOADED),
    ],
)
def test_what_is_no_answer_is_a_failure(body: bytes, kind: FailureKind) -> None:
    failure = read_answer(body)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


def test_an_answer_that_fills_the_context_says_so() -> None:
    assert read(ANSWERS["length"], num_ctx=37).choices[0].reason == "context"
    assert read(ANSWERS["length"], num_ctx=38).choices[0].reason == "length"


def test_a_call_without_an_id_is_given_one_of_its_own() -> None:
    wire = json.loads(ANSWERS["tools"])
    for call in wire["message"]["tool_calls"]:
        del call["id"]
    ids = [part.id for part in read(json.dumps(wire).encode()).choices[0].parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2
    wire["created_at"] = "2026-08-21T12:00:01.5Z"
    others = [part.id for part in read(json.dumps(wire).encode()).choices[0].parts if isinstance(part, ToolCall)]
    assert not set(ids) & set(others)


def test_a_custom_call_is_free_text_again() -> None:
    wire = json.loads(ANSWERS["text"])
    wire["message"]["tool_calls"] = [{"id": "a", "function": {"name": "run", "arguments": {"input": "ls"}}}]
    found = read(json.dumps(wire).encode(), custom=frozenset({"run"}))
    assert ToolCall("a", "run", "ls", custom=True) in found.choices[0].parts


def test_what_is_said_to_ollama_s_clients() -> None:
    wire = write(
        answer(Reasoning("Hm"), Reasoning("secret", redacted=True), Text("No"), Refusal("!")),
        durations=Durations(total_duration=5),
    )
    assert wire["message"] == {"role": "assistant", "content": "No!", "thinking": "Hm"}
    assert (wire["done"], wire["done_reason"], wire["total_duration"]) == (True, "stop", 5)
    assert "prompt_eval_count" not in wire


@pytest.mark.parametrize(
    ("reason", "word"),
    [("stop_sequence", "stop"), ("tool_calls", "stop"), ("context", "length"), ("filtered", "content_filter")],
)
def test_reasons_are_said_in_ollama_s_words(reason: str, word: str) -> None:
    assert write(answer(Text("x"), reason=reason))["done_reason"] == word


def test_an_answer_that_was_withheld_reads_back_as_that() -> None:
    withheld = write(answer(reason="filtered"))
    assert read(json.dumps(withheld).encode()).choices[0].reason == "filtered"


def test_fields_of_other_dialects_do_not_ride_along() -> None:
    asked = Answer("x", "m", 0, (Choice((Text("x"),), "stop"),), rest={"system_fingerprint": "fp"})
    assert "system_fingerprint" not in write(asked)


def test_a_call_that_is_no_call_is_a_failure() -> None:
    for parts in [(ToolCall("a", "f", "{"),), (ToolCall("a", "f", "[]"), ToolCall("b", "g", "{}"))]:
        failure = write_answer(answer(*parts, reason="tool_calls"))
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.MALFORMED
    assert isinstance(write_answer(Answer(None, None, None, ())), Failure)
