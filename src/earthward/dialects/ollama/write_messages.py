"""The messages of a request, written.

All system text comes first, in one message: Ollama's templates would move it there anyway, and a prompt that keeps
its beginning is found in the cache. Results stand right after their calls. Neighbours of the same role become one,
since many templates refuse them.
"""

from typing import Any

from earthward.chat import (
    Audio,
    Document,
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
from earthward.dialects.answered_calls import results_at_calls
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.ollama.calls import wire_call
from earthward.dialects.ollama.images import READABLE, media_type, standard_base64, without_data_url

Wire = dict[str, Any]

SYSTEM = (Role.SYSTEM, Role.DEVELOPER)


def write_messages(messages: tuple[Message, ...], takes_audio: bool = False) -> list[Wire]:
    """`takes_audio` is whether the model hears what is in `images`. Raises Inexpressible."""
    if not messages:
        # Such a request would only load the model.
        raise Inexpressible("`messages` must not be empty", "messages", FailureKind.BAD_REQUEST)
    names: dict[str, str] = {}
    wires: list[Wire] = []
    for place, message in enumerate(results_at_calls(messages)):
        if message.role in SYSTEM:
            continue
        where = f"messages[{place}]"
        _refuse_content_in(message.rest, where)
        names |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
        for wire in _written(message, names, where, takes_audio):
            _add(wires, wire)
    system = _system(messages)
    return [*([{"role": "system", "content": system}] if system else []), *wires]


def _system(messages: tuple[Message, ...]) -> str:
    texts = [
        _text(part, f"messages[{place}]")
        for place, message in enumerate(messages)
        if message.role in SYSTEM
        for part in message.parts
    ]
    return "\n\n".join(text for text in texts if text)


def _refuse_content_in(rest: Wire, where: str) -> None:
    if rest.get("audio"):
        message = "an answer that was spoken is kept by its vendor and cannot be sent to Ollama; send its transcript"
        raise Inexpressible(message, f"{where}.audio")


def _written(message: Message, names: dict[str, str], where: str, takes_audio: bool) -> list[Wire]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    others = tuple(part for part in message.parts if not isinstance(part, ToolResult))
    wires = [_result(result, names, where) for result in results]
    if others or not results:
        wires.append(_said(message.role, others, where, takes_audio))
    return wires


def _result(result: ToolResult, names: dict[str, str], where: str) -> Wire:
    texts = [_text(part, where) for part in result.content if not isinstance(part, Image)]
    images = [_image(part, where) for part in result.content if isinstance(part, Image)]
    content = "\n".join(texts)
    name = result.name or names.get(result.call_id)
    return {
        "role": "tool",
        "content": f"Error: {content}" if result.is_error else content,
        **({"images": images} if images else {}),
        **({"tool_name": name} if name else {}),
        "tool_call_id": result.call_id,
    }


def _said(role: Role, parts: tuple[Part, ...], where: str, takes_audio: bool) -> Wire:
    is_assistant = role is Role.ASSISTANT
    texts: list[str] = []
    media: list[str] = []
    calls: list[Wire] = []
    thinking = ""
    for part in parts:
        match part:
            case Image():
                media.append(_image(part, where))
            case Audio(data=data) if takes_audio:
                media.append(standard_base64(data))
            case Reasoning() if is_assistant:
                thinking += "" if part.redacted else part.text
            case ToolCall() if is_assistant:
                calls.append(wire_call(part, len(calls)))
            case _:
                texts.append(_text(part, where))
    # What a model said came in pieces; what people say in parts are separate things.
    wire: Wire = {
        "role": "assistant" if is_assistant else "user",
        "content": ("" if is_assistant else "\n").join(text for text in texts if text),
    }
    fields = {"thinking": thinking, "images": media, "tool_calls": calls}
    return {**wire, **{name: value for name, value in fields.items() if value}}


def _add(wires: list[Wire], wire: Wire) -> None:
    last = wires[-1] if wires else None
    if last is None or last["role"] != wire["role"] or wire["role"] == "tool" or "tool_calls" in last:
        wires.append(wire)
        return
    merged = {**last, **wire, "content": _joined(last["content"], wire["content"])}
    if "images" in last:
        merged["images"] = [*last["images"], *wire.get("images", ())]
    if "thinking" in last and "thinking" in wire:
        merged["thinking"] = _joined(last["thinking"], wire["thinking"])
    wires[-1] = merged


def _joined(one: str, other: str) -> str:
    return f"{one}\n\n{other}" if one and other else one or other


def _text(part: Part, where: str) -> str:
    """Raises Inexpressible for what is no text."""
    match part:
        case Text(text) | Refusal(text):
            return text
        case Document(text=str(text)):
            return f"{part.name}\n\n{text}" if part.name else text
        case Document():
            name = f" {part.name!r}" if part.name else ""
            message = f"the document{name} cannot be sent to Ollama, which reads none; send its text instead"
            raise Inexpressible(message, f"{where}.content")
        case Audio():
            message = "audio cannot be sent to this model; send a transcript, or choose one that hears"
            raise Inexpressible(message, f"{where}.content")
    raise Inexpressible(f"{type(part).__name__} cannot be said in this place of an Ollama request", f"{where}.content")


def _image(image: Image, where: str) -> str:
    where = f"{where}.content"
    if image.data is None:
        given = "by URL" if image.url is not None else "by file id"
        message = f"an image {given} cannot be sent to Ollama, which fetches nothing; send its data in base64"
        raise Inexpressible(message, where)
    data = standard_base64(without_data_url(image.data))
    kind = (media_type(data) or image.media_type or "").lower()
    if kind and kind not in READABLE:
        message = f"an image of type {kind} cannot be sent to Ollama; send it as PNG, JPEG or WebP"
        raise Inexpressible(message, where)
    return data
