"""Tools, and which of them a model may call, both ways. Every tool of Google's own is a field named for it."""

from typing import Any, Literal

import msgspec

from earthward.chat import FailureKind, Tool, ToolChoice
from earthward.dialects.gemini.schemas import read_schema
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.unread import shape_of

Wire = dict[str, Any]

HOSTED = frozenset(
    {
        "codeExecution",
        "computerUse",
        "enterpriseWebSearch",
        "exaAiSearch",
        "fileSearch",
        "googleMaps",
        "googleSearch",
        "googleSearchRetrieval",
        "mcpServers",
        "parallelAiSearch",
        "retrieval",
        "urlContext",
    }
)

_MODES: dict[str, Literal["auto", "none", "required"]] = {
    "MODE_UNSPECIFIED": "auto",
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    # Calls if it wants to, and then by the schema.
    "VALIDATED": "auto",
}
"""In the order of their numbers, which Google's older SDKs write."""


class _Declaration(msgspec.Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    parameters_json_schema: Any = None


class _Calling(msgspec.Struct, rename="camel"):
    mode: str | int | None = None
    allowed_function_names: list[str] | None = None


class WireToolConfig(msgspec.Struct, rename="camel"):
    function_calling_config: _Calling | None = None


CALLING = shape_of(_Calling)
_KNOWN = frozenset(_Declaration.__struct_encode_fields__)


def read_tools(wires: list[Wire] | None) -> tuple[Tool, ...]:
    """Raises Inexpressible for a tool of a kind that is not known."""
    tools: list[Tool] = []
    for place, wire in enumerate(wires or ()):
        for name, value in wire.items():
            if name == "functionDeclarations":
                tools += map(_declared, msgspec.convert(value or [], list[dict[str, Any]]))
            elif value is not None:
                tools.append(_hosted(name, value, f"tools[{place}]"))
    return tuple(tools)


def read_choice(config: WireToolConfig | None) -> ToolChoice | None:
    calling = config.function_calling_config if config is not None else None
    if calling is None or (calling.mode is None and not calling.allowed_function_names):
        return None
    mode = _mode(calling.mode)
    if mode is None:
        known = ", ".join(_MODES)
        message = f"a mode of calling functions {calling.mode!r}; known are {known}"
        raise Inexpressible(message, "toolConfig.functionCallingConfig.mode", FailureKind.BAD_REQUEST)
    return ToolChoice(mode, tuple(calling.allowed_function_names or ()))


def _mode(wire: str | int | None) -> Literal["auto", "none", "required"] | None:
    if isinstance(wire, int):
        return [*_MODES.values()][wire] if wire in range(len(_MODES)) else None
    return _MODES.get((wire or "AUTO").upper())


def write_tools(tools: tuple[Tool, ...]) -> list[Wire]:
    """All functions together, and each of Google's own by itself."""
    functions = [_declaration(tool) for tool in tools if tool.kind == "function"]
    others = [_written_hosted(tool) for tool in tools if tool.kind != "function"]
    return [*([{"functionDeclarations": functions}] if functions else []), *others]


def write_choice(choice: ToolChoice | None) -> Wire | None:
    match choice:
        case None:
            return None
        case ToolChoice("none"):
            calling: Wire = {"mode": "NONE"}
        case ToolChoice("required"):
            calling = {"mode": "ANY"}
        case ToolChoice(names=names):
            # Only this mode and ANY take names.
            calling = {"mode": "VALIDATED" if names else "AUTO"}
    if choice.names and choice.mode != "none":
        calling["allowedFunctionNames"] = list(choice.names)
    return {"functionCallingConfig": calling}


def _declared(raw: Wire) -> Tool:
    wire = msgspec.convert(raw, _Declaration)
    schema = wire.parameters_json_schema
    if not isinstance(schema, dict):
        schema = read_schema(wire.parameters) if wire.parameters is not None else None
    rest = {name: value for name, value in raw.items() if name not in _KNOWN}
    return Tool(wire.name, wire.description, schema, rest=rest)


def _hosted(name: str, value: Any, where: str) -> Tool:
    if name not in HOSTED:
        raise Inexpressible(f"a tool of the unknown kind {name!r}", where)
    return Tool(name, kind="hosted", rest={name: value})


def _declaration(tool: Tool) -> Wire:
    fields = {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
    return {name: value for name, value in fields.items() if value is not None}


def _written_hosted(tool: Tool) -> Wire:
    if tool.kind == "custom":
        message = f"the tool {tool.name!r} takes free text, which a function of Gemini's cannot; offer a function"
        raise Inexpressible(message, "tools")
    if tool.name not in HOSTED or tool.name not in tool.rest:
        message = f"the hosted tool {tool.name!r} is none of Google's; offer a function in its place"
        raise Inexpressible(message, "tools")
    return {tool.name: tool.rest[tool.name]}
