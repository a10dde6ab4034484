"""Tool calls, as they stand in an assistant's message: in the history of a request and in a whole answer."""

from typing import Any

import msgspec

from earthward.chat import ToolCall


class WireFunction(msgspec.Struct):
    """Some servers give the arguments as an object instead of its JSON text."""

    name: str
    arguments: str | dict[str, Any] | None = None


class WireCustom(msgspec.Struct):
    name: str
    input: str | None = None


class WireCall(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    function: WireFunction | None = None
    custom: WireCustom | None = None


def read_call(wire: WireCall, invented_id: str) -> ToolCall:
    """`invented_id` is for servers that give none. Raises ValueError for a call of neither kind."""
    call_id = wire.id or invented_id
    if wire.custom is not None:
        return ToolCall(call_id, wire.custom.name, wire.custom.input or "", custom=True)
    if wire.function is not None:
        return ToolCall(call_id, wire.function.name, arguments_text(wire.function.arguments))
    raise ValueError(f"a tool call of type {wire.type!r} has neither `function` nor `custom`")


def arguments_text(arguments: str | dict[str, Any] | None) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def wire_call(call: ToolCall) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    # Ollama's and other servers refuse an empty string here.
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}
