"""Requests written for Google: what they say, what they lose, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earthward.chat import (
    ChatRequest,
    Failure,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningControl,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from earthward.dialects.gemini import losses, read_request, write_request

GOLDEN = Path(__file__).parent / "golden/gemini_requests"
NAMES = [path.stem for path in sorted(GOLDEN.glob("*.json"))]


def asked(*parts: Part, **fields: Any) -> ChatRequest:
    return ChatRequest("m", (Message(Role.USER, parts or (Text("Hi"),)),), **fields)


def written(request: ChatRequest, **options: bool) -> Any:
    body = write_request(request, **options)
    assert isinstance(body, bytes), body
    return json.loads(body)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_reads_back(name: str) -> None:
    request = read_request((GOLDEN / f"{name}.json").read_bytes(), "m")
    assert isinstance(request, ChatRequest)
    tools = tuple(msgspec.structs.replace(tool, rest={}) if tool.kind == "function" else tool for tool in request.tools)
    back = read_request(msgspec.json.encode(written(request, vertex=True)), "m")
    assert isinstance(back, ChatRequest)
    bare = [
        Message(message.role, tuple(part for part in message.parts if part != Reasoning("Hm.")))
        for message in request.messages
    ]
    found = [
        Message(message.role, tuple(part for part in message.parts if part != Reasoning("Hm.")))
        for message in back.messages
    ]
    assert found == bare
    same = ("tools", "tool_choice", "sampling", "max_tokens", "output", "reasoning", "logprobs", "metadata", "rest")
    for name in same:
        assert getattr(back, name) == (tools if name == "tools" else getattr(request, name)), name


def test_turns_of_one_role_become_one_and_responses_come_first() -> None:
    messages = (
        Message(Role.USER, (Text("a"),)),
        Message(Role.DEVELOPER, (Text("Be kind."),)),
        Message(Role.USER, (Text("b"),)),
        Message(Role.ASSISTANT, (ToolCall("1", "f", "{}"),)),
        Message(Role.USER, (Text("wait"),)),
        Message(Role.TOOL, (ToolResult("1", (Text("x"),)),)),
    )
    wire = written(ChatRequest("m", messages))
    assert wire["systemInstruction"] == {"parts": [{"text": "Be kind."}]}
    assert [(turn["role"], [*map(next, map(iter, turn["parts"]))]) for turn in wire["contents"]] == [
        ("user", ["text", "text"]),
        ("model", ["functionCall"]),
        ("user", ["functionResponse", "text"]),
    ]
    assert wire["contents"][2]["parts"][0]["functionResponse"]["name"] == "f"


def test_a_conversation_that_the_assistant_begins_gets_a_first_turn() -> None:
    request = ChatRequest("m", (Message(Role.ASSISTANT, (Text("Hi"),)),))
    assert written(request)["contents"][0]["role"] == "user"
    assert losses(request) == ("messages.first",)


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ('{"a": 1}', {"a": 1}),
        ("rain", {"output": "rain"}),
        ('{"output": "x"}', {"output": '{"output": "x"}'}),
        ("[1]", {"output": "[1]"}),
        ("", {"output": ""}),
        ('{"a": 1e999}', {"output": '{"a": 1e999}'}),
    ],
)
def test_a_result_that_is_an_object_is_shown_as_one(content: str, response: Any) -> None:
    result = ToolResult("1", (Text(content),), "f")
    wire = written(ChatRequest("m", (Message(Role.TOOL, (result,)),)))
    assert wire["contents"][0]["parts"][0]["functionResponse"]["response"] == response


def test_arguments_that_are_no_object_do_not_end_the_conversation() -> None:
    wire = written(ChatRequest("m", (Message(Role.ASSISTANT, (ToolCall("1", "f", '{"x":'),)),)))
    assert wire["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": '{"x":'}


def test_only_googles_own_signatures_are_sent_to_it() -> None:
    parts = (Reasoning("Hm", "EqQB"), Reasoning("", "google:QUJD"), ToolCall("1", "f", "{}"))
    request = ChatRequest("m", (Message(Role.USER, (Text("Hi"),)), Message(Role.ASSISTANT, parts)))
    call = written(request)["contents"][1]["parts"][1]
    assert call["thoughtSignature"] == "QUJD"
    assert "messages.reasoning" in losses(request)


def test_a_model_that_demands_signatures_gets_one_with_the_first_call_of_a_turn() -> None:
    calls = (Text("I look"), ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}"))
    parts = written(ChatRequest("m", (Message(Role.ASSISTANT, calls),)), signed_calls=True)["contents"][1]["parts"]
    assert ["thoughtSignature" in part for part in parts] == [False, True, False]


@pytest.mark.parametrize(
    ("control", "budgets", "wire"),
    [
        (ReasoningControl("none"), False, {"thinkingBudget": 0}),
        (ReasoningControl("high"), False, {"thinkingLevel": "HIGH"}),
        (ReasoningControl("high"), True, {"thinkingBudget": 16384}),
        (ReasoningControl("max", show=True), False, {"thinkingLevel": "XHIGH", "includeThoughts": True}),
        (ReasoningControl(budget=2048), False, {"thinkingBudget": 2048, "includeThoughts": True}),
        (ReasoningControl("low", 2048, False), False, {"thinkingLevel": "LOW"}),
        (ReasoningControl("low", 2048, False), True, {"thinkingBudget": 2048}),
    ],
)
def test_thinking_is_said_as_a_level_or_as_a_budget_never_both(
    control: ReasoningControl, budgets: bool, wire: Any
) -> None:
    assert written(asked(reasoning=control), budgets=budgets)["generationConfig"]["thinkingConfig"] == wire


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none", ("f",)), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("required", ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", ("f",)), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_a_choice_of_tools_is_said(choice: ToolChoice, calling: Any) -> None:
    request = asked(tools=(Tool("f", parameters={"type": "object"}),), tool_choice=choice)
    assert written(request)["toolConfig"] == {"functionCallingConfig": calling}


def test_gotcha_30_models_before_gemini_3_get_no_form_beside_functions() -> None:
    request = asked(tools=(Tool("f"),), output=OutputFormat("json", {"type": "object"}))
    assert "generationConfig" not in written(request, budgets=True)
    assert losses(request, budgets=True) == ("output",)
    alone = asked(output=OutputFormat("json", {"type": "object"}))
    assert "responseJsonSchema" in written(alone, budgets=True)["generationConfig"]
    assert losses(alone, budgets=True) == ()
    in_words = asked(tools=(Tool("f"),), output=OutputFormat("text"))
    assert written(in_words, budgets=True)["generationConfig"] == {"responseMimeType": "text/plain"}
    assert losses(in_words, budgets=True) == ()
    assert "responseJsonSchema" in written(request)["generationConfig"]
    assert losses(request) == ()


def test_losses_name_what_is_dropped() -> None:
    request = asked(
        Image("image/png", "AAAA", detail="low"),
        sampling=Sampling(min_p=0.1, repeat_penalty=1.1),
        reasoning=ReasoningControl("max"),
        parallel_tool_calls=False,
        user="u",
        metadata={"a": "b"},
        output=OutputFormat("json", {}, "answer"),
        tools=(Tool("f", strict=True),),
        rest={"logit_bias": {}, "generationConfig": 5, "safetySettings": []},
    )
    assert losses(request) == (
        *("min_p", "repeat_penalty", "reasoning", "parallel_tool_calls", "user", "metadata", "output"),
        *("logit_bias", "generationConfig", "tools.strict", "messages.detail"),
    )
    assert "metadata" not in losses(request, vertex=True)
    assert written(request, vertex=True)["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (asked(tools=(Tool("f", kind="custom"),)), "tools"),
        (asked(tools=(Tool("web_search", kind="hosted", rest={"type": "web_search"}),)), "tools"),
        (asked(Image(file_id="file-1")), "messages"),
        (asked(Image(data="AAAA")), "messages"),
        (ChatRequest("m", (Message(Role.SYSTEM, (Image("image/png", "AAAA"),)),)), "messages"),
    ],
)
def test_what_carries_content_and_has_no_word_is_refused(request_: ChatRequest, param: str) -> None:
    failure = write_request(request_)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == ("unsupported", param)


def test_of_more_stops_than_google_takes_the_first_are_written() -> None:
    many = asked(sampling=Sampling(stop=tuple("abcdef")))
    assert written(many)["generationConfig"]["stopSequences"] == list("abcde")
    assert losses(many) == ("stop",)
    assert losses(asked(sampling=Sampling(stop=tuple("abcde")))) == ()


def test_the_number_of_alternatives_is_written_where_there_are_any() -> None:
    assert "generationConfig" not in written(asked(top_logprobs=2))
    assert losses(asked(top_logprobs=2)) == ("top_logprobs",)
    assert written(asked(logprobs=True, top_logprobs=0))["generationConfig"] == {
        "responseLogprobs": True,
        "logprobs": 0,
    }
    assert losses(asked(logprobs=True, top_logprobs=0)) == ()
