"""Requests of chat and of generate, read."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import (
    ChatRequest,
    Failure,
    FailureKind,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningControl,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from earthward.dialects.json_limits import JsonLimits
from earthward.dialects.ollama import read_generate, read_request

GOLDEN = Path(__file__).parent / "golden/ollama/requests"
PNG = "iVBORw0KGgo="
HI = [{"role": "user", "content": "Hi"}]


def golden(name: str) -> ChatRequest:
    found = read_request((GOLDEN / f"{name}.json").read_bytes())
    assert isinstance(found, ChatRequest), found
    return found


def read(**fields: Any) -> ChatRequest:
    found = read_request(json.dumps({"model": "m", "messages": HI, **fields}).encode())
    assert isinstance(found, ChatRequest), found
    return found


def generate(**fields: Any) -> ChatRequest | Failure:
    return read_generate(json.dumps({"model": "m", **fields}).encode())


def refused(found: ChatRequest | Failure) -> Failure:
    assert isinstance(found, Failure), found
    return found


@pytest.mark.parametrize(("stream", "expected"), [({}, True), ({"stream": None}, True), ({"stream": False}, False)])
def test_a_request_streams_unless_it_says_otherwise(stream: dict[str, Any], expected: bool) -> None:
    assert read(**stream).stream is expected
    found = generate(prompt="x", **stream)
    assert isinstance(found, ChatRequest)
    assert found.stream is expected


def test_system_and_user() -> None:
    assert golden("streams_by_default").messages == (
        Message(Role.SYSTEM, (Text("Be kind."),)),
        Message(Role.USER, (Text("Hi"),)),
    )


def test_options_become_words_of_the_vocabulary_and_the_rest_rides_along() -> None:
    found = golden("options")
    assert found.sampling == Sampling(0, 0.5, 20, 0.05, 0.1, 0.2, 1.1, 7, ("END",))
    assert found.max_tokens == 99
    assert found.rest == {"options": {"typical_p": 0.9, "num_ctx": 8192, "num_gpu": 1}, "keep_alive": "10m"}


def test_minus_one_is_open_ended_and_random() -> None:
    found = read(options={"num_predict": -1, "seed": -1, "temperature": None})
    assert (found.max_tokens, found.sampling) == (None, Sampling())


def test_tools_calls_and_results() -> None:
    found = golden("tools")
    assert found.tools[0].name == "get_weather"
    assert found.messages[1].parts == (
        Reasoning("Both."),
        ToolCall("call_1", "get_weather", '{"city":"Paris"}'),
        ToolCall("call_2", "get_weather", '{"city":"Rome"}'),
    )
    results = [message.parts[0] for message in found.messages[2:]]
    assert results == [
        ToolResult("call_1", (Text("sunny"),), "get_weather"),
        ToolResult("call_2", (Text("rain"),), "get_weather"),
    ]


def test_results_without_ids_answer_the_calls_of_their_name_in_order() -> None:
    """ollama-python drops ids. litellm #26094: results that belong to no call made agents go round in circles."""
    found = golden("tools_without_ids")
    calls = [part.id for part in found.messages[1].parts if isinstance(part, ToolCall)]
    results = [part.call_id for message in found.messages for part in message.parts if isinstance(part, ToolResult)]
    assert results == calls
    assert len(set(calls)) == 2


@pytest.mark.parametrize("fields", [{"tool_name": "g"}, {"name": "g"}, {"tool_call_id": "b"}])
def test_a_result_finds_its_call_by_name_or_id(fields: dict[str, str]) -> None:
    calls = [{"id": call, "function": {"name": name, "arguments": {}}} for call, name in (("a", "f"), ("b", "g"))]
    found = read(messages=[{"role": "assistant", "tool_calls": calls}, {"role": "tool", "content": "x", **fields}])
    assert found.messages[1].parts == (ToolResult("b", (Text("x"),), "g"),)


def test_a_result_without_a_call_keeps_its_name() -> None:
    found = read(messages=[{"role": "tool", "content": "x", "tool_name": "f"}])
    assert found.messages[0].parts == (ToolResult("call_of_f", (Text("x"),), "f"),)


