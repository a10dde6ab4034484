"""Messages of a request, written."""

from typing import Any

import pytest

from earthward.chat import Document, Image, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.openai_chat.write_messages import write_messages

IMAGE = Image("image/png", "AA==")
WIRE_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def write(*messages: Message, extensions: bool = True) -> list[dict[str, Any]]:
    return write_messages(messages, extensions)


def said(*parts: Part) -> dict[str, Any]:
    return write(Message(Role.ASSISTANT, parts))[0]


def test_a_single_text_is_a_string_and_several_are_parts() -> None:
    assert write(Message(Role.USER, (Text("a"),)))[0]["content"] == "a"
    assert write(Message(Role.USER, (Text("a"), Text("b"))))[0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_content_is_null_only_where_something_else_is_said() -> None:
    assert said()["content"] == ""
    assert said(ToolCall("a", "f", "{}"))["content"] is None
    assert said(Refusal("no")) == {"role": "assistant", "content": None, "refusal": "no"}
    assert write(Message(Role.USER, ()))[0]["content"] == ""


def test_calls_come_last_wherever_they_stood() -> None:
    wire = said(Text("a"), ToolCall("a", "f", "{}"), Text("b"))
    assert [part["text"] for part in wire["content"]] == ["a", "b"]
    assert [call["id"] for call in wire["tool_calls"]] == ["a"]


def test_results_inside_a_user_s_message_become_messages_of_their_own_before_it() -> None:
    results = (ToolResult("a", (Text("1"),)), ToolResult("b", (Text("2"),)))
    wires = write(Message(Role.USER, (*results, Text("Go on"))))
    assert [(wire["role"], wire["content"]) for wire in wires] == [("tool", "1"), ("tool", "2"), ("user", "Go on")]


def test_images_in_results_follow_the_last_result_that_stands_with_them() -> None:
    wires = write(
        Message(Role.TOOL, (ToolResult("a", (Text("1"), IMAGE)),)),
        Message(Role.TOOL, (ToolResult("b", (Text("2"),)),)),
        Message(Role.ASSISTANT, (Text("I see"),)),
    )
    assert [wire["role"] for wire in wires] == ["tool", "tool", "user", "assistant"]
    assert wires[2]["content"] == [WIRE_IMAGE]
    assert write(Message(Role.TOOL, (ToolResult("a", (IMAGE,)),)))[-1]["content"] == [WIRE_IMAGE]


def test_a_result_that_is_an_error_says_so() -> None:
    (wire,) = write(Message(Role.TOOL, (ToolResult("a", (Text("no"), Text(" such city")), is_error=True),)))
    assert wire["content"] == "Error: no such city"


def test_reasoning_goes_only_where_it_is_known_and_never_redacted() -> None:
    message = Message(Role.ASSISTANT, (Reasoning("Hm"), Reasoning("opaque", "s", redacted=True), Text("x")))
    assert write(message)[0]["reasoning_content"] == "Hm"
    assert "reasoning_content" not in write(message, extensions=False)[0]


def test_a_document_of_text_is_text() -> None:
    document = Document("text/plain", text="Once upon a time", name="tale.txt")
    wire = write(Message(Role.USER, (document, Text("Sum up"))))[0]
    assert wire["content"][0] == {"type": "text", "text": "tale.txt\n\nOnce upon a time"}


@pytest.mark.parametrize("part", [Image(file_id="f"), Document(url="http://x/a.pdf"), ToolCall("a", "f", "{}")])
def test_content_without_a_word_here_is_never_dropped(part: Part) -> None:
    with pytest.raises(Inexpressible):
        write(Message(Role.USER, (part,)))


def test_what_stands_in_a_result_is_never_dropped_either() -> None:
    with pytest.raises(Inexpressible):
        write(Message(Role.TOOL, (ToolResult("a", (Document(url="http://x/a.pdf"),)),)))
