"""Tools, and which of them a model may call, both ways.

Tools of the vendor's own are known by their type, which ends in a date.
"""

import re
from typing import Any

import msgspec

from earthward.chat import FailureKind, Tool, ToolChoice
from earthward.dialects.inexpressible import Inexpressible

Wire = dict[str, Any]

_VENDOR_S_TYPE = re.compile(r".+_20\d{6}")
_TUNING = ("cache_control", "eager_input_streaming")
_OWN_FIELDS = frozenset({"allowed_callers", "defer_loading", "input_examples"})
"""Fields of a tool that the vocabulary has no word for; Anthropic refuses a request with any other."""


class _Definition(msgspec.Struct):
    name: str
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class WireChoice(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


_KNOWN = frozenset({"type", *_Definition.__struct_fields__, *_TUNING})


def read_tool(raw: Wire) -> Tool:
    kind = raw.get("type")
    if kind not in (None, "custom"):
        name = raw.get("name")
        rest = {field: value for field, value in raw.items() if field != "name"}
        return Tool(name if isinstance(name, str) else str(kind), kind="hosted", rest=rest)
    wire = msgspec.convert(raw, _Definition)
    rest = {field: value for field, value in raw.items() if field not in _KNOWN}
    return Tool(wire.name, wire.description, wire.input_schema, wire.strict, rest=rest)


def untold(raws: list[Wire]) -> tuple[str, ...]:
    """The names of what tunes beside a function and is not kept."""
    functions = [raw for raw in raws if raw.get("type") in (None, "custom")]
    return tuple(f"tools.{name}" for name in _TUNING if any(raw.get(name) for raw in functions))


def read_choice(wire: WireChoice | None) -> ToolChoice | None:
    match wire:
        case None:
            return None
        case WireChoice(type="auto" | "none" as mode):
            return ToolChoice(mode)
        case WireChoice(type="any"):
            return ToolChoice("required")
        case WireChoice(type="tool", name=str(name)):
            return ToolChoice("required", (name,))
    known = "auto, any, none, and tool with a name"
    raise Inexpressible(
        f"a tool choice of type {wire.type!r}; known are {known}", "tool_choice", FailureKind.BAD_REQUEST
    )


def read_parallel(wire: WireChoice | None) -> bool | None:
    return None if wire is None or wire.disable_parallel_tool_use is None else not wire.disable_parallel_tool_use


def write_tools(tools: tuple[Tool, ...], choice: ToolChoice | None, extensions: bool) -> list[Wire]:
    """Those that may be called: a choice among some of them can only be said by leaving the others out."""
    is_named = choice is not None and choice.mode == "required" and len(choice.names) == 1
    names = choice.names if choice is not None and choice.mode != "none" and not is_named else ()
    return [_write_tool(tool, extensions) for tool in tools if not names or tool.name in names]


def write_choice(choice: ToolChoice | None, parallel: bool | None) -> Wire | None:
    """Whether tools may be called in parallel is part of the choice here, so there may have to be one."""
    match choice:
        case ToolChoice(mode="none"):
            return {"type": "none"}
        case ToolChoice(mode="required", names=(name,)):
            wire = {"type": "tool", "name": name}
        case ToolChoice(mode="required"):
            wire = {"type": "any"}
        case ToolChoice():
            wire = {"type": "auto"}
        case None if parallel is False:
            wire = {"type": "auto"}
        case None:
            return None
    return wire if parallel is None else {**wire, "disable_parallel_tool_use": not parallel}


def lost_fields(tool: Tool, extensions: bool) -> list[str]:
    if tool.kind == "hosted" or extensions:
        return []
    return [f"tools.{name}" for name in tool.rest if name not in _OWN_FIELDS]


def _write_tool(tool: Tool, extensions: bool) -> Wire:
    if tool.kind == "hosted":
        return _write_hosted(tool)
    if tool.kind == "custom":
        raise Inexpressible(f"the tool {tool.name!r} takes free text, which an Anthropic tool cannot", "tools")
    fields = {
        **{name: value for name, value in tool.rest.items() if extensions or name in _OWN_FIELDS},
        "name": tool.name,
        "description": tool.description,
        "input_schema": _schema(tool.parameters),
        "strict": tool.strict,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _write_hosted(tool: Tool) -> Wire:
    kind = str(tool.rest.get("type"))
    if not _VENDOR_S_TYPE.fullmatch(kind):
        message = f"the hosted tool {tool.name!r} is none of Anthropic's; offer a function in its place"
        raise Inexpressible(message, "tools")
    return {**tool.rest, **({} if tool.name == kind else {"name": tool.name})}


def _schema(parameters: dict[str, Any] | None) -> Wire:
    """A function without arguments may have no schema, or one without a type, elsewhere."""
    return {"type": "object", **(parameters or {"properties": {}})}
