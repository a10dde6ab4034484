"""The messages of a request, written.

System text stands apart here, at the top. Messages of one role become one, since user and assistant take turns, and
the user begins. Results of tools come first in the user's turn.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from earthward.chat import (
    Document,
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
from earthward.dialects.anthropic_messages.calls import wire_call, wire_id
from earthward.dialects.anthropic_messages.citations import can_be_sent, wire_citation
from earthward.dialects.anthropic_messages.media import write_document, write_image
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.signatures import vendor_of

Wire = dict[str, Any]

SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})
OPENING = {"role": "user", "content": "."}
"""What stands for a first turn of the user's where a conversation has none: it must not be empty."""


def write_system(messages: tuple[Message, ...], more: tuple[str, ...] = ()) -> str | list[Wire] | None:
    """All system text of the conversation, wherever it stood, and what is to be told besides."""
    parts = [part for message in messages if message.role in SYSTEM_ROLES for part in message.parts]
    texts = []
    for part in parts:
        if not isinstance(part, Text):
            raise Inexpressible("system messages can hold text only in an Anthropic request", "messages")
        if part.text.strip():
            texts.append(part.text)
    texts += more
    match texts:
        case []:
            return None
        case [text]:
            return text
    return [{"type": "text", "text": text} for text in texts]


def write_messages(messages: tuple[Message, ...], extensions: bool) -> list[Wire]:
    """`extensions` is whether the server takes thinking that nobody signed. Raises Inexpressible."""
    turns = [{"role": role, "content": _content(blocks)} for role, blocks in _turns(messages, extensions) if blocks]
    if turns and turns[-1]["role"] == "assistant":
        turns[-1]["content"] = _begun(turns[-1]["content"])
    return turns if turns and turns[0]["role"] == "user" else [OPENING, *turns]


def begins_with_user(messages: tuple[Message, ...]) -> bool:
    roles = (message.role for message in messages if message.role not in SYSTEM_ROLES)
    return next(roles, Role.ASSISTANT) is not Role.ASSISTANT


def _anthropics(signature: str | None) -> str:
    """Servers that speak the same check none, and have no business with another vendor's."""
    return signature if signature is not None and vendor_of(signature) == "anthropic" else ""


def is_written(part: Reasoning, extensions: bool) -> bool:
    """Anthropic checks the signature of thinking; one that is missing, or another vendor's, fails the whole request."""
    return extensions or (part.signature is not None and vendor_of(part.signature) == "anthropic")


def _turns(messages: Iterable[Message], extensions: bool) -> Iterator[tuple[str, list[Wire]]]:
    role, blocks = "user", list[Wire]()
    for message in messages:
        if message.role in SYSTEM_ROLES:
            continue
        turn = "assistant" if message.role is Role.ASSISTANT else "user"
        written = list(_blocks(message.parts, turn, extensions))
        if written and turn != role:
            yield role, blocks
            role, blocks = turn, []
        blocks += written
    yield role, blocks


def _content(blocks: list[Wire]) -> str | list[Wire]:
    match blocks:
        case [{"type": "text", "text": str(text), **others}] if not others:
            return text
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _begun(content: str | list[Wire]) -> str | list[Wire]:
    """What the answer goes on from must not end in white space."""
    match content:
        case str(text):
            return text.rstrip()
        case [*before, {"type": "text", "text": str(text)} as last]:
            return [*before, {**last, "text": text.rstrip()}]
    return content


def _blocks(parts: Iterable[Part], turn: str, extensions: bool) -> Iterator[Wire]:
    for part in parts:
        if turn == "assistant":
            block = _said(part, extensions)
        else:
            block = _result(part) if isinstance(part, ToolResult) else _shown(part)
        if block is not None:
            yield block


def _said(part: Part, extensions: bool) -> Wire | None:
    match part:
        case Text(text, citations) if text.strip() and any(map(can_be_sent, citations)):
            sent = [wire_citation(citation) for citation in citations if can_be_sent(citation)]
            return {"type": "text", "text": text, "citations": sent}
        case Reasoning() if not is_written(part, extensions):
            return None
        case Reasoning(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature or part.text}
        case Reasoning(text, signature):
            return {"type": "thinking", "thinking": text, "signature": _anthropics(signature)}
        case ToolCall():
            if part.custom:
                raise Inexpressible("a call with free text cannot be sent to Anthropic; offer a function", "messages")
            return wire_call(part)
    return _shown(part)


def _result(result: ToolResult) -> Wire:
    blocks = [block for part in result.content if (block := _shown(part)) is not None]
    wire: Wire = {"type": "tool_result", "tool_use_id": wire_id(result.call_id), "content": _content(blocks)}
    return {**wire, "is_error": True} if result.is_error else wire


def _shown(part: Part) -> Wire | None:
    match part:
        case Text(text) | Refusal(text):
            # A block of white space alone is refused.
            return {"type": "text", "text": text} if text.strip() else None
        case Image():
            return write_image(part)
        case Document():
            return write_document(part)
    message = f"{type(part).__name__.lower()} cannot be said in this place of an Anthropic request; send it as text"
    raise Inexpressible(message, "messages")
