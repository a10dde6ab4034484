"""Whole answers, both ways.

Without a word in the vocabulary, and so not kept but named: what the vendor's own tools left behind.
"""

from typing import Any

import msgspec

from earthward.chat import Answer, Choice, Failure, FailureKind, Part, Reasoning, Refusal, Text, ToolCall
from earthward.dialects.anthropic_messages.calls import read_call, wire_call
from earthward.dialects.anthropic_messages.citations import can_cite, pieces, read_citations, told_citation
from earthward.dialects.anthropic_messages.errors import failure_of_error
from earthward.dialects.anthropic_messages.finish import read_reason, written_reason
from earthward.dialects.anthropic_messages.usage import read_usage, whole_usage
from earthward.dialects.json_limits import NOT_JSON


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    citations: Any = None


class _Answer(msgspec.Struct):
    content: list[_Block]
    id: str | None = None
    type: str | None = None
    role: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Any = None


_READ = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_KNOWN = frozenset(_Answer.__struct_fields__)
_OWN_FIELDS = frozenset({"container", "context_management", "diagnostics", "stop_details"})


def read_answer(body: bytes) -> Answer | Failure:
    try:
        wire = msgspec.json.decode(body)
        if isinstance(wire, dict) and wire.get("error"):
            return failure_of_error(wire["error"])
        answer = msgspec.convert(wire, _Answer)
        rest = {name: value for name, value in wire.items() if name not in _KNOWN and value is not None}
        return _answer(answer, rest)
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"the provider's answer is not a message: {error}")


def write_answer(answer: Answer) -> bytes:
    """The first answer, if there are more: there is room for one."""
    choice = answer.choices[0]
    wire = {
        **{name: value for name, value in answer.rest.items() if name in _OWN_FIELDS},
        "id": answer.id or "msg_unknown",
        "type": "message",
        "role": "assistant",
        "model": answer.model or "",
        "content": [block for part in choice.parts for block in _wire_blocks(part)],
        "stop_reason": written_reason(choice.reason, any(isinstance(part, Refusal) for part in choice.parts)),
        "stop_sequence": choice.stop_sequence,
        "usage": whole_usage(answer.usage),
    }
    return msgspec.json.encode(wire)


def _answer(wire: _Answer, rest: dict[str, Any]) -> Answer:
    parts = tuple(
        part for place, block in enumerate(wire.content) if (part := _part(block, wire.id, place)) is not None
    )
    called = any(isinstance(part, ToolCall) for part in parts)
    reason = read_reason(wire.stop_reason, called, wire.stop_sequence)
    choice = Choice(parts, reason, wire.stop_sequence)
    unread = {f"content.{block.type}": None for block in wire.content if block.type not in _READ}
    return Answer(wire.id, wire.model, None, (choice,), read_usage(wire.usage), rest, tuple(unread))


def _part(wire: _Block, answer_id: str | None, place: int) -> Part | None:
    match wire:
        case _Block(type="text", text=str(text)):
            return Text(text, read_citations(wire.citations, 0, len(text))) if text else None
        case _Block(type="thinking", thinking=str(thinking)):
            return Reasoning(thinking, wire.signature or None)
        case _Block(type="redacted_thinking", data=str(data)):
            return Reasoning("", data, redacted=True)
        case _Block(type="tool_use", name=str(name)) if name:
            return read_call(wire.id or f"toolu_{answer_id or ''}_{place}", name, wire.input)
        case _Block(type="tool_use"):
            raise ValueError("a tool call without a name")
    return None


def _wire_blocks(part: Part) -> list[dict[str, Any]]:
    match part:
        case Text(citations=citations) if any(map(can_cite, citations)):
            return [_cited(piece) for piece in pieces(part)]
        case Text(text) | Refusal(text):
            return [{"type": "text", "text": text}] if text else []
        case Reasoning(redacted=True):
            return [{"type": "redacted_thinking", "data": part.signature or part.text}]
        case Reasoning(text, signature):
            return [{"type": "thinking", "thinking": text, "signature": signature or ""}]
        case ToolCall():
            return [wire_call(part)]
    return []


def _cited(piece: Text) -> dict[str, Any]:
    citations = [told_citation(citation) for citation in piece.citations if can_cite(citation)]
    return {"type": "text", "text": piece.text, **({"citations": citations} if citations else {})}