@pytest.mark.parametrize("data", [PNG, PNG.rstrip("="), f"data:image/png;base64,{PNG}"])
def test_images_come_out_as_standard_base64_with_their_kind(data: str) -> None:
    found = read(messages=[{"role": "user", "content": "What?", "images": [data]}])
    assert found.messages[0].parts == (Text("What?"), Image("image/png", PNG))


def test_url_safe_base64_is_made_standard() -> None:
    found = read(messages=[{"role": "user", "images": ["_-8"]}])
    assert found.messages[0].parts == (Image(None, "/+8="),)


@pytest.mark.parametrize(
    ("think", "control"),
    [
        (None, None),
        (True, ReasoningControl()),
        (False, ReasoningControl("none")),
        ("low", ReasoningControl("low", show=True)),
        ("max", ReasoningControl("max", show=True)),
    ],
)
def test_think_becomes_a_control(think: Any, control: ReasoningControl | None) -> None:
    assert read(think=think).reasoning == control


@pytest.mark.parametrize(
    ("wire", "output"),
    [("", None), ("json", OutputFormat("json")), ({"type": "object"}, OutputFormat("json", {"type": "object"}))],
)
def test_format_becomes_an_output_format(wire: Any, output: OutputFormat | None) -> None:
    assert read(format=wire).output == output


def test_what_has_no_word_rides_along() -> None:
    assert read(truncate=True, keep_alive=0).rest == {"truncate": True, "keep_alive": 0}
    tool = {"type": "function", "function": {"name": "f", "x": 1}}
    assert read(tools=[tool]).tools == (Tool("f", rest={"x": 1}),)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"think": "ultra"}, "think"),
        ({"options": {"temperature": "hot"}}, "options.temperature"),
        ({"options": {"stop": [1]}}, "options.stop[0]"),
        ({"format": 7}, "format"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content"),
        ({"tools": [{"type": "web_search", "function": {}}]}, "tools[0]"),
        ({"model": 1}, "model"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, Any], param: str) -> None:
    failure = refused(read_request(json.dumps({"model": "m", "messages": HI, **fields}).encode()))
    assert failure.param == param
    assert failure.kind in (FailureKind.BAD_REQUEST, FailureKind.UNSUPPORTED)


def test_a_role_may_be_written_in_capitals() -> None:
    assert read(messages=[{"role": "User", "content": "x"}]).messages[0].role is Role.USER


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"m","messages":{}}'])
def test_what_is_no_request_is_a_failure(body: bytes) -> None:
    assert refused(read_request(body)).kind is FailureKind.BAD_REQUEST
    assert refused(read_generate(body.replace(b"messages", b"prompt"))).kind is FailureKind.BAD_REQUEST


def test_limits_are_kept() -> None:
    limits = JsonLimits(depth=2)
    assert isinstance(read_request(b'{"model":[[[]]]}', limits), Failure)
    assert isinstance(read_generate(b'{"model":[[[]]]}', limits), Failure)


def test_generate_is_a_conversation_of_one_turn() -> None:
    found = generate(prompt="Hi", system="Be kind.", images=[PNG], format="json", options={"seed": 7}, think=False)
    assert isinstance(found, ChatRequest)
    assert found.messages == (
        Message(Role.SYSTEM, (Text("Be kind."),)),
        Message(Role.USER, (Text("Hi"), Image("image/png", PNG))),
    )
    assert (found.sampling.seed, found.output, found.reasoning) == (7, OutputFormat("json"), ReasoningControl("none"))


@pytest.mark.parametrize("fields", [{"suffix": "x"}, {"raw": True}, {"template": "{{ .Prompt }}"}, {"context": [1]}])
def test_what_only_ollama_can_do_is_refused_by_name(fields: dict[str, Any]) -> None:
    failure = refused(generate(prompt="x", **fields))
    assert failure.kind is FailureKind.UNSUPPORTED
    assert failure.param in fields


def test_what_is_empty_of_it_is_no_matter() -> None:
    found = generate(prompt="x", suffix="", raw=False, template="", context=[])
    assert isinstance(found, ChatRequest)
    assert found.rest == {}


def test_an_empty_generate_has_no_messages() -> None:
    found = generate()
    assert isinstance(found, ChatRequest)
    assert found.messages == ()
