"""Requests, written: what is written reads back, and what was read is written as it was."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Audio,
    ChatRequest,
    Document,
    Failure,
    FailureKind,
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
from earthward.dialects.anthropic_messages import losses, read_request, write_request

GOLDEN = Path(__file__).parent / "golden/anthropic_requests"
NAMES = [path.stem for path in sorted(GOLDEN.glob("*.json")) if "." not in path.stem]
USER_HI = Message(Role.USER, (Text("Hi"),))
F = Tool("f", parameters={"type": "object"})
G = Tool("g", parameters={"type": "object"})


def read(body: bytes) -> ChatRequest:
    found = read_request(body)
    assert isinstance(found, ChatRequest), found
    return found


def write(request: ChatRequest, extensions: bool = False) -> Any:
    written = write_request(request, extensions)
    assert isinstance(written, bytes), written
    return json.loads(written)


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(**{"model": "m", "messages": messages or (USER_HI,), "max_tokens": 9000, **fields})


def said(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def result(call_id: str, *content: Text | Image | Document, **fields: Any) -> Message:
    return Message(Role.TOOL, (ToolResult(call_id, content, **fields),))


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_request_is_written_as_it_was_or_as_its_companion_says(name: str) -> None:
    body = (GOLDEN / f"{name}.json").read_bytes()
    companion = GOLDEN / f"{name}.written.json"
    expected = json.loads(companion.read_bytes() if companion.exists() else body)
    assert write(read(body)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_written_again_the_same(name: str) -> None:
    once = write(read((GOLDEN / f"{name}.json").read_bytes()))
    assert write(read(json.dumps(once).encode())) == once


# Messages.


def test_system_text_stands_at_the_top_wherever_it_stood() -> None:
    system, developer = Message(Role.SYSTEM, (Text("One."),)), Message(Role.DEVELOPER, (Text("Two."), Text(" ")))
    asked = request(system, USER_HI, said(Text("Hello")), developer, USER_HI)
    assert write(asked)["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert [message["role"] for message in write(asked)["messages"]] == ["user", "assistant", "user"]
    assert losses(asked) == ("messages.system",)
    assert losses(request(system, developer, USER_HI)) == ()


@pytest.mark.parametrize("messages", [(said(Text("Hello")), USER_HI), (Message(Role.SYSTEM, (Text("x"),)),)])
def test_a_conversation_that_does_not_begin_with_the_user_gets_a_beginning(messages: tuple[Message, ...]) -> None:
    written = write(request(*messages))["messages"]
    assert written[0] == {"role": "user", "content": "."}
    assert losses(request(*messages)) == ("messages.first",)


def test_messages_of_one_role_become_one() -> None:
    asked = request(USER_HI, USER_HI, said(Text("a")), said(Text("b")), USER_HI)
    assert [message["role"] for message in write(asked)["messages"]] == ["user", "assistant", "user"]


def test_results_of_parallel_calls_are_one_message_and_come_before_all_text() -> None:
    calls = said(ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))
    asked = request(USER_HI, calls, result("a", Text("1")), USER_HI, result("b", Text("2")))
    assert write(asked)["messages"][-1] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "1"},
            {"type": "tool_result", "tool_use_id": "b", "content": "2"},
            {"type": "text", "text": "Hi"},
        ],
    }


def test_litellm_26094_a_result_keeps_its_call_its_error_and_its_images() -> None:
    image = Image("image/png", "iVBORw0KGgo=")
    asked = request(USER_HI, said(ToolCall("a", "f", "{}")), result("a", Text("no"), image, is_error=True))
    assert write(asked)["messages"][-1]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [
                {"type": "text", "text": "no"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
            ],
            "is_error": True,
        }
    ]


def test_white_space_alone_is_no_block() -> None:
    asked = request(USER_HI, said(Text("\n\n"), ToolCall("a", "f", "{}")), result("a", Text(" ")))
    _, assistant, user = write(asked)["messages"]
    assert [block["type"] for block in assistant["content"]] == ["tool_use"]
    assert user["content"] == [{"type": "tool_result", "tool_use_id": "a", "content": []}]


def test_the_same_odd_id_is_written_the_same_in_call_and_result() -> None:
    asked = request(USER_HI, said(ToolCall("functions.f:0", "f", "{}")), result("functions.f:0"))
    _, assistant, user = write(asked)["messages"]
    assert assistant["content"][0]["id"] == user["content"][0]["tool_use_id"] == "functions_2e_f_3a_0"


@pytest.mark.parametrize(
    ("arguments", "input"),
    [
        ('{"x": 1.50}', {"x": 1.5}),
        ("", {}),
        (" ", {}),
        ('{"x":', {"arguments": '{"x":'}),
        ("[1]", {"arguments": "[1]"}),
        ('{"x":tru}', {"arguments": '{"x":tru}'}),
    ],
)
def test_arguments_are_an_object_whatever_the_model_wrote(arguments: str, input: Any) -> None:
    assert write(request(USER_HI, said(ToolCall("a", "f", arguments))))["messages"][1]["content"][0]["input"] == input


def test_thinking_that_nobody_signed_is_for_servers_that_check_nothing() -> None:
    asked = request(USER_HI, said(Reasoning("Hm"), Reasoning("So", "EqQB"), Reasoning("", "EmwK", True), Text("x")))
    kinds = [block["type"] for block in write(asked)["messages"][1]["content"]]
    assert kinds == ["thinking", "redacted_thinking", "text"]
    more = write(asked, extensions=True)["messages"][1]["content"]
    assert more[0] == {"type": "thinking", "thinking": "Hm", "signature": ""}
    assert losses(asked) == ("messages.reasoning",)
    assert losses(asked, extensions=True) == ()


def test_a_refusal_is_text_here() -> None:
    assert write(request(USER_HI, said(Refusal("No."))))["messages"][1] == {"role": "assistant", "content": "No."}


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        ("/9j/4AAQ", "image/jpeg"),
        ("iVBORw0KGgo=", "image/png"),
        ("R0lGODlh", "image/gif"),
        ("UklGRiQA", "image/webp"),
    ],
)
def test_an_image_without_a_type_gets_the_one_it_has(data: str, media_type: str) -> None:
    written = write(request(Message(Role.USER, (Image(data=data),))))["messages"][0]["content"][0]
    assert written["source"]["media_type"] == media_type


def test_a_text_file_is_written_as_text() -> None:
    file = Document("text/markdown", "IyBIacO8", name="a.md")
    assert write(request(Message(Role.USER, (file,))))["messages"][0]["content"] == [
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# Hiü"}, "title": "a.md"}
    ]


@pytest.mark.parametrize(
    "messages",
    [
        (Message(Role.USER, (Audio("wav", "AA=="),)),),
        (Message(Role.USER, (Image(data="AA=="),)),),
        (Message(Role.USER, (Document("application/zip", "AA=="),)),),
        (Message(Role.USER, (Document(None, "AA=="),)),),
        (Message(Role.USER, (Document("text/plain", "/w=="),)),),
        (Message(Role.USER, (Reasoning("Hm"),)),),
        (Message(Role.SYSTEM, (Image(url="https://x"),)), USER_HI),
        (USER_HI, said(ToolCall("a", "f", "free", custom=True))),
        (USER_HI, said(ToolResult("a", ()))),
    ],
)
def test_content_without_a_word_here_is_never_dropped(messages: tuple[Message, ...]) -> None:
    failure = write_request(request(*messages))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNSUPPORTED
    losses(request(*messages))


# Tools.


def test_litellm_35711_tools_are_sent() -> None:
    assert [tool["name"] for tool in write(request(tools=(F, G)))["tools"]] == ["f", "g"]


def test_a_choice_among_some_tools_leaves_the_others_out() -> None:
    written = write(request(tools=(F, G, Tool("h")), tool_choice=ToolChoice("required", ("f", "h"))))
    assert [tool["name"] for tool in written["tools"]] == ["f", "h"]
    assert written["tool_choice"] == {"type": "any"}
    written = write(request(tools=(F, G), tool_choice=ToolChoice("auto", ("g",))))
    assert [tool["name"] for tool in written["tools"]] == ["g"]
    assert written["tool_choice"] == {"type": "auto"}
    for choice in (ToolChoice("required", ("g",)), ToolChoice("none", ("g",))):
        assert [tool["name"] for tool in write(request(tools=(F, G), tool_choice=choice))["tools"]] == ["f", "g"]


def test_what_the_answer_goes_on_from_does_not_end_in_white_space() -> None:
    def last(*messages: Message) -> Any:
        return write(request(USER_HI, *messages))["messages"][-1]

    assert last(said(Text("It is \n"))) == {"role": "assistant", "content": "It is"}
    assert last(said(Text("One ")), said(Text("two ")))["content"] == [
        {"type": "text", "text": "One "},
        {"type": "text", "text": "two"},
    ]
    assert last(said(Text("It is "), ToolCall("a", "f", "{}")))["content"][0] == {"type": "text", "text": "It is "}
    assert last(said(Text("It is ")), Message(Role.USER, (Text("Yes "),)))["content"] == "Yes "


@pytest.mark.parametrize(
    ("choice", "parallel", "wire"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required", ("f",)), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    ],
)
def test_whether_calls_may_be_parallel_is_part_of_the_choice(
    choice: ToolChoice | None, parallel: bool | None, wire: Any
) -> None:
    written = write(request(tools=(F,), tool_choice=choice, parallel_tool_calls=parallel))
    assert written.get("tool_choice") == wire


def test_there_is_no_choice_where_there_are_no_tools() -> None:
    assert "tool_choice" not in write(request(tool_choice=ToolChoice("auto"), parallel_tool_calls=False))


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"x": {}}}, {"type": "object", "properties": {"x": {}}}),
    ],
)
def test_every_tool_has_a_schema(parameters: Any, schema: Any) -> None:
    assert write(request(tools=(Tool("f", parameters=parameters),)))["tools"][0]["input_schema"] == schema


def test_fields_of_a_tool_that_anthropic_does_not_know_are_lost() -> None:
    asked = request(tools=(Tool("f", rest={"input_examples": [{}], "format": 1}),))
    assert set(write(asked)["tools"][0]) == {"name", "input_schema", "input_examples"}
    assert losses(asked) == ("tools.format",)
    assert write(asked, extensions=True)["tools"][0]["format"] == 1


@pytest.mark.parametrize(
    "tool", [Tool("run", kind="custom"), Tool("web_search", kind="hosted", rest={"type": "web_search"})]
)
def test_a_tool_without_a_counterpart_is_refused_by_name(tool: Tool) -> None:
    failure = write_request(request(tools=(tool,)))
    assert isinstance(failure, Failure)
    assert tool.name in failure.message


# Controls.


def test_a_request_without_a_cap_gets_one() -> None:
    assert write(request(max_tokens=None))["max_tokens"] == 4096
    assert write(request(max_tokens=None, reasoning=ReasoningControl(budget=5000)))["max_tokens"] == 9096


@pytest.mark.parametrize(
    ("control", "thinking", "effort", "lost"),
    [
        (ReasoningControl("none"), {"type": "disabled"}, None, False),
        (ReasoningControl(budget=0), {"type": "disabled"}, None, False),
        (ReasoningControl("high"), {"type": "adaptive"}, "high", False),
        (ReasoningControl("minimal"), {"type": "adaptive"}, "low", True),
        (ReasoningControl(budget=-1, show=True), {"type": "adaptive", "display": "summarized"}, None, False),
        (ReasoningControl("max", 2048), {"type": "enabled", "budget_tokens": 2048}, "max", False),
        (ReasoningControl(budget=100), {"type": "enabled", "budget_tokens": 1024}, None, True),
        (ReasoningControl(budget=99999), {"type": "enabled", "budget_tokens": 8999}, None, True),
    ],
)
def test_reasoning_is_written(control: ReasoningControl, thinking: Any, effort: str | None, lost: bool) -> None:
    written = write(request(reasoning=control))
    assert written["thinking"] == thinking
    assert written.get("output_config", {}).get("effort") == effort
    assert losses(request(reasoning=control)) == (("reasoning",) if lost else ())


@pytest.mark.parametrize(("effort", "budget"), [("minimal", 1024), ("low", 1024), ("medium", 4500), ("max", 4500)])
def test_a_model_that_knows_budgets_only_is_given_one_that_leaves_half_of_the_cap(effort: Any, budget: int) -> None:
    for model in ("claude-sonnet-4-5", "claude-3-7-sonnet-latest", "claude-opus-4-1@20250805"):
        asked = request(model=model, reasoning=ReasoningControl(effort))
        written = write(asked)
        assert written["thinking"] == {"type": "enabled", "budget_tokens": budget}
        assert "output_config" not in written
        assert losses(asked) == ("reasoning",)


def test_without_a_cap_a_model_that_knows_budgets_only_has_room_to_answer() -> None:
    written = write(request(model="claude-haiku-4-5", max_tokens=None, reasoning=ReasoningControl("high")))
    assert (written["thinking"]["budget_tokens"], written["max_tokens"]) == (16000, 32_000)
    written = write(request(model="claude-haiku-4-5", max_tokens=None, reasoning=ReasoningControl("medium")))
    assert (written["thinking"]["budget_tokens"], written["max_tokens"]) == (8192, 16384)
    thoughtless = request(model="claude-haiku-4-5", max_tokens=None, reasoning=ReasoningControl("none"))
    assert write(thoughtless)["max_tokens"] == 4096


@pytest.mark.parametrize(
    ("control", "effort", "lost"),
    [
        (ReasoningControl("high"), "high", False),
        (ReasoningControl("xhigh"), "xhigh", False),
        (ReasoningControl(budget=500), "low", True),
        (ReasoningControl(budget=8192), "medium", True),
        (ReasoningControl(budget=9000), "high", True),
        (ReasoningControl(budget=-1), None, False),
    ],
)
def test_a_model_that_knows_no_budgets_is_given_none(control: ReasoningControl, effort: str | None, lost: bool) -> None:
    for model in ("claude-opus-4-7", "claude-opus-4-8@20260528", "claude-sonnet-5"):
        asked = request(model=model, reasoning=control)
        written = write(asked)
        assert written["thinking"] == {"type": "adaptive"}
        assert written.get("output_config", {}).get("effort") == effort
        assert losses(asked) == (("reasoning",) if lost else ())


def test_a_model_that_does_not_think_is_not_told_to() -> None:
    asked = request(model="claude-3-5-haiku-20241022", reasoning=ReasoningControl("high"))
    assert "thinking" not in write(asked)
    assert "output_config" not in write(asked)
    assert losses(asked) == ("reasoning",)
    asked = request(model="claude-3-haiku-20240307", reasoning=ReasoningControl("none"))
    assert "thinking" not in write(asked)
    assert losses(asked) == ()


def test_an_effort_that_a_model_does_not_know_is_the_next_lower_one() -> None:
    asked = request(model="claude-sonnet-4-6", reasoning=ReasoningControl("xhigh"))
    assert write(asked)["output_config"] == {"effort": "high"}
    assert losses(asked) == ("reasoning",)


def test_servers_of_others_may_call_their_models_as_they_like() -> None:
    asked = request(model="claude-3-opus", reasoning=ReasoningControl("high"), sampling=Sampling(0.2, 0.5, 7))
    written = write(asked, extensions=True)
    assert written["thinking"] == {"type": "adaptive"}
    assert (written["temperature"], written["top_p"], written["top_k"]) == (0.2, 0.5, 7)
    assert losses(asked, extensions=True) == ()


# Sampling: Anthropic refuses the whole request for what the model, or one that thinks, does not take.


@pytest.mark.parametrize(
    ("model", "thinks", "said", "left"),
    [
        ("claude-3-haiku-20240307", False, (0.2, 0.9, 5), (0.2, 0.9, 5)),
        ("claude-sonnet-4-20250514", False, (0.2, 0.9, 5), (0.2, 0.9, 5)),
        ("claude-sonnet-4-5", False, (0.2, 0.9, 5), (0.2, None, 5)),
        ("claude-sonnet-4-5", False, (None, 0.9, None), (None, 0.9, None)),
        ("claude-sonnet-4-6", True, (0.2, 0.9, 5), (None, None, None)),
        ("claude-sonnet-4-6", True, (1, None, None), (1, None, None)),
        ("claude-sonnet-4-6", True, (None, 0.95, None), (None, 0.95, None)),
        ("claude-sonnet-4-6", True, (None, 0.94, None), (None, None, None)),
        ("claude-opus-4-7", False, (0.2, 0.99, 5), (None, None, None)),
        ("claude-opus-4-7", False, (1, None, None), (1, None, None)),
        ("of-another-vendor", False, (0.2, 0.9, 5), (0.2, 0.9, 5)),
    ],
)
def test_sampling_that_the_model_would_refuse_is_left_out_by_name(
    model: str, thinks: bool, said: tuple[Any, ...], left: tuple[Any, ...]
) -> None:
    control = ReasoningControl(budget=-1) if thinks else None
    asked = request(model=model, reasoning=control, sampling=Sampling(*said))
    written = write(asked)
    names = ("temperature", "top_p", "top_k")
    assert tuple(written.get(name) for name in names) == left
    assert losses(asked) == tuple(
        name for name, one, other in zip(names, said, left, strict=True) if one is not None and other is None
    )


def test_stops_of_white_space_alone_are_left_out_by_name() -> None:
    asked = request(sampling=Sampling(stop=("\n\n", "END", " ")))
    assert write(asked)["stop_sequences"] == ["END"]
    assert losses(asked) == ("stop",)
    assert "stop_sequences" not in write(request(sampling=Sampling(stop=("\n",))))
    assert losses(request(sampling=Sampling(stop=("END\n",)))) == ()


def test_there_is_no_thinking_where_the_cap_leaves_no_room_for_it() -> None:
    asked = request(max_tokens=1024, reasoning=ReasoningControl(budget=1024))
    assert "thinking" not in write(asked)
    assert losses(asked) == ("reasoning",)


def test_there_is_no_thinking_where_a_tool_must_be_called() -> None:
    for control in (ReasoningControl("high"), ReasoningControl(budget=2048)):
        asked = request(tools=(F,), tool_choice=ToolChoice("required"), reasoning=control)
        assert "thinking" not in write(asked)
        assert losses(asked) == ("reasoning",)
    assert "thinking" in write(request(tools=(F,), tool_choice=ToolChoice("auto"), reasoning=control))


def test_there_is_no_budget_for_thinking_where_results_come_back_without_what_led_to_them() -> None:
    call = ToolCall("a", "f", "{}")
    for parts, thinks in (((call,), False), ((Reasoning("Hm"), call), False), ((Reasoning("Hm", "EqQB"), call), True)):
        asked = request(USER_HI, said(*parts), result("a"), reasoning=ReasoningControl(budget=2048))
        assert ("thinking" in write(asked)) is thinks
    assert "thinking" in write(request(USER_HI, said(call), result("a"), reasoning=ReasoningControl("high")))


def test_litellm_7131_a_format_asked_for_is_never_ignored() -> None:
    schema = request(output=OutputFormat("json", {"type": "object"}, "n", True))
    assert write(schema)["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert losses(schema) == ()
    any_json = request(output=OutputFormat("json"))
    assert "JSON" in write(any_json)["system"]
    assert losses(any_json) == ("output",)
    assert set(write(request(output=OutputFormat("text")))) == {"model", "max_tokens", "messages"}


def test_what_only_tunes_and_has_no_word_here_is_dropped_by_name() -> None:
    sampling = Sampling(1.7, 0.9, 40, 0.1, 0.2, 0.3, 1.1, 7)
    asked = request(
        Message(Role.USER, (Text("Hi"), Image(url="https://x", detail="low")), "ann", {"audio": 1}),
        sampling=sampling,
        logprobs=True,
        top_logprobs=3,
        metadata={"a": "b"},
        rest={"store": True, "service_tier": "flex", "speed": "fast"},
    )
    written = write(asked)
    assert set(written) == {"model", "max_tokens", "messages", "temperature", "top_p", "top_k", "speed"}
    assert written["temperature"] == 1
    assert losses(asked) == (
        "temperature",
        "min_p",
        "frequency_penalty",
        "presence_penalty",
        "repeat_penalty",
        "seed",
        "logprobs",
        "top_logprobs",
        "metadata",
        "store",
        "service_tier",
        "messages.name",
        "messages.audio",
        "messages.detail",
    )
    assert write(asked, extensions=True)["store"] is True


def test_more_than_one_answer_cannot_be_asked_for() -> None:
    failure = write_request(request(answers=2))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == (FailureKind.UNSUPPORTED, "n")


# Whatever this dialect can say, written and read, is the same request.

texts = st.text(min_size=1).filter(lambda text: bool(text.strip()))
words = st.text("abcdef_", min_size=1, max_size=6)
base64 = st.sampled_from(["AA==", "AAA=", "AAAA", "+/8="])
json_objects = st.dictionaries(words, st.none() | st.booleans() | st.integers(0, 9) | st.text(), max_size=3)
images = (
    st.builds(Image, st.sampled_from(["image/png", "image/jpeg"]), base64)
    | st.builds(lambda path: Image(url=f"https://x/{path}"), words)
    | st.builds(lambda file_id: Image(file_id=file_id), words)
)
names = st.none() | words
documents = (
    st.builds(lambda data, name: Document("application/pdf", data, name=name), base64, names)
    | st.builds(lambda text, name: Document("text/plain", text=text, name=name), st.text(), names)
    | st.builds(lambda url, name: Document(url=url, name=name), words, names)
    | st.builds(lambda file_id, name: Document(file_id=file_id, name=name), words, names)
)
shown: st.SearchStrategy[Any] = st.builds(Text, texts) | images | documents
signatures = texts.filter(lambda text: ":" not in text)
"""No vendor's has a colon; with one, it is the mark of whose it is."""
thoughts = st.builds(Reasoning, st.text(), signatures) | st.builds(
    lambda data: Reasoning("", data, redacted=True), signatures
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """As this dialect would have it read: turns of user and assistant, every result a message of its own."""
    messages: list[Message] = []
    system = draw(st.lists(st.builds(Text, texts), max_size=2))
    if system:
        messages.append(Message(Role.SYSTEM, tuple(system)))
    number = 0
    open_calls: list[ToolCall] = []
    for _ in range(draw(st.integers(1, 3))):
        for call in open_calls:
            content = tuple(draw(st.lists(shown, max_size=2)))
            messages.append(Message(Role.TOOL, (ToolResult(call.id, content, call.name, draw(st.booleans())),)))
        parts = draw(st.lists(shown, min_size=0 if open_calls else 1, max_size=3))
        if parts:
            messages.append(Message(Role.USER, tuple(parts)))
        open_calls = []
        for _ in range(draw(st.integers(0, 2))):
            arguments = json.dumps(draw(json_objects), separators=(",", ":"), ensure_ascii=False)
            open_calls.append(ToolCall(f"toolu_{number}", draw(words), arguments))
            number += 1
        said = [*draw(st.lists(thoughts, max_size=2)), *draw(st.lists(st.builds(Text, texts), max_size=2)), *open_calls]
        messages.append(Message(Role.ASSISTANT, tuple(said or [Text("x")])))
    if not open_calls:
        messages[-1] = _begun(messages[-1])
    return (*messages, *(Message(Role.TOOL, (ToolResult(call.id, (), call.name),)) for call in open_calls))


def _begun(last: Message) -> Message:
    """White space at the end of what is to be gone on from is left out."""
    *before, part = last.parts
    ended = Text(part.text.rstrip() or "x") if isinstance(part, Text) else part
    return Message(last.role, (*before, ended))


schemas = json_objects.map(lambda more: {"type": "object", "properties": {}, **more})
tools = st.builds(Tool, words, names, schemas, st.none() | st.booleans())
choices = st.sampled_from([ToolChoice("auto"), ToolChoice("required"), ToolChoice("required", ("f",))])
numbers = st.none() | st.floats(-2, 2)
sampling = st.builds(
    lambda temperature, top_p, top_k, stop: Sampling(temperature, top_p, top_k, stop=tuple(stop)),
    numbers,
    numbers,
    st.none() | st.integers(0, 99),
    st.lists(texts, max_size=2),
)
efforts = st.sampled_from(["low", "medium", "high", "xhigh", "max"])
controls = st.just(ReasoningControl("none")) | st.builds(
    ReasoningControl, st.none() | efforts, st.just(-1) | st.integers(1024, 8000), st.none() | st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(
    messages=conversations(),
    tools=st.lists(tools, max_size=2).map(tuple),
    sampling=sampling,
    reasoning=st.none() | controls,
    output=st.none() | st.builds(OutputFormat, st.just("json"), json_objects),
    stream=st.booleans(),
    user=names,
    rest=st.just({}) | st.just({"speed": "fast", "output_config": {"task_budget": 9}}),
    data=st.data(),
)
def test_a_request_written_reads_back(data: st.DataObject, stream: bool, **fields: Any) -> None:
    asked = ChatRequest("m", max_tokens=9000, stream=stream, stream_usage=stream, **fields)
    if asked.tools and asked.reasoning is None:
        choice = data.draw(choices)
        asked = ChatRequest("m", max_tokens=9000, tool_choice=choice, parallel_tool_calls=False, **fields)
    found = read(json.dumps(write(asked)).encode())
    lost = losses(asked)
    if "reasoning" in lost:
        found, asked = (ChatRequest("m", one.messages, one.tools) for one in (found, asked))
    elif {"temperature", "top_p", "top_k", "stop"} & set(lost):
        found, asked = (msgspec.structs.replace(one, sampling=Sampling()) for one in (found, asked))
    assert found == asked


@pytest.mark.parametrize("signature", ["google:QUJD", "openai:gAAAA"])
def test_what_another_vendor_signed_is_not_sent_to_anthropic(signature: str) -> None:
    parts = (Reasoning("Hm", signature), Reasoning("", signature, redacted=True), Text("Yo"))
    request = ChatRequest("m", (Message(Role.USER, (Text("Hi"),)), Message(Role.ASSISTANT, parts)))
    body = write_request(request)
    assert isinstance(body, bytes)
    assert json.loads(body)["messages"][1] == {"role": "assistant", "content": "Yo"}
    assert "messages.reasoning" in losses(request)


def test_what_another_dialect_means_by_output_config_does_no_harm() -> None:
    body = write_request(ChatRequest("m", (USER_HI,), rest={"output_config": 5}))
    assert isinstance(body, bytes)
    assert "output_config" not in json.loads(body)


@pytest.mark.parametrize(("asked", "told"), [(0.0, 0.0), (1.0, 1.0), (1.01, 1.0), (2.0, 1.0)])
def test_a_temperature_that_is_too_hot_is_the_hottest_and_is_named(asked: float, told: float) -> None:
    hot = request(Message(Role.USER, (Text("Hi"),)), sampling=Sampling(asked))
    assert write(hot)["temperature"] == told
    assert losses(hot) == (() if asked == told else ("temperature",))
    body = write_request(hot, extensions=True)
    assert isinstance(body, bytes)
    assert json.loads(body)["temperature"] == asked, "servers of others have their own range"
    assert losses(hot, extensions=True) == ()
