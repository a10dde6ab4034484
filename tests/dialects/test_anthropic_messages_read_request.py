"""Requests read into the vocabulary."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    ChatRequest,
    Document,
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
    ToolChoice,
    ToolResult,
)
from earthward.dialects.anthropic_messages import read_request
from earthward.dialects.json_limits import JsonLimits

GOLDEN = Path(__file__).parent / "golden/anthropic_requests"
HI = {"role": "user", "content": "Hi"}
USER_HI = Message(Role.USER, (Text("Hi"),))


def read(**fields: Any) -> ChatRequest:
    found = read_request(json.dumps({"model": "m", "max_tokens": 9, "messages": [HI], **fields}).encode())
    assert isinstance(found, ChatRequest), found
    return found


def refusal(**fields: Any) -> Failure:
    found = read_request(json.dumps({"model": "m", "max_tokens": 9, "messages": [HI], **fields}).encode())
    assert isinstance(found, Failure)
    return found


def golden(name: str) -> ChatRequest:
    found = read_request((GOLDEN / f"{name}.json").read_bytes())
    assert isinstance(found, ChatRequest), found
    return found


def blocks(*content: Any, role: str = "user") -> tuple[Message, ...]:
    return read(messages=[{"role": role, "content": list(content)}]).messages


def test_every_field_is_read() -> None:
    raw = json.loads((GOLDEN / "every_field.json").read_bytes())
    first, second = raw["tools"]
    assert golden("every_field") == ChatRequest(
        model="claude-opus-4-6",
        messages=(Message(Role.SYSTEM, (Text("Be brief."),)), USER_HI),
        tools=(
            Tool("get_weather", "The weather", first["input_schema"], True),
            Tool("now", parameters=second["input_schema"]),
        ),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=False,
        sampling=Sampling(0.7, 0.9, 40, stop=("END", "\n\n")),
        max_tokens=4096,
        output=OutputFormat("json", raw["output_config"]["format"]["schema"]),
        reasoning=ReasoningControl("high", 2048, False),
        stream=True,
        stream_usage=True,
        user="ann",
        rest={
            "service_tier": "auto",
            "inference_geo": "eu",
            "cache_control": {"type": "ephemeral"},
            "output_config": {"task_budget": 9},
        },
    )


def test_a_conversation_with_tools_is_read() -> None:
    deep = '{"city":"Oslo","deep":{"n":[1,2.5,null]}}'
    assert golden("conversation").messages == (
        Message(Role.SYSTEM, (Text("Be brief."), Text("Be kind."))),
        Message(Role.USER, (Text("Weather in Oslo and Rome?"),)),
        Message(
            Role.ASSISTANT,
            (
                Reasoning("Two calls.", "EqQB"),
                Reasoning("", "EmwK", redacted=True),
                Text("I'll look."),
                ToolCall("toolu_a", "get_weather", deep),
                ToolCall("toolu_b", "now", "{}"),
            ),
        ),
        Message(Role.TOOL, (ToolResult("toolu_a", (Text("4 °C"),), "get_weather"),)),
        Message(Role.TOOL, (ToolResult("toolu_b", (Text("late"), Text("very")), "now", is_error=True),)),
        Message(Role.USER, (Text("Go on."),)),
        Message(Role.ASSISTANT, (Text("Oslo 4 °C."),)),
        Message(Role.USER, (Text("Thanks"),)),
    )


def test_images_are_read_wherever_they_stand() -> None:
    png = Image("image/png", "iVBORw0KGgo=")
    question, _, result, last = golden("images").messages
    assert question.parts[1:] == (png, Image(url="https://example.com/cat.jpg?x=1,2;3"))
    assert result.parts == (ToolResult("toolu_a", (Text("here"), png), "shot"),)
    assert last.parts == (Image("image/jpeg", "/9j/4AAQ"),)


def test_documents_are_read_with_all_that_is_said_of_them() -> None:
    assert golden("documents").messages[0].parts == (
        Text("Signed in 1814."),
        Document("application/pdf", "JVBERi0=", name="a.pdf", cited=True),
        Document("text/plain", text="plain", name="b"),
        Document("text/plain", text="whole"),
        Document("text/plain", text="one\n\ntwo"),
        Document("text/plain", text="https://example.com\n\nx\n\ny", name="Found"),
        Text("Compare."),
    )


def test_files_that_the_vendor_or_another_server_holds_are_read_as_such() -> None:
    assert golden("files").messages[0].parts == (
        Image(file_id="file_1"),
        Document(file_id="file_2"),
        Document(url="https://example.com/a.pdf"),
    )


def test_tools_of_the_vendor_s_own_keep_all_their_fields() -> None:
    search, bash, computer = golden("hosted_tools").tools
    assert search == Tool("web_search", kind="hosted", rest={"type": "web_search_20250305", "max_uses": 3})
    assert bash == Tool("bash", kind="hosted", rest={"type": "bash_20250124"})
    assert computer.name == "computer_toolset_20260801"


def test_a_tool_keeps_what_its_model_is_told_and_not_what_only_tunes() -> None:
    tool = {"name": "f", "input_schema": {}, "input_examples": [{}], "cache_control": {}, "eager_input_streaming": True}
    assert read(tools=[tool]).tools == (Tool("f", parameters={}, rest={"input_examples": [{}]}),)


def test_system_text_in_the_middle_stays_there() -> None:
    roles = [message.role for message in golden("system_in_the_middle").messages]
    assert roles == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.SYSTEM, Role.USER]


@pytest.mark.parametrize("system", [None, "", [], [{"type": "text", "text": ""}]])
def test_no_system_text_is_no_message(system: Any) -> None:
    assert read(system=system).messages == (USER_HI,)


def test_results_and_what_stands_around_them_keep_their_order() -> None:
    result = {"type": "tool_result", "tool_use_id": "a"}
    found = blocks({"type": "text", "text": "x"}, result, {"type": "text", "text": "y"}, result)
    assert [message.role for message in found] == [Role.USER, Role.TOOL, Role.USER, Role.TOOL]


def test_a_result_of_a_call_that_is_not_in_the_conversation_has_no_name() -> None:
    (found,) = blocks({"type": "tool_result", "tool_use_id": "a", "content": ""})
    assert found.parts == (ToolResult("a", ()),)


def test_thinking_that_nobody_signed_has_no_signature() -> None:
    thoughts = [{"type": "thinking", "thinking": "Hm", "signature": ""}, {"type": "thinking", "thinking": "So"}]
    assert blocks(*thoughts, role="assistant")[0].parts == (Reasoning("Hm"), Reasoning("So"))


@pytest.mark.parametrize(
    ("fields", "control"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, ReasoningControl("none")),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ReasoningControl(budget=1024)),
        ({"thinking": {"type": "adaptive"}}, ReasoningControl(budget=-1)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, ReasoningControl(budget=-1, show=False)),
        ({"output_config": {"effort": "max"}}, ReasoningControl("max")),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, ReasoningControl("low", -1)),
        ({"thinking": {"type": "between_tools"}}, None),
    ],
)
def test_thinking_is_read(fields: dict[str, Any], control: ReasoningControl | None) -> None:
    assert read(**fields).reasoning == control


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ({"thinking": {"type": "between_tools"}}, {"thinking": {"type": "between_tools"}}),
        ({"thinking": {"type": "novel", "x": 1}}, {"thinking": {"type": "novel", "x": 1}}),
        ({"output_config": {"effort": "colossal"}}, {"output_config": {"effort": "colossal"}}),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
            {"output_config": {"effort": "low"}},
        ),
        ({"speed": "fast"}, {"speed": "fast"}),
    ],
)
def test_what_has_no_word_in_the_vocabulary_rides_along(fields: dict[str, Any], rest: dict[str, Any]) -> None:
    assert read(**fields).rest == rest


@pytest.mark.parametrize(
    ("wire", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, ToolChoice("required", ("f",)), True),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_tool_choices_are_read(wire: Any, choice: ToolChoice, parallel: bool | None) -> None:
    found = read(tool_choice=wire)
    assert (found.tool_choice, found.parallel_tool_calls) == (choice, parallel)


def test_the_output_format_of_the_beta_is_read() -> None:
    assert golden("beta_output_format").output == OutputFormat("json", {"type": "object"})


def test_a_stream_always_wants_its_usage() -> None:
    assert read(stream=True).stream_usage
    assert not read(stream=False).stream_usage


TOOL_ERROR = {"type": "web_search_tool_result", "tool_use_id": "a", "content": {"type": "error"}}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}},
        TOOL_ERROR,
        {"type": "container_upload", "file_id": "f"},
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_reference", "tool_name": "f"}]},
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_use", "id": "b", "name": "f"}]},
        {"type": "document", "source": {"type": "content", "content": [{"type": "image", "source": {"type": "url"}}]}},
        {"type": "image", "source": {"type": "novel"}},
        {"type": "document", "source": {"type": "base64"}},
        {"type": "text"},
        {"type": "novel"},
    ],
)
def test_content_that_is_not_understood_is_never_dropped(block: Any) -> None:
    failure = refusal(messages=[HI, {"role": "user", "content": [{"type": "text", "text": "x"}, block]}])
    assert failure.kind is FailureKind.UNSUPPORTED
    assert failure.param is not None
    assert failure.param.startswith("messages[1].content[1]")


@pytest.mark.parametrize("field", ["container", "mcp_servers"])
def test_what_only_the_vendor_can_reach_is_refused(field: str) -> None:
    failure = refusal(**{field: ["x"]})
    assert (failure.kind, failure.param) == (FailureKind.UNSUPPORTED, field)
    assert field not in read(**{field: None}).rest


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": 3}, "model"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
        ({"tools": [{"input_schema": {}}]}, None),
    ],
)
def test_what_is_wrong_is_named_with_its_place(fields: dict[str, Any], param: str | None) -> None:
    failure = refusal(**fields)
    assert (failure.kind, failure.param) == (FailureKind.BAD_REQUEST, param)


def test_an_unknown_output_format_is_not_ignored() -> None:
    assert refusal(output_config={"format": {"type": "xml"}}).kind is FailureKind.UNSUPPORTED


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"m"}', b"\xff", b'{"model":"m","messages":{}}'])
def test_what_is_no_request_is_a_bad_one(body: bytes) -> None:
    failure = read_request(body)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_REQUEST


def test_a_request_beyond_the_limits_is_refused() -> None:
    failure = read_request(b'{"model":"m","messages":[],"x":[[[1]]]}', JsonLimits(depth=3))
    assert isinstance(failure, Failure)
    assert "nested" in failure.message


KEYS = ["type", "text", "source", "content", "role", "input", "id", "name", "tool_use_id", "data", "url", "thinking"]
VALUES = ["user", "assistant", "text", "image", "document", "base64", "tool_use", "tool_result", "search_result"]
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", *VALUES]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(messages=st.lists(odd, max_size=3), system=odd, thinking=odd, config=odd)
def test_no_json_whatever_makes_the_reader_raise(messages: Any, system: Any, thinking: Any, config: Any) -> None:
    fields = {"messages": messages, "system": system, "thinking": thinking, "output_config": config, "tools": messages}
    assert isinstance(read_request(json.dumps({"model": "m", **fields}).encode()), ChatRequest | Failure)


def test_images_inside_a_document_are_refused_with_the_way_out() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    document = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}, image]}}
    failure = refusal(messages=[{"role": "user", "content": [document]}])
    assert failure.kind is FailureKind.UNSUPPORTED
    assert "send its images as blocks beside it" in failure.message
    assert failure.param == "messages[0].content[0]"
