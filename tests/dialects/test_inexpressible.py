"""What carries content and has no word on the other side is refused, however little of it is said."""

from typing import Any

import pytest

from earthward.chat import ChatRequest, Failure, Message, Role, Text
from earthward.dialects import anthropic_messages, ollama
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
