"""The messages of a request, written.

Results of tools become messages of their own, right after their calls. Images in them, which this dialect has no place
for, follow in a message of the user's, after the last of the results that stand together.
"""

from typing import Any

from earthward.chat import (
    Audio,
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
from earthward.dialects.answered_calls import results_at_calls
from earthward.dialects.file_ids import held_at
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.openai_chat.calls import wire_call

Wire = dict[str, Any]


def write_messages(messages: tuple[Message, ...], extensions: bool) -> list[Wire]:
    """`extensions` is whether the server knows more than OpenAI's own. Raises Inexpressible."""
    wires: list[Wire] = []
    images: list[Wire] = []
    for message in results_at_calls(messages):
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        others = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        for result in results:
            wires.append({**message.rest, **_result(result, extensions)})
            images += [_part(part) for part in result.content if not isinstance(part, Text)]
        if others or not results:
            wires += _as_user(images)
            images = []
            wires.append(_message(message, others, extensions))
    return wires + _as_user(images)


def _as_user(images: list[Wire]) -> list[Wire]:
    return [{"role": "user", "content": images}] if images else []


def _result(result: ToolResult, extensions: bool) -> Wire:
    texts = [part.text for part in result.content if isinstance(part, Text)]
    if result.is_error:
        texts = ["Error: " + "".join(texts)]
    content: Any = [{"type": "text", "text": text} for text in texts] if len(texts) > 1 else "".join(texts)
    wire = {"role": "tool", "tool_call_id": result.call_id, "content": content}
    if extensions and result.name is not None:
        wire["name"] = result.name
    return wire


def _message(message: Message, parts: tuple[Part, ...], extensions: bool) -> Wire:
    wire = {**message.rest, "role": "user" if message.role is Role.TOOL else message.role.value}
    if message.name is not None:
        wire["name"] = message.name
    if message.role is Role.ASSISTANT:
        return {**wire, **_said(parts, extensions)}
    return {**wire, "content": _content(parts)}


def _said(parts: tuple[Part, ...], extensions: bool) -> Wire:
    """What the assistant said; calls come last, wherever they stood."""
    wire: Wire = {}
    spoken = tuple(part for part in parts if not isinstance(part, Reasoning | ToolCall))
    calls = [wire_call(part) for part in parts if isinstance(part, ToolCall)]
    match spoken:
        case (Refusal(text),):
            wire |= {"content": None, "refusal": text}
        case () if calls:
            wire["content"] = None
        case _:
            wire["content"] = _content(spoken)
    if calls:
        wire["tool_calls"] = calls
    reasoning = "".join(part.text for part in parts if isinstance(part, Reasoning) and not part.redacted)
    if reasoning and extensions:
        wire["reasoning_content"] = reasoning
    return wire


def _content(parts: tuple[Part, ...]) -> str | list[Wire]:
    match parts:
        case ():
            return ""
        case (Text(text),):
            return text
    return [_part(part) for part in parts]


def _part(part: Part) -> Wire:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Refusal(text):
            return {"type": "refusal", "refusal": text}
        case Image():
            return {"type": "image_url", "image_url": _image(part)}
        case Audio(format, data):
            return {"type": "input_audio", "input_audio": {"data": data, "format": format}}
        case Document(text=str(text)):
            return {"type": "text", "text": f"{part.name}\n\n{text}" if part.name else text}
        case Document():
            return {"type": "file", "file": _file(part)}
    message = f"{type(part).__name__.lower()} cannot be said in this place of an OpenAI request; send it as text"
    raise Inexpressible(message, "messages")


def _image(image: Image) -> Wire:
    if image.data is not None:
        wire = {"url": f"data:{image.media_type or ''};base64,{image.data}"}
    elif image.url is not None:
        wire = {"url": image.url}
    else:
        raise Inexpressible("an image by file id cannot be sent to OpenAI's chat; send its data in base64", "messages")
    return wire if image.detail is None else {**wire, "detail": image.detail}


def _file(document: Document) -> Wire:
    wire = {} if document.name is None else {"filename": document.name}
    if document.file_id is not None:
        return {**wire, "file_id": held_at("OpenAI", document.file_id, "messages")}
    if document.data is None:
        raise Inexpressible("a document by URL cannot be sent to OpenAI's chat; send its data in base64", "messages")
    head = f"data:{document.media_type};base64," if document.media_type else ""
    return {**wire, "file_data": head + document.data}
