"""Whole answers, both ways."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import (
    Answer,
    Choice,
    Citation,
    Count,
    Failure,
    FailureKind,
    FinishReason,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from earthward.dialects.anthropic_messages import read_answer, write_answer

GOLDEN = Path(__file__).parent / "golden/anthropic_answers"
ANSWERS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.json"))}
FOREIGN = {"anthropic_web_search", "ollama_content_null"}
"""Answers that hold more, or less, than can be written."""

CITED = Citation(0, 7, "https://x", kind="web_search_result_location")
SAID: dict[str, tuple[tuple[Part, ...], FinishReason]] = {
    "anthropic_text": ((Text('Hello "wörld" 🌍'),), "stop"),
    "anthropic_thinking_and_tools": (
        (
            Reasoning("Let me think.", "EqQB"),
            Text("I'll look."),
            ToolCall("toolu_01", "get_weather", '{"city":"Oslo"}'),
            ToolCall("toolu_02", "now", "{}"),
        ),
        "tool_calls",
    ),
    "anthropic_redacted_thinking": ((Reasoning("", "EmwK", redacted=True), Text("Four.")), "stop"),
    "anthropic_refusal": ((Text("I can"),), "filtered"),
    "anthropic_stop_sequence": ((Text("One"),), "stop_sequence"),
    "anthropic_max_tokens": ((Text("One"),), "length"),
    "anthropic_context_full": ((Text("One"),), "context"),
    "anthropic_pause": ((Text("One"),), "paused"),
    "anthropic_empty": ((), "stop"),
    "anthropic_web_search": ((Text("A city.", (CITED,)),), "stop"),
    "llamacpp_text": ((Text("I'm glad to"),), "length"),
}


def read(body: bytes) -> Answer:
    found = read_answer(body)
    assert isinstance(found, Answer), found
    return found


def written(*parts: Part, reason: FinishReason = "stop", **fields: Any) -> Any:
    return json.loads(write_answer(Answer("a", "m", None, (Choice(parts, reason),), **fields)))


@pytest.mark.parametrize("name", sorted(SAID))
def test_a_golden_answer_says_what_it_says(name: str) -> None:
    (choice,) = read(ANSWERS[name]).choices
    assert (choice.parts, choice.reason) == SAID[name]


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - FOREIGN))
def test_a_golden_answer_is_written_as_it_was(name: str) -> None:
    assert json.loads(write_answer(read(ANSWERS[name]))) == json.loads(ANSWERS[name])


def test_an_answer_keeps_who_gave_it_and_what_it_used() -> None:
    answer = read(ANSWERS["anthropic_thinking_and_tools"])
    assert (answer.id, answer.model) == ("msg_01", "claude-sonnet-4-5-20250929")
    assert answer.usage == Usage(*[Count.reported(tokens) for tokens in (119, 40, 100, 7, 15)])


def test_the_stop_sequence_that_was_hit_is_kept() -> None:
    assert read(ANSWERS["anthropic_stop_sequence"]).choices[0].stop_sequence == "END"


def test_what_is_null_does_not_ride_along() -> None:
    assert read(ANSWERS["anthropic_web_search"]).rest == {}
    assert set(read(ANSWERS["anthropic_refusal"]).rest) == {"stop_details"}


def test_every_field_that_clients_read_is_there() -> None:
    assert written() == {
        "id": "a",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def test_fields_of_other_vendors_are_not_written() -> None:
    assert "system_fingerprint" not in written(rest={"system_fingerprint": "fp"})


def test_litellm_34692_an_empty_text_is_no_block() -> None:
    assert written(Text(""))["content"] == []


def test_litellm_37792_the_input_of_a_call_is_an_object() -> None:
    (block,) = written(ToolCall("call_a", "f", '{"x": {"y": 1}}'), reason="tool_calls")["content"]
    assert block == {"type": "tool_use", "id": "call_a", "name": "f", "input": {"x": {"y": 1}}}


def test_thinking_has_a_signature_even_if_nobody_signed_it() -> None:
    assert written(Reasoning("Hm"))["content"] == [{"type": "thinking", "thinking": "Hm", "signature": ""}]


def test_a_refusal_is_text_and_the_reason_says_what_it_is() -> None:
    found = written(Refusal("No."))
    assert (found["content"], found["stop_reason"]) == ([{"type": "text", "text": "No."}], "refusal")


def test_litellm_35663_an_answer_that_calls_says_so() -> None:
    block = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    body = json.dumps({"content": [block], "stop_reason": "end_turn"}).encode()
    assert read(body).choices[0].reason == "tool_calls"


def test_a_call_without_an_id_gets_one() -> None:
    body = b'{"id":"msg_1","content":[{"type":"tool_use","name":"f"}],"stop_reason":"tool_use"}'
    assert read(body).choices[0].parts == (ToolCall("toolu_msg_1_0", "f", "{}"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"content":null}',
        b'{"content":[1]}',
        b'{"content":[{"type":"tool_use"}]}',
        b"\xff",
    ],
)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    failure = read_answer(body)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.MALFORMED


def test_an_error_with_status_200_is_a_failure() -> None:
    failure = read_answer(b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}')
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.OVERLOADED
