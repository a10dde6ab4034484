"""Requests read: items of every kind, what goes on from an earlier response, and what is refused."""

import json
from typing import Any

import pytest

from canned_sdks import Canned, openai_client
from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Document,
    Failure,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningControl,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_responses import conversation, read_request, write_answer

HI = {"model": "m", "input": "Hi"}
EARLIER = (Message(Role.USER, (Text("a"),)), Message(Role.ASSISTANT, (ToolCall("c", "f", "{}"),)))


def read(wire: Any, earlier: tuple[Message, ...] | None = None) -> ChatRequest:
    request = read_request(wire if isinstance(wire, bytes) else json.dumps(wire).encode(), earlier)
    assert isinstance(request, ChatRequest), request
    return request


def refused(wire: Any) -> Failure:
    failure = read_request(wire if isinstance(wire, bytes) else json.dumps(wire).encode())
    assert isinstance(failure, Failure), failure
    return failure


def items(*wires: Any) -> tuple[Message, ...]:
    return read({"model": "m", "input": [*wires]}).messages


def test_a_string_is_what_the_user_says() -> None:
    assert read({**HI, "instructions": "Be kind."}).messages == (
        Message(Role.SYSTEM, (Text("Be kind."),)),
        Message(Role.USER, (Text("Hi"),)),
    )


def test_what_the_assistant_said_and_did_is_one_turn() -> None:
    messages = items(
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "g",
        },
        {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x": 1}'},
        {"type": "custom_tool_call", "call_id": "b", "name": "run", "input": "1+1"},
        {"type": "function_call_output", "call_id": "a", "output": "rain"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
    )
    assert messages == (
        Message(Role.DEVELOPER, (Text("Be kind."),)),
        Message(Role.USER, (Text("Weather?"),)),
        Message(
            Role.ASSISTANT,
            (
                Reasoning("Hm", "openai:g"),
                Text("I look."),
                ToolCall("a", "f", '{"x": 1}'),
                ToolCall("b", "run", "1+1", custom=True),
            ),
        ),
        Message(Role.TOOL, (ToolResult("a", (Text("rain"),), "f"),)),
        Message(Role.TOOL, (ToolResult("b", (Text("2"),), "run"),)),
    )


def test_parts_of_every_kind_are_read() -> None:
    (message,) = items(
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,-_8", "detail": "low"},
                {"type": "input_image", "image_url": "https://example.com/a.png"},
                {"type": "input_image", "file_id": "file-1"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
                {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                {"type": "input_text", "text": ""},
            ],
        }
    )
    assert message.parts == (
        Image("image/png", "+/8=", detail="low"),
        Image(url="https://example.com/a.png"),
        Image(file_id="file-1"),
        Document("application/pdf", "JVBE", name="a.pdf"),
        Document(url="https://example.com/a.pdf"),
    )
    assert items({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]})[0].parts == (
        Refusal("No."),
    )


def test_what_the_sdk_sends_is_read() -> None:
    canned = Canned(write_answer(Answer("resp_1", "m", 5, (Choice((Text("ok"),), "stop"),))))
    openai_client(canned).responses.create(
        model="m",
        input=[{"role": "user", "content": "Hi"}],
        instructions="Be kind.",
        tools=[
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, "description": "F"},
            {"type": "web_search"},
            {"type": "custom", "name": "run"},
        ],
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
        parallel_tool_calls=False,
        temperature=0.5,
        max_output_tokens=100,
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto"},
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        top_logprobs=2,
        store=False,
        metadata={"a": "b"},
        truncation="auto",
    )
    request = read(canned.requests[0].read())
    assert request.tools == (
        Tool("f", "F", {"type": "object"}, True),
        Tool("web_search", kind="hosted", rest={"type": "web_search"}),
        Tool("run", kind="custom"),
    )
    assert request.tool_choice == ToolChoice("required", ("f",))
    assert (request.max_tokens, request.parallel_tool_calls, request.sampling.temperature) == (100, False, 0.5)
    assert request.output == OutputFormat("json", {"type": "object"}, "n")
    assert request.reasoning == ReasoningControl("high", show=True)
    assert (request.logprobs, request.top_logprobs, request.metadata) == (True, 2, {"a": "b"})
    assert request.rest == {
        "store": False,
        "truncation": "auto",
        "verbosity": "low",
        "include": ["reasoning.encrypted_content"],
    }


def test_gotcha_34_a_request_that_goes_on_from_a_response_is_refused_without_it() -> None:
    failure = refused({**HI, "previous_response_id": "resp_0"})
    assert (failure.kind, failure.param) == ("unsupported", "previous_response_id")


def test_a_request_goes_on_from_a_response_that_was_kept() -> None:
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    wire = {"model": "m", "previous_response_id": "resp_0", "instructions": "New.", "input": [output]}
    assert read(wire, EARLIER).messages == (
        Message(Role.SYSTEM, (Text("New."),)),
        *EARLIER,
        Message(Role.TOOL, (ToolResult("c", (Text("x"),), "f"),)),
    )


def test_what_is_kept_of_an_answer_leaves_its_instructions_out() -> None:
    answer = Answer("r", "m", 5, (Choice((Reasoning("Hm"), Text("Yo")), "stop"),))
    turns = (Message(Role.USER, (Text("Hi"),)), Message(Role.ASSISTANT, (Reasoning("Hm"), Text("Yo"))))
    for told in ("Be kind.", "", None, [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "x"}]):
        sealed = envelope.read(json.dumps({**HI, "instructions": told}).encode())
        assert isinstance(sealed, Envelope)
        assert conversation(sealed, None, answer) == turns
        assert conversation(sealed, EARLIER, answer) == (*EARLIER, *turns)
        assert conversation(sealed, None, Answer("r", "m", 5, ())) == turns[:1]


def test_nothing_is_kept_of_a_request_that_cannot_be_read() -> None:
    sealed = envelope.read(b'{"model":"m","input":5}')
    assert isinstance(sealed, Envelope)
    assert isinstance(conversation(sealed, None, Answer("r", "m", 5, ())), Failure)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0]"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format"),
    ],
)
def test_what_carries_content_and_has_no_word_is_refused(fields: Any, param: str) -> None:
    failure = refused({**HI, **fields})
    assert (failure.kind, failure.param) == ("unsupported", param)


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({**HI, "input": [{"role": "narrator", "content": ""}]}, "input[0].role"),
        ({**HI, "input": [{"type": "function_call", "name": "f"}]}, "input[0]"),
        ({**HI, "tools": [{}]}, "tools"),
        ({**HI, "tool_choice": "perhaps"}, "tool_choice"),
        ({**HI, "temperature": "x"}, "temperature"),
        ({"input": "Hi"}, None),
        ([], None),
        (b"{", None),
        (b'{"input":' + b"[" * 100 + b"]" * 100 + b"}", None),
    ],
)
def test_what_is_no_request_is_said_with_its_place(wire: Any, param: str | None) -> None:
    failure = refused(wire)
    assert (failure.kind, failure.param) == ("bad_request", param)
