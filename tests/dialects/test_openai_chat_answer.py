"""Whole answers, both ways."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from earthward.chat import (
    Answer,
    Choice,
    Citation,
    Count,
    Failure,
    FailureKind,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from earthward.dialects.openai_chat import read_answer, write_answer

ANSWERS = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "golden/answers").glob("*.json"))}

OSLO = Citation(6, 19, "https://example.com/oslo", "Oslo", kind="url_citation")
EXPECTED: dict[str, list[tuple[tuple[Part, ...], str]]] = {
    "content_as_parts": [((Text("Hello"),), "stop")],
    "llamacpp_schema": [((Text('{\n  "a": "adm"\n}'),), "stop")],
    "llamacpp_text": [((Text("Pete: The friendly and lovable boy with a heart"),), "length")],
    "openai_cited": [((Text("Höst. Oslo is grey. See it.", (OSLO,)),), "stop")],
    "openai_legacy_function": [((ToolCall("call_chatcmpl-BKx1_0_0", "get_weather", "{}"),), "tool_calls")],
    "openai_logprobs": [((Text("Hi"),), "stop")],
    "openai_parallel_tools": [
        (
            (
                ToolCall("call_a", "get_weather", '{"city": "Oslo"}'),
                ToolCall("call_b", "run", "print(1)", custom=True),
            ),
            "tool_calls",
        )
    ],
    "openai_refusal": [((Refusal("I can't help with that."),), "stop")],
    "openai_text": [((Text('Hello "wörld" 🌍'),), "stop")],
    "openai_two_answers": [((Text("Heads"),), "stop"), ((Text("Tails"),), "length")],
    "tool_arguments_as_object": [
        ((ToolCall("call_chatcmpl-BKx1_0_0", "get_weather", '{"city":"Oslo"}'),), "tool_calls")
    ],
    "vllm_reasoning": [((Reasoning("Let me think."), Text("Four.")), "stop")],
}


def answer(body: bytes) -> Answer:
    read = read_answer(body)
    assert isinstance(read, Answer), read
    return read


def test_every_golden_answer_has_its_expectation() -> None:
    assert ANSWERS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_says_what_its_expectation_says(name: str) -> None:
    read = answer(ANSWERS[name])
    assert [(choice.parts, choice.reason) for choice in read.choices] == EXPECTED[name]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_written_again_is_the_same_answer_and_valid_for_the_official_sdk(name: str) -> None:
    read = answer(ANSWERS[name])
    written = write_answer(read)
    assert answer(written) == read
    ChatCompletion.model_validate_json(written)


def test_what_was_used_and_what_the_upstream_said_about_itself_is_kept() -> None:
    read = answer(ANSWERS["openai_text"])
    assert read.usage == Usage(Count.reported(19), Count.reported(10), Count.reported(4), reasoning=Count.reported(2))
    assert read.rest == {"service_tier": "default", "system_fingerprint": "fp_0392822090"}
    assert (read.id, read.model, read.created) == ("chatcmpl-BKx1", "gpt-4o-mini-2024-07-18", 1744700000)


def test_log_probabilities_are_those_of_the_content() -> None:
    assert [token["token"] for token in answer(ANSWERS["openai_logprobs"]).choices[0].logprobs] == ["Hi"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":1}]}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"a"}]}}]}',
        b'{"choices":' + b"[" * 9999,
        b"\xff",
    ],
)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    read = read_answer(body)
    assert isinstance(read, Failure)
    assert read.kind is FailureKind.MALFORMED


def test_an_error_with_status_200_is_a_failure() -> None:
    read = read_answer(b'{"error":{"message":"no","type":"rate_limit_error"}}')
    assert isinstance(read, Failure)
    assert read.kind is FailureKind.RATE_LIMITED


def test_an_answer_given_up_is_a_failure() -> None:
    read = read_answer(b'{"choices":[{"message":{"content":"x"},"finish_reason":"abort"}]}')
    assert isinstance(read, Failure)
    assert read.kind is FailureKind.UPSTREAM_ERROR


def message(*parts: Part, functions: bool = False) -> dict[str, Any]:
    wire = json.loads(write_answer(Answer("x", "m", 1, (Choice(parts, "stop"),)), functions))
    ChatCompletion.model_validate(wire)
    found: dict[str, Any] = wire["choices"][0]["message"]
    return found


def test_content_is_null_only_where_something_else_is_said() -> None:
    assert message()["content"] == ""
    assert message(ToolCall("a", "f", "{}"))["content"] is None
    assert message(Refusal("no"))["content"] is None
    assert message(Text("a"), Text("b"))["content"] == "ab"


def test_reasoning_is_written_under_both_names_clients_know_unless_it_is_redacted() -> None:
    found = message(Reasoning("Hm"), Reasoning("opaque", "signature", redacted=True), Text("x"))
    assert found["reasoning"] == found["reasoning_content"] == "Hm"


def test_a_client_of_functions_gets_its_one_call_as_it_knows_it() -> None:
    found = message(ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"), functions=True)
    assert found["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in found


def test_an_answer_that_knows_nothing_of_itself_is_still_valid() -> None:
    ChatCompletion.model_validate_json(write_answer(Answer(None, None, None, (Choice((Text("x"),), "stop"),))))


texts = st.text(min_size=1)
calls = st.builds(ToolCall, st.text("ab", min_size=1), st.text("fg", min_size=1), texts, st.booleans())


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    choices = []
    for _ in range(draw(st.integers(1, 3))):
        parts: list[Part] = [kind(draw(texts)) for kind in (Reasoning, Text, Refusal) if draw(st.booleans())]
        called = draw(st.lists(calls, max_size=2))
        reason = draw(st.sampled_from(["length", "filtered", "tool_calls" if called else "stop"]))
        choices.append(Choice((*parts, *called), reason))
    usage = draw(st.sampled_from([Usage(), Usage(Count.reported(1), Count.reported(2), reasoning=Count.reported(0))]))
    return Answer(
        draw(texts), draw(texts), draw(st.integers(1, 2**40)), tuple(choices), usage, {"service_tier": "flex"}
    )


@settings(max_examples=100, deadline=None)
@given(answers())
def test_an_answer_written_reads_back(original: Answer) -> None:
    written = write_answer(original)
    assert answer(written) == original
    ChatCompletion.model_validate_json(written)


@given(
    text=st.text(),
    named=st.sampled_from([None, "", "chatcmpl-1", 'a "quoted" näme']),
    reason=st.sampled_from(["stop", "stop_sequence", "length", "context", "tool_calls", "filtered", "paused"]),
    counts=st.lists(st.one_of(st.just(Count()), st.integers(0, 2**40).map(Count.reported)), min_size=5, max_size=5),
    functions=st.booleans(),
)
def test_an_answer_of_one_text_is_written_as_any_other(
    text: str, named: str | None, reason: Any, counts: list[Count], functions: bool
) -> None:
    plain = Answer(named, named, 5 if named else None, (Choice((Text(text),), reason),), Usage(*counts))
    odd = Answer(plain.id, plain.model, plain.created, plain.choices, plain.usage, {"odd": 1})
    assert b'{"odd":1,' + write_answer(plain, functions)[1:] == write_answer(odd, functions)
