"""A request read into the vocabulary.

Fields the vocabulary has no word for ride along in `rest`. Of what only tunes and stands on a block or a tool
(`cache_control`, whether to cite) the names alone are kept. What carries content that only the vendor holds is a
failure.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind, OutputFormat, Sampling
from earthward.dialects.anthropic_messages.read_messages import (
    BLOCK,
    PlainBlock,
    PlainMessage,
    WireBlock,
    WireMessage,
    read_messages,
    read_system,
)
from earthward.dialects.anthropic_messages.thinking import WireThinking, is_known, is_known_effort, read_control
from earthward.dialects.anthropic_messages.tools import WireChoice, read_choice, read_parallel, read_tool, untold
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.unread import Shape, shape_of, unread
from earthward.dialects.unreadable import unreadable


class _Format(msgspec.Struct):
    type: str
    schema: dict[str, Any] | None = None


class _OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: _Format | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[WireMessage]
    max_tokens: int | None = None
    system: str | list[WireBlock] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: WireChoice | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    thinking: WireThinking | None = None
    output_config: _OutputConfig | None = None
    output_format: _Format | None = None
    metadata: dict[str, Any] | None = None
    stream: bool | None = None


class _Plain(_Request, forbid_unknown_fields=True):
    """One without fields that there is no word for, as most are. What may have such fields inside is read in full."""

    messages: list[PlainMessage]  # type: ignore[assignment]
    system: str | list[PlainBlock] | None = None  # type: ignore[assignment]
    tool_choice: None = None
    thinking: None = None
    output_config: None = None
    output_format: None = None


_plain = msgspec.json.Decoder(_Plain)
_NOTHING_ELSE: dict[str, Any] = {}
_KNOWN = frozenset(_Request.__struct_fields__)
_SHAPES = {
    "system": BLOCK,
    "messages": Shape(None, {"content": BLOCK}),
    "tool_choice": shape_of(WireChoice),
    "thinking": shape_of(WireThinking),
    "output_config": Shape(None, {"format": shape_of(_Format)}),
    "output_format": shape_of(_Format),
}
"""What is looked into. Messages and definitions of tools keep all they have."""
_HELD_BY_THE_VENDOR = ("container", "mcp_servers")


def read_request(body: bytes, limits: JsonLimits | None = LIMITS) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`.

    `limits` is None for a body that was held to them before, as an envelope's was.
    """
    too_much = None if limits is None else excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        return _request(_plain.decode(body), _NOTHING_ELSE)
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


def _request(wire: _Request, raw: dict[str, Any]) -> ChatRequest:
    """`raw` is the same with all its fields, where it has others."""
    for name in _HELD_BY_THE_VENDOR:
        if raw.get(name):
            raise Inexpressible(f"`{name}` means something to Anthropic only; leave it out for other targets", name)
    metadata = dict(wire.metadata or {})
    user = metadata.pop("user_id", None)
    if user is not None and not isinstance(user, str):
        raise Inexpressible("`user_id` must be a string", "metadata.user_id", FailureKind.BAD_REQUEST)
    effort = wire.output_config.effort if wire.output_config is not None else None
    return ChatRequest(
        model=wire.model,
        messages=(*read_system(wire.system), *read_messages(wire.messages, raw.get("messages"))),
        tools=tuple(map(read_tool, wire.tools or ())),
        tool_choice=read_choice(wire.tool_choice),
        parallel_tool_calls=read_parallel(wire.tool_choice),
        sampling=Sampling(
            wire.temperature, wire.top_p, wire.top_k, stop=tuple(filter(None, wire.stop_sequences or ()))
        ),
        max_tokens=wire.max_tokens,
        output=_output(wire),
        reasoning=read_control(wire.thinking, effort),
        stream=bool(wire.stream),
        # Every stream of this dialect tells its usage.
        stream_usage=bool(wire.stream),
        user=user,
        metadata=metadata,
        rest=_rest(wire, raw),
        unread=(*unread(raw, _SHAPES), *untold(wire.tools or [])),
    )


def _output(wire: _Request) -> OutputFormat | None:
    # The beta had it at the top level.
    wanted = (wire.output_config.format if wire.output_config is not None else None) or wire.output_format
    match wanted:
        case None:
            return None
        case _Format(type="json_schema", schema=dict(schema)):
            return OutputFormat("json", schema)
    raise Inexpressible(f"an output format of type {wanted.type!r}; known is json_schema", "output_config.format")


def _rest(wire: _Request, raw: dict[str, Any]) -> dict[str, Any]:
    """An effort or a way of thinking that is not known only tunes, and there may be new ones."""
    rest = {name: value for name, value in raw.items() if name not in _KNOWN and value is not None}
    if wire.thinking is not None and not is_known(wire.thinking):
        rest["thinking"] = raw["thinking"]
    config = raw.get("output_config") or {}
    kept = {name: value for name, value in config.items() if name not in ("effort", "format")}
    if wire.output_config is not None and wire.output_config.effort is not None:
        is_off = wire.thinking is not None and wire.thinking.type == "disabled"
        if is_off or not is_known_effort(wire.output_config.effort):
            kept["effort"] = wire.output_config.effort
    if kept:
        rest["output_config"] = kept
    return rest
