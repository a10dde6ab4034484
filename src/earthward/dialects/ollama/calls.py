"""Tool calls, as they stand in messages of requests and of answers: always whole, their arguments an object.

A custom tool, which takes free text instead, is offered as a function with one string argument.
"""

from typing import Any

import msgspec

from earthward.chat import Tool, ToolCall
from earthward.dialects.json_limits import NOT_JSON

FREE_TEXT = "input"
"""The argument that holds what is no object: the input of a custom tool, or JSON that the model broke off."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NONE: frozenset[str] = frozenset()
_ENCODE = msgspec.json.Encoder().encode


class WireFunction(msgspec.Struct):
    """Templates of some models make `arguments` a string; `index` was 0 for every call for a long time."""

    name: str
    arguments: dict[str, Any] | str | None = None


class WireCall(msgspec.Struct):
    function: WireFunction
    id: str | None = None


def read_call(wire: WireCall, invented_id: str, custom: frozenset[str] = frozenset()) -> ToolCall:
    """`invented_id` is for versions that give none; `custom` names the tools that take free text."""
    name = wire.function.name
    arguments = wire.function.arguments
    if name in custom and isinstance(arguments, dict) and isinstance(arguments.get(FREE_TEXT), str):
        return ToolCall(wire.id or invented_id, name, arguments[FREE_TEXT], custom=True)
    return ToolCall(wire.id or invented_id, name, _text(arguments))


def wire_call(call: ToolCall, index: int) -> dict[str, Any]:
    """Arguments that are no object ride along as a string inside one, so that nothing is lost."""
    arguments = None if call.custom else object_in(call.arguments)
    return {
        "id": call.id,
        "function": {
            "index": index,
            "name": call.name,
            "arguments": {FREE_TEXT: call.arguments} if arguments is None else arguments,
        },
    }


def object_in(arguments: str) -> dict[str, msgspec.Raw] | None:
    """The members, each as its own JSON; of nothing at all, none. None if it is not an object's text."""
    if not arguments.strip():
        return {}
    try:
        # Decoded in full as well: what is kept raw inside could be anything.
        msgspec.json.decode(arguments)
        return _OBJECT.decode(arguments)
    except NOT_JSON:
        return None


def custom_tools(tools: tuple[Tool, ...]) -> frozenset[str]:
    """The names by which calls are known again as calls of custom tools."""
    return frozenset(tool.name for tool in tools if tool.kind == "custom") if tools else _NONE


def _text(arguments: dict[str, Any] | str | None) -> str:
    if isinstance(arguments, str):
        return arguments or "{}"
    return _ENCODE(arguments or {}).decode()
