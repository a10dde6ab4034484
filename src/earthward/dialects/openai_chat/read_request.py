"""A request read into the vocabulary.

Fields the vocabulary has no word for ride along in `rest`. Of what only tunes and stands inside a part or around a
tool (`prompt_cache_breakpoint`, `cache_control`) the names alone are kept. A part, a tool or a format of a kind that
is not known carries content, and is a failure.
"""

from typing import Any, Literal

import msgspec

from earthward.chat import (
    ChatRequest,
    Failure,
    FailureKind,
    OutputFormat,
    ReasoningControl,
    Sampling,
    Tool,
    ToolChoice,
)
from earthward.dialects.inexpressible import Inexpressible, answers_asked
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.openai_chat.read_messages import MESSAGE, PlainMessage, WireMessage, read_messages
from earthward.dialects.unread import shape_of, unread
from earthward.dialects.unreadable import unreadable


class _Named(msgspec.Struct):
    name: str


class _Definition(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Tool(msgspec.Struct):
    type: str = "function"
    function: dict[str, Any] | None = None
    custom: dict[str, Any] | None = None


class _AllowedTool(msgspec.Struct):
    name: str | None = None
    function: _Named | None = None
    custom: _Named | None = None


class _AllowedTools(msgspec.Struct):
    mode: Literal["auto", "required"]
    tools: list[_AllowedTool]


class _ToolChoice(msgspec.Struct):
    type: str
    function: _Named | None = None
    custom: _Named | None = None
    allowed_tools: _AllowedTools | None = None


class _JsonSchema(msgspec.Struct):
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class _ResponseFormat(msgspec.Struct):
    type: str
    json_schema: _JsonSchema | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[WireMessage]
    tools: list[_Tool] | None = None
    functions: list[dict[str, Any]] | None = None
    tool_choice: str | _ToolChoice | None = None
    function_call: str | _Named | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repeat_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    response_format: _ResponseFormat | None = None
    reasoning_effort: str | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None


class _Plain(_Request, forbid_unknown_fields=True):
    """One without fields that there is no word for, as most are. What may have such fields inside is read in full."""

    messages: list[PlainMessage]  # type: ignore[assignment]
    tools: None = None
    functions: None = None
    tool_choice: None = None
    response_format: None = None


_plain = msgspec.json.Decoder(_Plain)
_KNOWN = frozenset(_Request.__struct_fields__)
_NAME = shape_of(_Named)
_SHAPES = {
    "messages": MESSAGE,
    "tools": shape_of(_Tool),
    "tool_choice": shape_of(_ToolChoice, function=_NAME, custom=_NAME, allowed_tools=shape_of(_AllowedTools)),
    "response_format": shape_of(_ResponseFormat, json_schema=shape_of(_JsonSchema)),
}
"""What is looked into. Definitions of functions keep all they have."""
_EFFORTS: tuple[Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"], ...]
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_MODES = ("auto", "none", "required")


def read_request(body: bytes, limits: JsonLimits | None = LIMITS) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`.

    `limits` is None for a body that was held to them before, as an envelope's was.
    """
    too_much = None if limits is None else excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        return _request(_plain.decode(body))
    except Inexpressible as error:
        return error.failure
    except NOT_JSON:
        return _in_full(body)


def _in_full(body: bytes) -> ChatRequest | Failure:
    """What is not plain, or is nothing to be read at all."""
    try:
        raw = msgspec.json.decode(body)
        wire = msgspec.convert(raw, _Request)
        return _request(wire, raw)
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def _request(wire: _Request, raw: dict[str, Any] | None = None) -> ChatRequest:
    """`raw` is the same with all its fields, where it has others."""
    # Not all by name: for a call with more than fifteen Python makes a dictionary, which takes five times as long.
    return ChatRequest(
        wire.model,
        read_messages(wire.messages, None if raw is None else raw["messages"]),
        _tools(wire) if wire.tools or wire.functions else (),
        _tool_choice(wire),
        wire.parallel_tool_calls,
        _sampling(wire),
        max_tokens=wire.max_completion_tokens if wire.max_completion_tokens is not None else wire.max_tokens,
        output=_output(wire.response_format),
        reasoning=_reasoning(wire.reasoning_effort),
        answers=1 if wire.n is None else answers_asked(wire.n, "n"),
        logprobs=bool(wire.logprobs),
        top_logprobs=wire.top_logprobs,
        stream=bool(wire.stream),
        stream_usage=wire.stream_options is not None and wire.stream_options.get("include_usage") is True,
        user=wire.user,
        metadata=wire.metadata or {},
        rest=_rest(wire, raw),
        unread=() if raw is None else unread(raw, _SHAPES),
    )


def _sampling(wire: _Request) -> Sampling:
    stops = [wire.stop] if isinstance(wire.stop, str) else wire.stop or ()
    return Sampling(
        wire.temperature,
        wire.top_p,
        wire.top_k,
        wire.min_p,
        wire.frequency_penalty,
        wire.presence_penalty,
        # llama.cpp and Ollama know it by the one name, vLLM and SGLang by the other.
        wire.repeat_penalty if wire.repeat_penalty is not None else wire.repetition_penalty,
        wire.seed,
        # An empty one asks for nothing, and some engines find it at once.
        tuple(filter(None, stops)),
    )


def _tools(wire: _Request) -> tuple[Tool, ...]:
    tools = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(wire.tools or ())]
    return (*tools, *(_function(function, "function") for function in wire.functions or ()))


def _tool(wire: _Tool, where: str) -> Tool:
    if wire.type == "function" and wire.function is not None:
        return _function(wire.function, "function")
    if wire.type == "custom" and wire.custom is not None:
        return _function(wire.custom, "custom")
    raise Inexpressible(f"a tool of type {wire.type!r}; known are function and custom", where)


def _function(raw: dict[str, Any], kind: Literal["function", "custom"]) -> Tool:
    wire = msgspec.convert(raw, _Definition)
    rest = {name: value for name, value in raw.items() if name not in _Definition.__struct_fields__}
    return Tool(wire.name, wire.description, wire.parameters, wire.strict, kind, rest)


def _tool_choice(wire: _Request) -> ToolChoice | None:
    if wire.tool_choice is None:
        return _choice(wire.function_call, "function_call")
    if isinstance(wire.tool_choice, str):
        return _choice(wire.tool_choice, "tool_choice")
    allowed = wire.tool_choice.allowed_tools
    if allowed is not None:
        return _allowed(allowed)
    named = wire.tool_choice.function or wire.tool_choice.custom
    if named is None:
        raise Inexpressible(f"a tool choice of type {wire.tool_choice.type!r}", "tool_choice")
    return _choice(named, "tool_choice")


def _choice(wire: str | _Named | None, param: str) -> ToolChoice | None:
    match wire:
        case None:
            return None
        case _Named(name):
            return ToolChoice("required", (name,))
        case "auto" | "none" | "required":
            return ToolChoice(wire)
    known = ", ".join(_MODES)
    raise Inexpressible(f"`{param}` is {wire!r}; known are {known}, or a tool by name", param, FailureKind.BAD_REQUEST)


def _allowed(allowed: _AllowedTools) -> ToolChoice:
    named = [tool.function or tool.custom or tool for tool in allowed.tools]
    names = tuple(tool.name for tool in named if tool.name is not None)
    return ToolChoice(allowed.mode, names) if names else ToolChoice("none")


def _output(wire: _ResponseFormat | None) -> OutputFormat | None:
    match wire:
        case None:
            return None
        case _ResponseFormat(type="text"):
            return OutputFormat("text")
        case _ResponseFormat(type="json_object"):
            return OutputFormat("json")
        case _ResponseFormat(type="json_schema", json_schema=_JsonSchema() as schema):
            return OutputFormat("json", schema.schema, schema.name, schema.strict, schema.description)
    raise Inexpressible(
        f"a response format of type {wire.type!r}; known are text, json_object, json_schema", "response_format"
    )


def _reasoning(effort: str | None) -> ReasoningControl | None:
    if effort is None:
        return None
    for known in _EFFORTS:
        if effort == known:
            return ReasoningControl(known)
    return None


def _rest(wire: _Request, raw: dict[str, Any] | None) -> dict[str, Any]:
    rest = {}
    if raw is not None:
        rest = {name: value for name, value in raw.items() if name not in _KNOWN and value is not None}
    if wire.stream_options:
        options = {name: value for name, value in wire.stream_options.items() if name != "include_usage"}
        if options:
            rest["stream_options"] = options
    if wire.reasoning_effort is not None and wire.reasoning_effort not in _EFFORTS:
        # Only tunes, and there may be new ones.
        rest["reasoning_effort"] = wire.reasoning_effort
    return rest
