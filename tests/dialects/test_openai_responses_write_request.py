"""Requests written: what they say, what they lose, and what they refuse."""

import json
from typing import Any

import pytest

from earthward.chat import (
    Audio,
    ChatRequest,
    Document,
    Failure,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningControl,
    Refusal,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from earthward.dialects.openai_responses import losses, read_request, write_request

EVERYTHING = ChatRequest(
    "m",
    (
        Message(Role.SYSTEM, (Text("Be kind."),)),
        Message(Role.DEVELOPER, (Text("Be brief."),)),
        Message(Role.USER, (Text("Look:"), Image("image/png", "AAAA", detail="low"), Document(url="https://x/a.pdf"))),
        Message(
            Role.ASSISTANT,
            (
                Reasoning("Hm", "openai:g"),
                Text("I look."),
                Refusal("No."),
                ToolCall("a", "f", '{"x": 1}'),
                ToolCall("b", "run", "1+1", custom=True),
            ),
        ),
        Message(Role.TOOL, (ToolResult("a", (Text("rain"), Image("image/png", "AAAA")), "f"),)),
        Message(Role.TOOL, (ToolResult("b", (Text("2"),), "run"),)),
    ),
    tools=(
        Tool("f", "F", {"type": "object"}, True),
        Tool("run", kind="custom"),
        Tool("web_search", kind="hosted", rest={"type": "web_search"}),
    ),
    tool_choice=ToolChoice("auto", ("f", "run")),
    parallel_tool_calls=False,
    sampling=Sampling(0.5, 0.9),
    max_tokens=100,
    output=OutputFormat("json", {"type": "object"}, "n", True, "d"),
    reasoning=ReasoningControl("high", show=True),
    logprobs=True,
    top_logprobs=2,
    stream=True,
    stream_usage=True,
    user="u",
    metadata={"a": "b"},
    rest={"store": True, "verbosity": "low", "include": ["reasoning.encrypted_content"], "truncation": "auto"},
)


def asked(*parts: Part, role: Role = Role.USER, **fields: Any) -> ChatRequest:
    return ChatRequest("m", (Message(role, parts or (Text("Hi"),)),), **fields)


def written(request: ChatRequest, extensions: bool = False) -> Any:
    body = write_request(request, extensions)
    assert isinstance(body, bytes), body
    return json.loads(body)


def test_everything_that_can_be_said_reads_back() -> None:
    assert losses(EVERYTHING) == ()
    assert read_request(json.dumps(written(EVERYTHING)).encode()) == EVERYTHING


def test_nothing_is_stored_that_nobody_asked_to_store() -> None:
    assert written(asked())["store"] is False
    assert written(EVERYTHING)["store"] is True


def test_a_function_says_that_it_is_not_strict() -> None:
    (tool,) = written(asked(tools=(Tool("f"),)))["tools"]
    assert tool == {
        "type": "function",
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }


def test_only_what_openai_encrypted_is_sent_to_it() -> None:
    parts = (Reasoning("a", "EqQ"), Reasoning("b", "google:QUJD"), Reasoning("c"), Reasoning("d", "openai:g"))
    request = asked(*parts, role=Role.ASSISTANT)
    assert written(request)["input"] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "d"}], "encrypted_content": "g"}
    ]
    assert "messages.reasoning" in losses(request)
    assert len(written(request, extensions=True)["input"]) == 4


def test_an_error_is_told_in_words() -> None:
    request = asked(ToolResult("a", (Text("no"),), is_error=True), role=Role.TOOL)
    assert written(request)["input"][0]["output"] == "Error: no"
    assert losses(request) == ("messages.is_error",)


@pytest.mark.parametrize(
    ("control", "wire"),
    [
        (ReasoningControl("none"), {"effort": "none"}),
        (ReasoningControl(budget=0), {"effort": "none"}),
        (ReasoningControl(budget=4096), {"effort": "medium", "summary": "auto"}),
        (ReasoningControl(budget=4096, show=False), {"effort": "medium"}),
        (ReasoningControl("low"), {"effort": "low"}),
        (ReasoningControl(), {"summary": "auto"}),
        (ReasoningControl(budget=-1, show=True), {"summary": "auto"}),
    ],
)
def test_thinking_is_said_as_an_effort(control: ReasoningControl, wire: Any) -> None:
    assert written(asked(reasoning=control))["reasoning"] == wire


def test_losses_name_what_is_dropped() -> None:
    sampling = Sampling(top_k=1, frequency_penalty=1, seed=1, stop=("x",))
    request = asked(sampling=sampling, reasoning=ReasoningControl(budget=1), rest={"logit_bias": {}, "store": True})
    assert losses(request) == ("top_k", "frequency_penalty", "seed", "stop", "reasoning", "logit_bias")


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (asked(answers=2), "n"),
        (asked(rest={"modalities": ["audio"]}), "modalities"),
        (asked(Audio("wav", "AAAA")), "input"),
        (asked(Image(file_id="gs://x/y")), "input"),
        (asked(Image("image/png", "AAAA"), role=Role.ASSISTANT), "input"),
        (asked(tools=(Tool("googleSearch", kind="hosted", rest={"googleSearch": {}}),)), "tools"),
    ],
)
def test_what_carries_content_and_has_no_word_is_refused(request_: ChatRequest, param: str) -> None:
    failure = write_request(request_)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == ("unsupported", param)


def test_system_text_that_is_all_there_is_stands_in_the_input() -> None:
    body = write_request(ChatRequest("m", (Message(Role.SYSTEM, (Text("Write a poem."),)),)))
    assert isinstance(body, bytes)
    written = json.loads(body)
    assert "instructions" not in written
    content = [{"type": "input_text", "text": "Write a poem."}]
    assert written["input"] == [{"type": "message", "role": "system", "content": content}]
