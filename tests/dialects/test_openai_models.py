"""OpenAI's models that reason are told how to draw and where to stop only where they would take it."""

import json
from typing import Any

import pytest

from earthward.chat import ChatRequest, Message, ReasoningControl, Role, Sampling, Text
from earthward.dialects import openai_chat, openai_responses
from earthward.dialects.openai_models import as_taken, reasoner

HI = (Message(Role.USER, (Text("Hi"),)),)
TUNED = Sampling(temperature=0.2, top_p=0.5, frequency_penalty=0.1, presence_penalty=0.1, seed=7, stop=("END",))
TUNES = (
    *("temperature", "top_p", "frequency_penalty", "presence_penalty"),
    *("stop", "logprobs", "top_logprobs", "logit_bias"),
)


REASONING = ("o3", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-mini-2025-08-07", "openai/gpt-5-nano")


def asked(model: str, **fields: Any) -> ChatRequest:
    given: dict[str, Any] = {"sampling": TUNED, "logprobs": True, "top_logprobs": 2, "rest": {"logit_bias": {"1": 1}}}
    return ChatRequest(model, HI, **{**given, **fields})


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "gpt-5.2-chat-latest", "chatgpt-4o-latest", "my-o3", "omni", ""],
)
def test_who_does_not_reason_is_told_everything(model: str) -> None:
    assert reasoner(model) is None
    assert as_taken(asked(model)) == (asked(model), ())


@pytest.mark.parametrize("model", REASONING)
def test_who_reasons_is_not_told_what_it_would_refuse(model: str) -> None:
    taken, lost = as_taken(asked(model))
    assert sorted(lost) == sorted(TUNES)
    assert taken == ChatRequest(model, HI, sampling=Sampling(seed=7))


def test_the_first_of_them_stops_where_it_is_told() -> None:
    taken, lost = as_taken(asked("o1-2024-12-17"))
    assert taken.sampling.stop == ("END",)
    assert "stop" not in lost


@pytest.mark.parametrize("model", ["gpt-5.1", "gpt-5.6-sol", "gpt-6-astra"])
def test_the_later_ones_draw_as_they_are_told_when_they_are_told_not_to_think(model: str) -> None:
    assert as_taken(asked(model, reasoning=ReasoningControl("none")))[1] == ()
    assert as_taken(asked(model, reasoning=ReasoningControl(budget=0)))[1] == ()
    assert "temperature" in as_taken(asked(model))[1]
    assert "temperature" in as_taken(asked(model, reasoning=ReasoningControl("low")))[1]
    assert "temperature" in as_taken(asked("gpt-5", reasoning=ReasoningControl("none")))[1]


def test_what_holds_anyway_is_said() -> None:
    neutral = Sampling(temperature=1, top_p=1, frequency_penalty=0, presence_penalty=0)
    request = ChatRequest("o3", HI, sampling=neutral)
    assert as_taken(request) == (request, ())


def test_both_of_openai_s_dialects_leave_it_out_and_name_it() -> None:
    request = asked("o3")
    chat = openai_chat.write_request(request, extensions=False)
    responses = openai_responses.write_request(request)
    assert isinstance(chat, bytes)
    assert isinstance(responses, bytes)
    for body in (chat, responses):
        assert not {"temperature", "top_p", "stop", "logprobs", "top_logprobs", "logit_bias"} & json.loads(body).keys()
    assert set(TUNES) <= set(openai_chat.losses(request, extensions=False))
    assert set(TUNES) <= set(openai_responses.losses(request))
    assert json.loads(chat)["seed"] == 7


def test_a_server_of_another_s_may_call_its_models_as_it_likes() -> None:
    body = openai_chat.write_request(asked("o3"))
    assert isinstance(body, bytes)
    assert json.loads(body)["temperature"] == 0.2
    assert openai_chat.losses(asked("o3")) == ()
