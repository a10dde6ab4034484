"""Requests read: what Google's SDK sends, both spellings, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.genai import types

from canned_sdks import Canned, google_client
from earthward.chat import (
    Audio,
    ChatRequest,
    Document,
    Failure,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningControl,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from earthward.dialects.gemini import read_request

GOLDEN = Path(__file__).parent / "golden/gemini_requests"
HI = {"contents": [{"parts": [{"text": "Hi"}]}]}
OK = b'{"candidates":[{"content":{"parts":[{"text":"ok"}]},"finishReason":"STOP"}]}'


def read(wire: Any) -> ChatRequest:
    request = read_request(wire if isinstance(wire, bytes) else json.dumps(wire).encode(), "m")
    assert isinstance(request, ChatRequest), request
    return request


def refused(wire: Any) -> Failure:
    failure = read_request(wire if isinstance(wire, bytes) else json.dumps(wire).encode(), "m")
    assert isinstance(failure, Failure), failure
    return failure


def said(*parts: Any) -> Any:
    return {"contents": [{"role": "user", "parts": [*parts]}]}


def test_every_field_of_the_sdk_is_read() -> None:
    request = read((GOLDEN / "sdk_every_field.json").read_bytes())
    assert [message.text for message in request.messages] == ["Be kind.", "Hi"]
    assert (request.sampling.temperature, request.sampling.top_k, request.sampling.seed) == (0.5, 40, 7)
    assert (request.max_tokens, request.sampling.stop, request.top_logprobs) == (100, ("END",), 2)
    assert request.reasoning == ReasoningControl(budget=1024, show=True)
    assert request.output is not None
    assert request.output.schema is not None
    assert request.output.schema["properties"]["note"] == {"title": "Note", "type": ["string", "null"]}
    assert list(request.rest) == ["safetySettings"]


def test_a_conversation_of_the_sdk_links_responses_to_their_calls() -> None:
    request = read((GOLDEN / "sdk_conversation.json").read_bytes())
    assert request.messages[1].parts == (
        Reasoning("Hm."),
        Reasoning("", "google:-__-c2ln"),
        ToolCall("call_1_1", "weather", '{"city":"Oslo"}'),
        ToolCall("call_1_2", "weather", '{"city":"Paris"}'),
    )
    assert [message.parts[0] for message in request.messages[2:]] == [
        ToolResult("call_1_1", (Text("rain"),), "weather"),
        ToolResult("call_1_2", (Text("no such city"),), "weather", is_error=True),
    ]
    assert request.tool_choice == ToolChoice("required", ("weather",))


def test_what_the_sdk_sends_today_is_read() -> None:
    canned = Canned(OK)
    config = types.GenerateContentConfig(
        system_instruction="Be kind.",
        tools=[types.Tool(function_declarations=[types.FunctionDeclaration(name="f", description="F")])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.NONE)
        ),
        response_mime_type="application/json",
        response_json_schema={"type": "object"},
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.HIGH),
        max_output_tokens=5,
    )
    google_client(canned).models.generate_content(model="m", contents="Hi", config=config)
    request = read(canned.requests[0].read())
    assert request.tools == (Tool("f", "F"),)
    assert request.tool_choice == ToolChoice("none")
    assert request.output == OutputFormat("json", {"type": "object"})
    assert request.reasoning == ReasoningControl("high", show=False)


def test_gotcha_65_both_spellings_are_read() -> None:
    request = read((GOLDEN / "snake_case.json").read_bytes())
    assert request.messages[0] == Message(Role.SYSTEM, (Text("Be kind."), Text("Be brief.")))
    assert request.max_tokens == 9
    assert request.tool_choice == ToolChoice("auto", ("f",))
    assert request.metadata == {"team_name": "x"}


def test_gotcha_66_words_may_be_numbers_as_older_sdks_write_them() -> None:
    parameters = {"type": 6, "properties": {"city": {"type": 1}, "days": {"type": 5, "items": {"type": 3}}}}
    wire = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "safetySettings": [{"category": 7, "threshold": 4}],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}],
        "toolConfig": {"functionCallingConfig": {"mode": 2}},
        "generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": 4}},
    }
    request = read(wire)
    assert request.tools[0].parameters == {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}}},
    }
    assert request.tool_choice == ToolChoice("required")
    assert request.output == OutputFormat("json", {"type": "boolean"})


@pytest.mark.parametrize("mode", [5, -1, True, "SOMETIMES"])
def test_a_mode_that_nobody_knows_is_refused_by_its_name(mode: object) -> None:
    wire = {**HI, "toolConfig": {"functionCallingConfig": {"mode": mode}}}
    found = read_request(json.dumps(wire).encode(), "m")
    assert isinstance(found, Failure)
    assert "mode" in found.message


@pytest.mark.parametrize("kind", [8, -1, 1.0, True, [6], None])
def test_a_type_that_is_none_is_left_to_the_target(kind: object) -> None:
    wire = {**HI, "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": kind}}]}]}
    assert read(wire).tools[0].parameters == {"type": kind}


def test_litellm_14994_neither_system_instruction_nor_tools_are_dropped() -> None:
    request = read((GOLDEN / "snake_case.json").read_bytes())
    assert request.messages[0].role is Role.SYSTEM
    assert [tool.name for tool in request.tools] == ["f", "googleSearch"]


def test_googles_schemas_become_json_schema() -> None:
    tool = read((GOLDEN / "snake_case.json").read_bytes()).tools[0]
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "when": {"type": ["string", "null"], "enum": ["now", None]},
            "n": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
        },
        "required": ["n"],
    }


def test_names_inside_arguments_and_responses_stay_as_they_are() -> None:
    call = {"functionCall": {"name": "f", "args": {"some_name": {"other_name": 1}}}}
    response = {"functionResponse": {"name": "f", "response": {"snow_depth": 2}}}
    request = read({"contents": [{"role": "model", "parts": [call]}, {"role": "user", "parts": [response]}]})
    assert request.messages[0].parts[0] == ToolCall("call_0_0", "f", '{"some_name":{"other_name":1}}')
    assert request.messages[1].parts[0] == ToolResult("call_0_0", (Text('{"snow_depth":2}'),), "f")


def test_media_are_read_by_their_types() -> None:
    parts = read((GOLDEN / "snake_case.json").read_bytes()).messages[1].parts
    assert parts == (
        Text("Look:"),
        Image("image/png", "iVBORw0KGgr7//4="),
        Document("application/pdf", url="https://example.com/a.pdf"),
        Audio("mp3", "SUQz"),
        Image("image/jpeg", file_id="gs://bucket/cat.jpg"),
    )


@pytest.mark.parametrize(
    ("thinking", "control"),
    [
        ({"thinkingBudget": 0}, ReasoningControl("none", show=False)),
        ({"thinkingBudget": -1}, ReasoningControl(budget=-1, show=False)),
        ({"thinkingLevel": "MINIMAL", "includeThoughts": True}, ReasoningControl("minimal", show=True)),
        ({"thinkingLevel": "COSMIC"}, ReasoningControl(show=False)),
        ({}, ReasoningControl(show=False)),
    ],
)
def test_thinking_is_read(thinking: Any, control: ReasoningControl) -> None:
    assert read({**HI, "generationConfig": {"thinkingConfig": thinking}}).reasoning == control


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({**HI, "cachedContent": "cachedContents/1"}, "cachedContent"),
        ({**HI, "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "generationConfig.responseModalities"),
        ({**HI, "generationConfig": {"responseMimeType": "text/x.yaml"}}, "generationConfig.responseMimeType"),
        ({**HI, "generationConfig": {"responseMimeType": "text/x.enum"}}, "generationConfig.responseSchema"),
        ({**HI, "tools": [{"timeMachine": {}}]}, "tools[0]"),
        (said({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}), "contents[0].parts[0].inlineData"),
        (
            said({"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}),
            "contents[0].parts[0].fileData",
        ),
        (said({"executableCode": {"code": "1"}}), "contents[0].parts[0]"),
    ],
)
def test_what_carries_content_and_has_no_word_is_refused(wire: Any, param: str) -> None:
    failure = refused(wire)
    assert (failure.kind, failure.param) == ("unsupported", param)


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({"contents": [{"role": "narrator", "parts": []}]}, "contents[0].role"),
        (said({"text": "x", "inlineData": {"data": "AAAA"}}), "contents[0].parts[0]"),
        ({**HI, "generationConfig": {"seed": "x"}}, "generationConfig.seed"),
        ({}, None),
        ([], None),
        (b"{", None),
        (b'{"contents":' + b"[" * 100 + b"]" * 100 + b"}", None),
    ],
)
def test_what_is_no_request_is_said_with_its_place(wire: Any, param: str | None) -> None:
    failure = refused(wire)
    assert (failure.kind, failure.param) == ("bad_request", param)


def test_a_response_to_no_call_gets_an_id_all_the_same() -> None:
    request = read(said({"functionResponse": {"name": "f", "response": {"result": "x"}}}))
    assert request.messages[0].parts == (ToolResult("call_of_f", (Text("x"),), "f"),)


def test_calls_that_share_an_id_are_answered_in_turn() -> None:
    call = {"functionCall": {"name": "f", "id": "1", "args": {}}}
    response = {"functionResponse": {"name": "f", "id": "1", "response": {"output": "x"}}}
    request = read({"contents": [{"role": "model", "parts": [call, call]}, {"parts": [response, response, response]}]})
    assert [message.role for message in request.messages] == ["assistant", "tool", "tool", "tool"]


@pytest.mark.parametrize(
    ("data", "document"),
    [
        ("aGVsbG8=", Document("text/plain", text="hello", name="a.txt")),
        ("w6k", Document("text/plain", text="\u00e9", name="a.txt")),
        ("77u/aGVsbG8=", Document("text/plain", text="hello", name="a.txt")),
    ],
)
def test_bytes_of_text_are_read_as_text(data: str, document: Document) -> None:
    blob = {"mimeType": "text/plain", "displayName": "a.txt", "data": data}
    assert read({"contents": [{"parts": [{"inlineData": blob}]}]}).messages[0].parts == (document,)


@pytest.mark.parametrize("kind", ["APPLICATION_JSON", "application/json"])
def test_the_form_of_an_answer_is_read_where_newer_sdks_write_it(kind: str) -> None:
    text = {"mime_type": kind, "json_schema": {"type": "object", "a_b": 1}}
    wire = {"contents": [{"parts": [{"text": "Hi"}]}], "generation_config": {"response_format": [{"text": text}]}}
    assert read(wire).output == OutputFormat("json", {"type": "object", "a_b": 1})
    text["mime_type"] = "text/plain"
    assert read(wire).output == OutputFormat("text")


@pytest.mark.parametrize("other", ["audio", "image", "video"])
def test_an_answer_in_another_form_than_text_is_refused(other: str) -> None:
    wire = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": {"responseFormat": [{other: {}}]}}
    failure = read_request(json.dumps(wire).encode(), "m")
    assert isinstance(failure, Failure)
    assert failure.param == "generationConfig.responseFormat"
