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
from earthward.dialects.ollama.calls import object_in, wire_call
from earthward.dialects.ollama.images import READABLE, media_type, standard_base64, without_data_url

Wire = dict[str, Any]

SYSTEM = (Role.SYSTEM, Role.DEVELOPER)
ASSISTANT = Role.ASSISTANT
_LOST = (
    *("messages.reasoning", "messages.tool_calls", "messages.is_error", "messages.detail", "messages.order"),
    "messages.name",
)


def write_messages(messages: tuple[Message, ...], takes_audio: bool = False) -> list[Wire]:
    """`takes_audio` is whether the model hears what is in `images`. Raises Inexpressible."""
    if not messages:
        # Such a request would only load the model.
        raise Inexpressible("`messages` must not be empty", "messages", FailureKind.BAD_REQUEST)
    names: dict[str, str] = {}
    wires: list[Wire] = []
    told: list[tuple[int, Message]] = []
    for place, message in enumerate(results_at_calls(messages)):
        if message.role in SYSTEM:
            told.append((place, message))
        elif len(message.parts) == 1 and type(part := message.parts[0]) is Text and not message.rest:
            # Most messages are a text and nothing else.
            _add(wires, {"role": "assistant" if message.role is ASSISTANT else "user", "content": part.text})
        else:
            where = f"messages[{place}]"
            _refuse_content_in(message.rest, where)
            names |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
            for wire in _written(message, names, where, takes_audio):
                _add(wires, wire)
    system = _system(told) if told else ""
    return [{"role": "system", "content": system}, *wires] if system else wires


def lost_in_messages(messages: tuple[Message, ...]) -> list[str]:
    """The names of what is not written, or only roughly."""
    lost: set[str] = set()
    others: list[str] = []
    has_begun = False
    for message in messages:
        if message.role not in SYSTEM:
            has_begun = True
        elif has_begun:
            # A system text that stood later was moved to the front.
            lost.add("messages.order")
        if message.name is not None:
            lost.add("messages.name")
        if message.rest:
            others += [f"messages.{name}" for name in message.rest]
        for part in message.parts:
            if type(part) is not Text and (name := _lost_of(part)):
                lost.add(name)
    return [*(name for name in _LOST if name in lost), *others] if lost else others


def _lost_of(part: Part) -> str:
    match part:
        case Reasoning(redacted=redacted, signature=signature) if redacted or signature is not None:
            return "messages.reasoning"
        case ToolCall(arguments=arguments, custom=custom) if custom or object_in(arguments) is None:
            return "messages.tool_calls"
        case Image(detail=str()):
            return "messages.detail"
        case ToolResult(is_error=True):
            return "messages.is_error"
    return ""


def _system(told: list[tuple[int, Message]]) -> str:
    texts = [
        part.text if type(part) is Text else _text(part, f"messages[{place}]")
        for place, message in told
        for part in message.parts
    ]
    return "\n\n".join(filter(None, texts))


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
    is_assistant = role is ASSISTANT
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
