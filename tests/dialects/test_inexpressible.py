"""What carries content and has no word on the other side is refused, however little of it is said."""

import json
from typing import Any

import pytest

from earthward.chat import ChatRequest, Failure, Message, Role, Text
from earthward.dialects import anthropic_messages, gemini, ollama, openai_chat, openai_completions
from earthward.dialects.inexpressible import KEPT_ELSEWHERE

WRITERS = [anthropic_messages.write_request, ollama.write_request]


def asked(**rest: Any) -> ChatRequest:
    return ChatRequest("m", (Message(Role.USER, (Text("hi"),)),), max_tokens=5, rest=rest)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", KEPT_ELSEWHERE)
@pytest.mark.parametrize("value", [True, {}, {"search_context_size": "low"}, "resp_1"])
def test_a_field_that_carries_content_is_refused_by_its_name(write: Any, name: str, value: Any) -> None:
    refused = write(asked(**{name: value}))
    assert isinstance(refused, Failure)
    assert refused.param == name
    assert KEPT_ELSEWHERE[name] in refused.message


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("value", [None, False, "", []])
def test_one_that_asks_for_nothing_is_no_reason_to_refuse(write: Any, value: Any) -> None:
    assert isinstance(write(asked(**dict.fromkeys(KEPT_ELSEWHERE, value))), bytes)


@pytest.mark.parametrize("write", WRITERS)
def test_an_answer_that_is_to_be_spoken_is_refused_where_models_only_write(write: Any) -> None:
    assert isinstance(write(asked(modalities=["text"])), bytes)
    refused = write(asked(modalities=["text", "audio"]))
    assert isinstance(refused, Failure)
    assert refused.param == "modalities"


def completion(n: int) -> ChatRequest | Failure:
    return openai_completions.read_request(json.dumps({"model": "m", "prompt": "hi", "n": n}).encode())


def chat(n: int) -> ChatRequest | Failure:
    return openai_chat.read_request(json.dumps({"model": "m", "messages": [], "n": n}).encode())


def candidates(n: int) -> ChatRequest | Failure:
    return gemini.read_request(json.dumps({"contents": [], "generationConfig": {"candidateCount": n}}).encode(), "m")


@pytest.mark.parametrize(
    ("read", "param"), [(completion, "n"), (chat, "n"), (candidates, "generationConfig.candidateCount")]
)
def test_fewer_answers_than_one_are_refused_before_a_target_is_asked_for_none(read: Any, param: str) -> None:
    for few in (0, -1):
        refused = read(few)
        assert isinstance(refused, Failure)
        assert refused.param == param
        assert "1 answer or more" in refused.message
    assert read(1).answers == 1


@pytest.mark.parametrize("write", [anthropic_messages.write_request, gemini.write_request])
def test_a_conversation_in_which_nothing_is_said_is_refused_not_begun_for_the_caller(write: Any) -> None:
    refused = write(ChatRequest("m", (), max_tokens=5))
    assert isinstance(refused, Failure)
    assert "is empty" in refused.message
    assert isinstance(write(ChatRequest("m", (Message(Role.SYSTEM, (Text("Be kind."),)),), max_tokens=5)), bytes)
