"""Calls of tools, as the caller wanted them: one at a time, with arguments that match, and known as calls at all."""

from typing import Any

import msgspec

from earthward.chat import Answer, Choice, Event, Part, Text, Tool, ToolCall, ToolCallDelta, ToolCallStarted
from earthward.dialects.json_limits import NOT_JSON


def only_first(answer: Answer) -> Answer:
    """For a caller who wants no calls in parallel, from a model that knows no such wish."""
    return msgspec.structs.replace(answer, choices=tuple(map(_only_first, answer.choices)))


def is_first(event: Event) -> bool:
    """The same for the events of a stream: whether the caller is to have it."""
    return not isinstance(event, ToolCallStarted | ToolCallDelta) or event.call == 0


def wrong_arguments(answer: Answer, tools: tuple[Tool, ...]) -> str | None:
    """What is wrong with a call's arguments, in words for a model; None if every call can be made."""
    known = {tool.name: tool for tool in tools if tool.kind == "function"}
    for choice in answer.choices:
        for call in choice.parts:
            if isinstance(call, ToolCall) and not call.custom and choice.reason != "length":
                wrong = _wrong(call, known.get(call.name))
                if wrong is not None:
                    return f"in the call of {call.name}: {wrong}"
    return None


def salvaged(answer: Answer, tools: tuple[Tool, ...]) -> Answer:
    """Calls that arrived as text, where all the text there is is one call, or a list of them, of tools on offer.

    For models whose template does not fit; never for a caller who may have meant such text.
    """
    return msgspec.structs.replace(
        answer,
        choices=tuple(
            _salvaged(choice, tools, f"{answer.id or ''}_{place}") for place, choice in enumerate(answer.choices)
        ),
    )


def _only_first(choice: Choice) -> Choice:
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    later = {id(call) for call in calls[1:]}
    return msgspec.structs.replace(choice, parts=tuple(part for part in choice.parts if id(part) not in later))


def _wrong(call: ToolCall, tool: Tool | None) -> str | None:
    if tool is None:
        return "there is no such tool"
    try:
        value = msgspec.json.decode(call.arguments or "{}")
    except NOT_JSON as error:
        return f"the arguments are not JSON ({error})"
    # The validator takes an eighth of all that is imported at a start, and few callers need it.
    from earthward.dialects.content.schemas import mismatch

    return mismatch({"type": "object", **(tool.parameters or {})}, value)


def _salvaged(choice: Choice, tools: tuple[Tool, ...], id: str) -> Choice:
    if choice.reason != "stop" or any(isinstance(part, ToolCall) for part in choice.parts):
        return choice
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    calls = _calls_in(text, {tool.name for tool in tools if tool.kind == "function"}, id)
    if not calls:
        return choice
    others = tuple(part for part in choice.parts if not isinstance(part, Text))
    return msgspec.structs.replace(choice, parts=(*others, *calls), reason="tool_calls")


def _calls_in(text: str, names: set[str], id: str) -> list[Part]:
    bare = text.strip().removeprefix("<tool_call>").removesuffix("</tool_call>")
    try:
        said: Any = msgspec.json.decode(bare)
    except NOT_JSON:
        return []
    calls: list[Part] = []
    for place, wire in enumerate(said if isinstance(said, list) else [said]):
        match wire:
            case {"name": str(name), "arguments": dict(given)} | {"name": str(name), "parameters": dict(given)}:
                if len(wire) > 2 or name not in names:
                    return []
                calls.append(ToolCall(f"call_{id}_{place}", name, msgspec.json.encode(given).decode()))
            case _:
                return []
    return calls
