"""Messages of a request read into the vocabulary."""

import json
from typing import Any

import pytest

from earthward.chat import (
    ChatRequest,
    Document,
    Failure,
    FailureKind,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from earthward.dialects.openai_chat import read_request


def read(*messages: dict[str, Any]) -> tuple[Message, ...]:
    found = read_request(json.dumps({"model": "m", "messages": messages}).encode())
    assert isinstance(found, ChatRequest), found
    return found.messages


def parts(**message: Any) -> tuple[Part, ...]:
    return read({"role": "assistant", **message})[0].parts


def image(url: Any) -> Part:
    return read({"role": "user", "content": [{"type": "image_url", "image_url": url}]})[0].parts[0]


def document(**file: Any) -> Part:
    return read({"role": "user", "content": [{"type": "file", "file": file}]})[0].parts[0]


def refusal(*messages: dict[str, Any]) -> Failure:
    found = read_request(json.dumps({"model": "m", "messages": messages}).encode())
    assert isinstance(found, Failure)
    return found


def test_developer_stays_apart_from_system() -> None:
    roles = [message.role for message in read(*({"role": role, "content": "x"} for role in ("system", "developer")))]
    assert roles == [Role.SYSTEM, Role.DEVELOPER]


def test_what_an_assistant_said_comes_in_one_order() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = parts(tool_calls=[call], refusal="no", content="Yes", reasoning="Hm")
    assert said == (Reasoning("Hm"), Text("Yes"), Refusal("no"), ToolCall("a", "f", "{}"))


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(name: str) -> None:
    assert parts(content="x", **{name: "Hm"}) == (Reasoning("Hm"), Text("x"))


@pytest.mark.parametrize("content", [None, "", [], [{"type": "text", "text": ""}]])
def test_content_that_is_empty_is_no_part(content: Any) -> None:
    assert parts(content=content) == ()


def test_results_hold_their_call_and_what_it_gave() -> None:
    string, listed = read(
        {"role": "tool", "tool_call_id": "a", "content": "x", "name": "f"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}],
        },
    )
    assert string == Message(Role.TOOL, (ToolResult("a", (Text("x"),), "f"),))
    assert listed == Message(Role.TOOL, (ToolResult("b", (Text("x"), Text("y"))),))


def test_legacy_calls_and_their_results_get_the_same_id() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "r"}
    messages = read({"role": "user", "content": "x"}, call, result, call, result)
    ids = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    answered = [part.call_id for message in messages for part in message.parts if isinstance(part, ToolResult)]
    assert ids == answered
    assert len(set(ids)) == 2


def test_a_legacy_result_without_its_call_is_still_a_result() -> None:
    (message,) = read({"role": "function", "name": "f", "content": "r"})
    assert message == Message(Role.TOOL, (ToolResult("function_f", (Text("r"),), "f"),))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,AA==", Image("image/png", "AA==")),
        ("DATA:image/png;BASE64,AA==", Image("image/png", "AA==")),
        ("data:image/svg+xml;charset=utf-8;base64,AA==", Image("image/svg+xml", "AA==")),
        ("data:;base64,AA==", Image(None, "AA==")),
        ("data:image/png;base64,-_8", Image("image/png", "+/8=")),
        ("data:image/svg+xml,%3Csvg%3E", Image(url="data:image/svg+xml,%3Csvg%3E")),
        ("data:image/png;base64", Image(url="data:image/png;base64")),
        ("http://x/a.png", Image(url="http://x/a.png")),
    ],
)
def test_an_image_is_inline_or_elsewhere(url: str, expected: Image) -> None:
    assert image(url) == image({"url": url}) == expected


def test_detail_is_kept() -> None:
    assert image({"url": "http://x/a.png", "detail": "high"}) == Image(url="http://x/a.png", detail="high")


def test_a_file_is_inline_or_elsewhere() -> None:
    assert document(file_data="data:application/pdf;base64,AA==", filename="a.pdf") == Document(
        "application/pdf", "AA==", name="a.pdf"
    )
    assert document(file_data="AA", filename="a.pdf") == Document("application/pdf", "AA==", name="a.pdf")
    assert document(file_id="file-1") == Document(file_id="file-1")


@pytest.mark.parametrize(
    ("message", "kind", "param"),
    [
        ({"role": "user", "content": [{"type": "video_url"}]}, FailureKind.UNSUPPORTED, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text"}]}, FailureKind.UNSUPPORTED, "messages[0].content[0]"),
        (
            {"role": "user", "content": [{"type": "file", "file": {}}]},
            FailureKind.BAD_REQUEST,
            "messages[0].content[0]",
        ),
        ({"role": "assistant", "tool_calls": [{"type": "web"}]}, FailureKind.UNSUPPORTED, "messages[0].tool_calls"),
        (
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "refusal", "refusal": "x"}]},
            FailureKind.UNSUPPORTED,
            "messages[0]",
        ),
        ({"role": "function", "content": 1}, FailureKind.BAD_REQUEST, "messages[0].content"),
    ],
)
def test_content_that_cannot_be_understood_is_never_dropped(
    message: dict[str, Any], kind: FailureKind, param: str
) -> None:
    failure = refusal(message)
    assert (failure.kind, failure.param) == (kind, param)
