"""Between this dialect and OpenAI's: requests, answers and streams mean the same on the other side."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import (
    Answer,
    ChatRequest,
    Failed,
    Failure,
    Finished,
    FinishReason,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    collect,
    events_of,
)
from earthward.dialects import anthropic_messages, openai_chat

GOLDEN = Path(__file__).parent / "golden"
OURS = GOLDEN / "anthropic_requests"
THEIRS = GOLDEN / "requests"
NAMES = [path.stem for path in sorted(OURS.glob("*.json")) if "." not in path.stem]
THEIR_NAMES = [path.stem for path in sorted(THEIRS.glob("*.json")) if "." not in path.stem]
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "anthropic_streams").glob("*.sse"))}
THEIR_STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.sse"))}


def ours(body: bytes) -> ChatRequest:
    found = anthropic_messages.read_request(body)
    assert isinstance(found, ChatRequest), found
    return found


def theirs(body: bytes) -> ChatRequest:
    found = openai_chat.read_request(body)
    assert isinstance(found, ChatRequest), found
    return found


def as_golden(written: bytes | Failure) -> Any:
    if isinstance(written, Failure):
        return {"failure": written.kind, "message": written.message, "param": written.param}
    return json.loads(written)


# Requests.


@pytest.mark.parametrize("name", NAMES)
def test_a_request_comes_out_as_its_golden_companion_in_the_other_dialect(name: str) -> None:
    written = openai_chat.write_request(ours((OURS / f"{name}.json").read_bytes()), extensions=False)
    assert as_golden(written) == json.loads((OURS / f"{name}.openai.json").read_bytes())


@pytest.mark.parametrize("name", THEIR_NAMES)
def test_a_request_of_openai_s_comes_out_as_its_golden_companion_here(name: str) -> None:
    written = anthropic_messages.write_request(theirs((THEIRS / f"{name}.json").read_bytes()))
    assert as_golden(written) == json.loads((GOLDEN / "anthropic_from_openai" / f"{name}.json").read_bytes())


WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
IMAGE = "iVBORw0KGgo="


def call(id: str, city: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'}}


def use(id: str, city: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}}


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
    ),
    "system": (
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]},
        {"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]},
    ),
    "controls": (
        {
            "messages": [{"role": "user", "content": "Hi"}],
            "max_completion_tokens": 99,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["END"],
            "stream": True,
            "stream_options": {"include_usage": True},
            "user": "ann",
        },
        {
            "messages": [{"role": "user", "content": "Hi"}],
            "max_tokens": 99,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop_sequences": ["END"],
            "stream": True,
            "metadata": {"user_id": "ann"},
        },
    ),
    "images": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
                        {"type": "image_url", "image_url": {"url": "https://x/cat.png"}},
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
                        {"type": "image", "source": {"type": "url", "url": "https://x/cat.png"}},
                    ],
                }
            ]
        },
    ),
    "tools in parallel": (
        {
            "messages": [
                {"role": "user", "content": "Weather?"},
                {"role": "assistant", "content": "Looking.", "tool_calls": [call("a", "Oslo"), call("b", "Rome")]},
                {"role": "tool", "tool_call_id": "a", "content": "4"},
                {"role": "tool", "tool_call_id": "b", "content": "18"},
                {"role": "user", "content": "And?"},
            ],
            "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": WEATHER}}],
            "tool_choice": "required",
            "parallel_tool_calls": False,
        },
        {
            "messages": [
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "Looking."}, use("a", "Oslo"), use("b", "Rome")],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": "4"},
                        {"type": "tool_result", "tool_use_id": "b", "content": "18"},
                        {"type": "text", "text": "And?"},
                    ],
                },
            ],
            "tools": [{"name": "weather", "description": "d", "input_schema": WEATHER}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        },
    ),
    "one tool by name": (
        {
            "messages": [{"role": "user", "content": "x"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": WEATHER, "strict": True}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        },
        {
            "messages": [{"role": "user", "content": "x"}],
            "tools": [{"name": "f", "input_schema": WEATHER, "strict": True}],
            "tool_choice": {"type": "tool", "name": "f"},
        },
    ),
    "schema": (
        {
            "messages": [{"role": "user", "content": "x"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": WEATHER}},
        },
        {
            "messages": [{"role": "user", "content": "x"}],
            "output_config": {"format": {"type": "json_schema", "schema": WEATHER}},
        },
    ),
    "no reasoning": (
        {"messages": [{"role": "user", "content": "x"}], "reasoning_effort": "none"},
        {"messages": [{"role": "user", "content": "x"}], "thinking": {"type": "disabled"}},
    ),
    "reasoning": (
        {"messages": [{"role": "user", "content": "x"}], "reasoning_effort": "high"},
        {
            "messages": [{"role": "user", "content": "x"}],
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "high"},
        },
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_request_of_openai_s_says_the_same_here(case: str) -> None:
    openai, anthropic = PAIRS[case]
    written = anthropic_messages.write_request(theirs(json.dumps({"model": "m", **openai}).encode()))
    assert isinstance(written, bytes)
    assert json.loads(written) == {"model": "m", "max_tokens": 4096, **anthropic}


@pytest.mark.parametrize("case", PAIRS)
def test_a_request_says_the_same_in_openai_s_dialect(case: str) -> None:
    openai, anthropic = PAIRS[case]
    written = openai_chat.write_request(ours(json.dumps({"model": "m", **anthropic}).encode()), extensions=False)
    assert isinstance(written, bytes)
    assert json.loads(written) == {"model": "m", **openai}


@pytest.mark.parametrize("name", ["conversation", "images", "neighbours_of_one_role", "system_in_the_middle"])
def test_there_and_back_again_no_content_is_lost(name: str) -> None:
    asked = ours((OURS / f"{name}.json").read_bytes())
    there = openai_chat.write_request(asked)
    assert isinstance(there, bytes)
    back = anthropic_messages.write_request(theirs(there))
    assert isinstance(back, bytes)
    assert _said(ours(back).messages) == _said(asked.messages)


def _said(messages: tuple[Message, ...]) -> list[Any]:
    """What is left of a conversation when nobody asks in which message it stood, or who signed what."""
    said: list[Any] = []
    images: list[Any] = []
    for message in sorted(messages, key=lambda message: message.role != "system"):
        for part in message.parts:
            match part:
                case Reasoning() | Image():
                    images += [part] if isinstance(part, Image) else []
                case ToolResult(call_id, content):
                    text = "".join(inner.text for inner in content if isinstance(inner, Text))
                    said.append((call_id, text.removeprefix("Error: ")))
                    images += [inner for inner in content if isinstance(inner, Image)]
                case Text(text) if not text.strip():
                    pass
                case _:
                    said.append((message.role, part))
    return [said, images]


# Answers.

ANSWERS: dict[str, tuple[tuple[Part, ...], FinishReason]] = {
    "text": ((Text("Hello"),), "stop"),
    "reasoning": ((Reasoning("Hm"), Text("Four.")), "stop"),
    "a call": ((ToolCall("a", "f", '{"x":1}'),), "tool_calls"),
    "calls and text": ((Text("Looking."), ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")), "tool_calls"),
    "cut short": ((Text("Hel"),), "length"),
    "filtered": ((Text("I can"),), "filtered"),
    "nothing": ((), "stop"),
}
OPENAI_USAGE = {
    "prompt_tokens": 119,
    "completion_tokens": 40,
    "total_tokens": 159,
    "prompt_tokens_details": {"cached_tokens": 100},
    "completion_tokens_details": {"reasoning_tokens": 15},
}
OUR_USAGE = {
    "input_tokens": 19,
    "cache_read_input_tokens": 100,
    "output_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 15},
}


def openai_answer(parts: tuple[Part, ...], reason: FinishReason) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    calls = []
    for part in parts:
        match part:
            case Text(text):
                message["content"] = text
            case Reasoning(text):
                message["reasoning_content"] = text
            case ToolCall(id, name, arguments):
                calls.append({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    if calls:
        message["tool_calls"] = calls
    word = {"filtered": "content_filter"}.get(reason, reason)
    choice = {"index": 0, "message": message, "finish_reason": word}
    return json.dumps({"id": "x", "model": "m", "created": 1, "choices": [choice], "usage": OPENAI_USAGE}).encode()


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_of_openai_s_says_the_same_here_and_back(case: str) -> None:
    parts, reason = ANSWERS[case]
    answer = openai_chat.read_answer(openai_answer(parts, reason))
    assert isinstance(answer, Answer)
    written = anthropic_messages.write_answer(answer)
    assert json.loads(written)["usage"] == OUR_USAGE
    back = anthropic_messages.read_answer(written)
    assert isinstance(back, Answer)
    assert (back.choices[0].parts, back.choices[0].reason) == (parts, reason)
    assert json.loads(openai_chat.write_answer(back))["usage"] == OPENAI_USAGE


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_says_the_same_streamed_through_both_dialects(case: str) -> None:
    answer = openai_chat.read_answer(openai_answer(*ANSWERS[case]))
    assert isinstance(answer, Answer)
    here = anthropic_messages.StreamWriter("m", "x")
    stream = b"".join(map(here.write, events_of(answer))) + here.end()
    found = collect(_ours(openai_stream(_ours(stream)), openai_chat.StreamReader()))
    assert isinstance(found, Answer)
    assert (found.choices[0].parts, found.choices[0].reason) == ANSWERS[case]
    assert found.usage == answer.usage


# Streams.


def _ours(stream: bytes, reader: Any = None) -> list[Any]:
    reader = reader if reader is not None else anthropic_messages.StreamReader()
    return [*reader.feed(stream), *reader.end()]


def openai_stream(events: list[Any]) -> bytes:
    writer = openai_chat.StreamWriter("m", True, "x", 1)
    return b"".join(map(writer.write, events)) + writer.end()


def our_stream(events: list[Any]) -> bytes:
    writer = anthropic_messages.StreamWriter("m", "x")
    return b"".join(map(writer.write, events)) + writer.end()


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_says_the_same_in_openai_s_dialect(name: str) -> None:
    events = _ours(STREAMS[name])
    there = collect(_ours(openai_stream(events), openai_chat.StreamReader()))
    here = collect(events)
    if isinstance(here, Failure):
        assert isinstance(there, Failure)
        assert there.kind == here.kind or there.kind == "upstream_error"
        return
    assert isinstance(there, Answer)
    assert _unsigned(there.choices[0].parts) == _unsigned(here.choices[0].parts)
    assert there.choices[0].reason == {"stop_sequence": "stop", "context": "length", "paused": "stop"}.get(
        here.choices[0].reason, here.choices[0].reason
    )
    if here.usage.output.is_known and here.usage.input.is_known:
        assert there.usage == here.usage


ONE_ANSWER = [name for name in THEIR_STREAMS if "answers" not in name and name != "custom_tool"]
"""A client of this dialect can ask neither for more answers nor for a tool that takes free text."""


@pytest.mark.parametrize("name", ONE_ANSWER)
def test_a_stream_of_openai_s_says_the_same_here(name: str) -> None:
    events = _ours(THEIR_STREAMS[name], openai_chat.StreamReader())
    here = collect(_ours(our_stream(events)))
    there = collect(events)
    if isinstance(there, Failure):
        assert isinstance(here, Failure)
        return
    assert isinstance(here, Answer)
    assert _unsigned(here.choices[0].parts) == [
        Text(part.text) if isinstance(part, Refusal | Text) else part for part in there.choices[0].parts
    ]
    refused = any(isinstance(part, Refusal) for part in there.choices[0].parts)
    assert here.choices[0].reason == ("filtered" if refused else there.choices[0].reason)


@pytest.mark.parametrize("name", [name for name in STREAMS if isinstance(_ours(STREAMS[name])[-1], Failed)])
def test_a_failure_is_never_a_clean_end_on_the_other_side(name: str) -> None:
    stream = openai_stream(_ours(STREAMS[name]))
    assert b"[DONE]" not in stream
    assert b'"error"' in stream


@pytest.mark.parametrize("name", ONE_ANSWER)
def test_where_openai_s_stream_is_cut_never_matters_here(name: str) -> None:
    stream = THEIR_STREAMS[name]
    whole = our_stream(_ours(stream, openai_chat.StreamReader()))
    for at in range(0, len(stream), 7):
        reader = openai_chat.StreamReader()
        events = [*reader.feed(stream[:at]), *reader.feed(stream[at:]), *reader.end()]
        assert our_stream(events) == whole


def test_both_ends_know_the_same_finish() -> None:
    assert isinstance(_ours(our_stream(_ours(STREAMS["anthropic_text"])))[-1], Finished)


def _unsigned(parts: tuple[Part, ...]) -> list[Part]:
    """Without signatures, for which OpenAI's dialect has no word, and what has nothing else. Citations are tried
    elsewhere."""
    bare = [type(part)(part.text) if isinstance(part, Reasoning | Text) else part for part in parts]
    return [part for part in bare if part != Reasoning("")]
