"""Whole answers, both ways.

Without a word in the vocabulary, and so not kept: `audio` and `images`, which are named, and the log probabilities of a
refusal.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Answer,
    Choice,
    Failure,
    FailureKind,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    cited,
    lone_text,
)
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_chat.annotations import read_annotations, wire_annotations
from earthward.dialects.openai_chat.calls import WireCall, WireFunction, arguments_text, read_call, wire_call
from earthward.dialects.openai_chat.errors import failure_of_error
from earthward.dialects.openai_chat.finish import failure_in, read_reason, written_reason
from earthward.dialects.openai_chat.usage import read_usage, wire_usage


class _Message(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    annotations: Any = None
    audio: Any = None
    images: Any = None


class _Choice(msgspec.Struct):
    message: _Message
    index: int = 0
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice]
    id: str | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    usage: Any = None


_encode = msgspec.json.Encoder().encode
_SAID = (
    b'{"id":%b,"object":"chat.completion","created":%d,"model":%b,"choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":%b,"refusal":null},"logprobs":null,"finish_reason":"%b"}]%b}'
)
"""An answer that is one text, as most are."""
_KNOWN = frozenset(_Answer.__struct_fields__)


def read_answer(body: bytes) -> Answer | Failure:
    try:
        wire = msgspec.json.decode(body)
        if isinstance(wire, dict) and wire.get("error"):
            return failure_of_error(wire["error"])
        answer = msgspec.convert(wire, _Answer)
        return _answer(answer, {name: value for name, value in wire.items() if name not in _KNOWN})
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"the provider's answer is not a chat completion: {error}")


def write_answer(answer: Answer, functions: bool = False) -> bytes:
    """`functions` for a client that still speaks of `functions` instead of tools."""
    text = lone_text(answer)
    if text is not None and not answer.rest and not answer.choices[0].logprobs:
        return _written_text(answer, text, functions)
    wire: dict[str, Any] = {
        "id": answer.id or "chatcmpl-unknown",
        "object": "chat.completion",
        "created": answer.created or 0,
        "model": answer.model or "",
        "choices": [_wire_choice(index, choice, functions) for index, choice in enumerate(answer.choices)],
    }
    usage = wire_usage(answer.usage)
    if usage is not None:
        wire["usage"] = usage
    return _encode({**answer.rest, **wire} if answer.rest else wire)


def text_in(content: str | list[dict[str, Any]] | None) -> str:
    """The text of an answer's content; a list of parts is what some servers send for it."""
    if isinstance(content, list):
        return "".join(text for part in content if isinstance(text := part.get("text"), str))
    return content or ""


def unread_in(audio: Any, images: Any) -> list[str]:
    """The names of what a message says that is no text. The images are of servers that speak the same."""
    return [f"message.{name}" for name, told in (("audio", audio), ("images", images)) if told]


def logprobs_in(wire: dict[str, Any] | None) -> list[Any] | None:
    """None if there are none, or they are no list."""
    content = wire.get("content") if wire else None
    return content if content and isinstance(content, list) else None


def _answer(wire: _Answer, rest: dict[str, Any]) -> Answer | Failure:
    if not wire.choices:
        raise ValueError("it has no choices")
    for choice in wire.choices:
        failure = failure_in(choice.finish_reason)
        if failure is not None:
            return failure
    created = int(wire.created) if wire.created is not None else None
    choices = tuple(_choice(choice, wire.id or "") for choice in sorted(wire.choices, key=lambda choice: choice.index))
    unread = {name: None for choice in wire.choices for name in unread_in(choice.message.audio, choice.message.images)}
    return Answer(wire.id, wire.model, created, choices, read_usage(wire.usage), rest, tuple(unread))


def _choice(wire: _Choice, answer_id: str) -> Choice:
    message = wire.message
    parts: list[Part] = []
    if reasoning := message.reasoning_content or message.reasoning:
        parts.append(Reasoning(reasoning))
    if text := text_in(message.content):
        parts.append(Text(text))
        if message.annotations:
            parts = list(cited(parts, read_annotations(message.annotations)))
    if message.refusal:
        parts.append(Refusal(message.refusal))
    calls = _calls(message, f"call_{answer_id}_{wire.index}")
    return Choice((*parts, *calls), read_reason(wire.finish_reason, bool(calls)), logprobs=logprobs_in(wire.logprobs))


def _calls(message: _Message, invented_id: str) -> list[ToolCall]:
    calls = [read_call(call, f"{invented_id}_{place}") for place, call in enumerate(message.tool_calls or ())]
    if message.function_call is not None:
        function = message.function_call
        calls.append(ToolCall(f"{invented_id}_{len(calls)}", function.name, arguments_text(function.arguments)))
    return calls


def _written_text(answer: Answer, text: str, functions: bool) -> bytes:
    usage = wire_usage(answer.usage)
    return _SAID % (
        _encode(answer.id or "chatcmpl-unknown"),
        answer.created or 0,
        _encode(answer.model or ""),
        _encode(text),
        written_reason(answer.choices[0].reason, functions).encode(),
        b"" if usage is None else b',"usage":%b' % _encode(usage),
    )


def _wire_choice(index: int, choice: Choice, functions: bool) -> dict[str, Any]:
    return {
        "index": index,
        "message": _wire_message(choice, functions),
        "logprobs": {"content": choice.logprobs, "refusal": None} if choice.logprobs else None,
        "finish_reason": written_reason(choice.reason, functions),
    }


def _wire_message(choice: Choice, functions: bool) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in choice.parts if isinstance(part, Text)) or None,
        "refusal": "".join(part.text for part in choice.parts if isinstance(part, Refusal)) or None,
    }
    calls = [wire_call(part) for part in choice.parts if isinstance(part, ToolCall)]
    if not calls and message["refusal"] is None and message["content"] is None:
        message["content"] = ""
    shown = (part.text for part in choice.parts if isinstance(part, Reasoning) and not part.redacted)
    if reasoning := "".join(shown):
        # Clients know the one or the other name.
        message["reasoning"] = message["reasoning_content"] = reasoning
    if choice.citations:
        message["annotations"] = wire_annotations(part for part in choice.parts if isinstance(part, Text))
    if calls and functions:
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    return message
