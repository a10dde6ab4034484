"""What engines differ in."""

import json
from typing import Any

import pytest

from earthward.chat import Answer, ChatRequest, Message, Reasoning, ReasoningControl, Role, Text
from earthward.dialects import openai_chat
from earthward.dialects.content.engines import PROFILES, for_engine

HI = (Message(Role.USER, (Text("Hi"),)),)


def asked(control: ReasoningControl | None, **rest: Any) -> ChatRequest:
    return ChatRequest("m", HI, reasoning=control, rest=rest)


@pytest.mark.parametrize(
    ("engine", "control", "rest"),
    [
        ("vllm", None, {}),
        ("vllm", ReasoningControl("none"), {"chat_template_kwargs": {"enable_thinking": False}}),
        (
            "vllm",
            ReasoningControl(budget=512),
            {"thinking_token_budget": 512, "chat_template_kwargs": {"enable_thinking": True}},
        ),
        (
            "llama_cpp",
            ReasoningControl("high", 512),
            {"thinking_budget_tokens": 512, "chat_template_kwargs": {"enable_thinking": True}},
        ),
        ("sglang", ReasoningControl(budget=-1), {"chat_template_kwargs": {"enable_thinking": True}}),
        ("sglang", ReasoningControl(budget=0), {"chat_template_kwargs": {"enable_thinking": False}}),
        ("lm_studio", ReasoningControl("high", 512), {}),
    ],
)
def test_a_wish_for_thinking_is_said_in_the_engines_words(engine: Any, control: Any, rest: Any) -> None:
    request = for_engine(asked(control), PROFILES[engine])
    assert request.rest == rest
    written = openai_chat.write_request(request)
    assert isinstance(written, bytes)
    assert {**json.loads(written), **rest} == json.loads(written)


def test_what_the_caller_tells_the_template_stays() -> None:
    given = {"enable_thinking": True, "x": 1}
    request = for_engine(asked(ReasoningControl("none"), chat_template_kwargs=given), PROFILES["vllm"])
    assert request.rest["chat_template_kwargs"] == given
    broken = for_engine(asked(ReasoningControl("none"), chat_template_kwargs=5), PROFILES["vllm"])
    assert broken.rest["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_gotcha_43_thinking_is_heard_under_every_engines_name_for_it(name: str) -> None:
    choice = {"message": {"content": "x", name: "Hm"}}
    answer = openai_chat.read_answer(json.dumps({"choices": [choice]}).encode())
    assert isinstance(answer, Answer)
    assert answer.choices[0].parts == (Reasoning("Hm"), Text("x"))
