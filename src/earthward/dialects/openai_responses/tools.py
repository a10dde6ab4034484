"""Tools, and which of them a model may call, both ways. A tool of OpenAI's own is known by its type."""

from typing import Any, Literal

import msgspec

from earthward.chat import FailureKind, Tool, ToolChoice
from earthward.dialects.inexpressible import Inexpressible

Wire = dict[str, Any]

HOSTED = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "namespace",
        "shell",
        "tool_search",
        "web_search",
        "web_search_preview",
    }
)


class _Definition(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Named(msgspec.Struct):
    name: str | None = None
    type: str | None = None


class WireChoice(msgspec.Struct):
    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[_Named] | None = None


_KNOWN = frozenset({"type", *_Definition.__struct_fields__})


def read_tool(raw: Wire) -> Tool:
    kind = raw.get("type")
    if kind not in ("function", "custom"):
        if not isinstance(kind, str):
            raise Inexpressible("a tool needs its `type`", "tools", FailureKind.BAD_REQUEST)
        return Tool(kind, kind="hosted", rest=raw)
    wire = msgspec.convert(raw, _Definition)
    rest = {name: value for name, value in raw.items() if name not in _KNOWN}
    return Tool(wire.name, wire.description, wire.parameters, wire.strict, kind, rest)


def read_choice(wire: str | WireChoice | None) -> ToolChoice | None:
    match wire:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(wire)
        case WireChoice(type="function" | "custom", name=str(name)):
            return ToolChoice("required", (name,))
        case WireChoice(type="allowed_tools"):
            names = tuple(tool.name for tool in wire.tools or () if tool.name is not None)
            return ToolChoice(wire.mode or "auto", names) if names else ToolChoice("none")
        case WireChoice():
            raise Inexpressible(f"a tool choice of type {wire.type!r}", "tool_choice")
    message = f"`tool_choice` is {wire!r}; known are auto, none, required, or a tool by name"
    raise Inexpressible(message, "tool_choice", FailureKind.BAD_REQUEST)


def write_tool(tool: Tool) -> Wire:
    if tool.kind == "hosted":
        kind = tool.rest.get("type")
        if not isinstance(kind, str) or kind not in HOSTED:
            message = f"the hosted tool {tool.name!r} is none of OpenAI's; offer a function in its place"
            raise Inexpressible(message, "tools")
        return tool.rest
    fields = {**tool.rest, "type": tool.kind, "name": tool.name, "description": tool.description}
    if tool.kind == "function":
        # Both have to be there, and `strict` is on where it is not.
        fields |= {"parameters": tool.parameters or {"type": "object", "properties": {}}, "strict": bool(tool.strict)}
    return {name: value for name, value in fields.items() if value is not None}


def write_choice(choice: ToolChoice | None, tools: tuple[Tool, ...]) -> str | Wire | None:
    if choice is None:
        return None
    if not choice.names or choice.mode == "none":
        return choice.mode
    kinds = {tool.name: tool.kind for tool in tools}
    named = [{"type": kinds.get(name, "function"), "name": name} for name in choice.names]
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}
