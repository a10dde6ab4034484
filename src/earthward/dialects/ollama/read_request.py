"""A chat request read into the vocabulary; it streams unless it says otherwise.

Fields the vocabulary has no word for ride along in `rest`; so do options, under `options`.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind, Tool
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.ollama.options import WireOptions, other_options, read_cap, read_sampling
from earthward.dialects.ollama.output import read_format
from earthward.dialects.ollama.read_messages import MESSAGE, WireMessage, read_messages
from earthward.dialects.ollama.think import read_think
from earthward.dialects.unread import shape_of, unread
from earthward.dialects.unreadable import unreadable


class WireAsked(msgspec.Struct):
    """What chat and generate requests have in common."""

    model: str
    stream: bool | None = None
    format: Any = None
    options: dict[str, Any] | None = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class _Options(msgspec.Struct):
    """What is wrong in them is told with its place in the request."""

    options: WireOptions


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(msgspec.Struct):
    function: dict[str, Any]
    type: str = "function"


class _Request(WireAsked, kw_only=True):
    messages: list[WireMessage] | None = None
    tools: list[_Tool] | None = None


_KNOWN = frozenset(_Request.__struct_fields__)
_SHAPES = {"messages": MESSAGE, "tools": shape_of(_Tool)}
"""What is looked into. Definitions of functions keep all they have."""


def read_request(body: bytes, limits: JsonLimits = LIMITS) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`."""
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        raw = msgspec.json.decode(body)
        wire = msgspec.convert(raw, _Request)
        messages = read_messages(wire.messages or [], raw.get("messages") or [])
        asked = as_asked(wire, raw, _KNOWN)
        return msgspec.structs.replace(asked, messages=messages, tools=_tools(wire), unread=unread(raw, _SHAPES))
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def as_asked(wire: WireAsked, raw: dict[str, Any], known: frozenset[str]) -> ChatRequest:
    """The request but for what is said in it. Raises Inexpressible."""
    given = wire.options or {}
    stated = {name: value for name, value in given.items() if value is not None}
    options = msgspec.convert({"options": stated}, _Options).options
    rest = {name: value for name, value in raw.items() if name not in known and value is not None}
    others = other_options(given)
    if others:
        rest["options"] = others
    return ChatRequest(
        model=wire.model,
        messages=(),
        sampling=read_sampling(options),
        max_tokens=read_cap(options),
        output=read_format(wire.format),
        reasoning=read_think(wire.think),
        logprobs=bool(wire.logprobs),
        top_logprobs=wire.top_logprobs,
        stream=wire.stream is not False,
        # The last line of a stream always has the counters.
        stream_usage=wire.stream is not False,
        rest=rest,
    )


def _tools(wire: _Request) -> tuple[Tool, ...]:
    return tuple(_tool(tool, f"tools[{place}]") for place, tool in enumerate(wire.tools or ()))


def _tool(wire: _Tool, where: str) -> Tool:
    if wire.type != "function":
        raise Inexpressible(f"a tool of type {wire.type!r}; known is function", where)
    function = msgspec.convert(wire.function, _Function)
    rest = {name: value for name, value in wire.function.items() if name not in _Function.__struct_fields__}
    return Tool(function.name, function.description, function.parameters, rest=rest)
