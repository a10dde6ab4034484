"""The messages of a request, written as items.

The first system message stands apart here, as the instructions. Of thinking only what OpenAI encrypted is sent to it.
"""

from typing import Any

from earthward.chat import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from earthward.dialects.openai_responses.encrypted import openais
from earthward.dialects.openai_responses.media import write_part

Wire = dict[str, Any]


def instructions_of(messages: tuple[Message, ...]) -> str | None:
    """The text of a system message that comes first; None if it is no single text, or all there is.

    Something has to be said besides.
    """
    match messages:
        case (Message(Role.SYSTEM, (Text(text),)), _, *_) if text:
            return text
    return None


def write_input(messages: tuple[Message, ...], extensions: bool) -> list[Wire]:
    """`extensions` is whether the server takes thinking in plain text. Raises Inexpressible."""
    items: list[Wire] = []
    for message in messages[1 if instructions_of(messages) is not None else 0 :]:
        spoken: list[Part] = []
        for part in message.parts:
            item = _item(part, extensions)
            if item is None:
                spoken.append(part)
            else:
                items += [*_spoken(message.role, spoken), *item]
                spoken = []
        items += _spoken(message.role, spoken)
    return items


def is_written(part: Reasoning, extensions: bool) -> bool:
    return openais(part.signature) is not None or (extensions and bool(part.text) and not part.redacted)


def _item(part: Part, extensions: bool) -> list[Wire] | None:
    """The item a part is by itself, or none at all; None if it belongs to a message."""
    match part:
        case ToolCall(id, name, arguments, custom=True):
            return [{"type": "custom_tool_call", "call_id": id, "name": name, "input": arguments}]
        case ToolCall(id, name, arguments):
            return [{"type": "function_call", "call_id": id, "name": name, "arguments": arguments or "{}"}]
        case ToolResult():
            return [_result(part)]
        case Reasoning():
            return [_reasoning(part)] if is_written(part, extensions) else []
    return None


def _result(result: ToolResult) -> Wire:
    parts = [write_part(part) for part in result.content]
    texts = "".join(part.text for part in result.content if isinstance(part, Text))
    is_text = all(isinstance(part, Text) for part in result.content)
    output: Any = texts if is_text else parts
    if result.is_error:
        output = f"Error: {texts}" if is_text else [{"type": "input_text", "text": "Error:"}, *parts]
    return {"type": "function_call_output", "call_id": result.call_id, "output": output}


def _reasoning(part: Reasoning) -> Wire:
    encrypted = openais(part.signature)
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    wire: Wire = {"type": "reasoning", "summary": summary}
    return wire if encrypted is None else {**wire, "encrypted_content": encrypted}


def _spoken(role: Role, parts: list[Part]) -> list[Wire]:
    if not parts:
        return []
    role = Role.USER if role is Role.TOOL else role
    content = [write_part(part, role is Role.ASSISTANT) for part in parts]
    return [{"type": "message", "role": role.value, "content": content}]
