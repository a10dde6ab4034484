"""Tools that take free text, for targets whose tools take objects: offered as functions with one string.

Coding agents send patches that way. What comes back of such a function is the text again, and nothing around it.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Event,
    Finished,
    Message,
    Part,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from earthward.dialects.json_limits import NOT_JSON

FREE_TEXT = "input"
"""The argument that holds the text."""
_SCHEMA = {
    "type": "object",
    "properties": {FREE_TEXT: {"type": "string"}},
    "required": [FREE_TEXT],
    "additionalProperties": False,
}


def needs_functions(request: ChatRequest) -> bool:
    """Whether there is such a tool, or a call of one."""
    calls = (part for message in request.messages for part in message.parts if isinstance(part, ToolCall))
    return any(tool.kind == "custom" for tool in request.tools) or any(call.custom for call in calls)


def as_functions(request: ChatRequest) -> ChatRequest:
    return msgspec.structs.replace(
        request,
        tools=tuple(_function(tool) if tool.kind == "custom" else tool for tool in request.tools),
        messages=tuple(map(_with_functions, request.messages)),
    )


def free_text_tools(request: ChatRequest) -> frozenset[str]:
    """The names by which their calls are known again."""
    return frozenset(tool.name for tool in request.tools if tool.kind == "custom")


def with_free_text(answer: Answer, names: frozenset[str]) -> Answer:
    """The answer with such calls as the caller knows them."""
    choices = [
        msgspec.structs.replace(choice, parts=tuple(_freed(part, names) for part in choice.parts))
        for choice in answer.choices
    ]
    return msgspec.structs.replace(answer, choices=tuple(choices))


class WithFreeText:
    """The same for a stream. A text is known when the object around it is whole, so it comes at the end."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._held: dict[tuple[int, int], list[str]] = {}

    def feed(self, event: Event) -> list[Event]:
        match event:
            case ToolCallStarted(call, name=name, answer=answer) if name in self._names:
                self._held[answer, call] = []
                return [msgspec.structs.replace(event, custom=True)]
            case ToolCallDelta(call, arguments, answer) if (answer, call) in self._held:
                self._held[answer, call].append(arguments)
                return []
            case Finished(answer=answer):
                ended = [key for key in self._held if key[0] == answer]
                texts = {key: text_in("".join(self._held.pop(key))) for key in ended}
                return [*(ToolCallDelta(call, text, answer) for (_, call), text in texts.items()), event]
        return [event]


def text_in(arguments: str) -> str:
    """The text in a call's arguments; what was broken off, or has another form, as it is."""
    try:
        found: Any = msgspec.json.decode(arguments)
    except NOT_JSON:
        return arguments
    text = found.get(FREE_TEXT) if isinstance(found, dict) else None
    return text if isinstance(text, str) else arguments


def _function(tool: Tool) -> Tool:
    rest = {name: value for name, value in tool.rest.items() if name != "format"}
    return Tool(tool.name, _description(tool), _SCHEMA, rest=rest)


def _description(tool: Tool) -> str | None:
    """With the grammar that the text is to follow, where there is one: nobody else would tell the model."""
    told = tool.rest.get("format")
    grammar = told.get("grammar", told) if isinstance(told, dict) else {}
    match grammar:
        case {"definition": str(definition)}:
            syntax = grammar.get("syntax") or "this"
            told_so = f"`{FREE_TEXT}` must follow this grammar ({syntax}):\n{definition}"
            return f"{tool.description}\n\n{told_so}" if tool.description else told_so
    return tool.description


def _with_functions(message: Message) -> Message:
    if not any(isinstance(part, ToolCall) and part.custom for part in message.parts):
        return message
    return msgspec.structs.replace(message, parts=tuple(map(_bound, message.parts)))


def _bound(part: Part) -> Part:
    if not isinstance(part, ToolCall) or not part.custom:
        return part
    return ToolCall(part.id, part.name, msgspec.json.encode({FREE_TEXT: part.arguments}).decode())


def _freed(part: Part, names: frozenset[str]) -> Part:
    if not isinstance(part, ToolCall) or part.name not in names:
        return part
    return ToolCall(part.id, part.name, text_in(part.arguments), custom=True)
