"""A request read into the vocabulary.

Fields the vocabulary has no word for ride along in `rest`. A request that goes on from an earlier response is read
together with the conversation that led there, which the caller has kept; without it, it is a failure, since the model
would be asked without what was said before.
"""

from typing import Any, Literal

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Failure,
    FailureKind,
    Message,
    OutputFormat,
    Part,
    ReasoningControl,
    Role,
    Sampling,
    Text,
)
from earthward.dialects.envelope import Envelope
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.openai_responses.read_input import ITEM, WireItem, read_input
from earthward.dialects.openai_responses.tools import WireChoice, read_choice, read_tool
from earthward.dialects.unread import shape_of, unread
from earthward.dialects.unreadable import unreadable

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class _Format(msgspec.Struct):
    type: str
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class _TextConfig(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[WireItem] = ""
    instructions: str | list[WireItem] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | WireChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    text: _TextConfig | None = None
    reasoning: _Reasoning | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    stream: bool | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    previous_response_id: str | None = None
    background: bool | None = None


_KNOWN = frozenset(_Request.__struct_fields__)
_SHAPES = {
    "input": ITEM,
    "instructions": ITEM,
    "tool_choice": shape_of(WireChoice),
    "text": shape_of(_TextConfig, format=shape_of(_Format)),
    "reasoning": shape_of(_Reasoning),
}
"""What is looked into. Definitions of tools keep all they have."""
_HELD_BY_OPENAI = {
    "conversation": "a conversation that only OpenAI holds; send it in `input`",
    "prompt": "a prompt that only OpenAI holds; send its text in `instructions`",
}
_LOGPROBS = "message.output_text.logprobs"
_EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def read_request(
    body: bytes, earlier: tuple[Message, ...] | None = None, limits: JsonLimits = LIMITS
) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`.

    `earlier` is what `conversation` gave for the response that this goes on from.
    """
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        raw = msgspec.json.decode(body)
        wire = msgspec.convert(raw, _Request)
        _refuse(wire, raw, earlier)
        return _request(wire, raw, earlier or ())
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def conversation(
    envelope: Envelope, earlier: tuple[Message, ...] | None, answer: Answer
) -> tuple[Message, ...] | Failure:
    """What is to be kept for a request that goes on from this answer: all but the instructions, which are for one.

    Fails as `read_request` does.
    """
    asked = read_request(envelope.without("instructions").encode(), earlier)
    if isinstance(asked, Failure):
        return asked
    said: tuple[Part, ...] = answer.choices[0].parts if answer.choices else ()
    return (*asked.messages, Message(Role.ASSISTANT, said)) if said else asked.messages


def _refuse(wire: _Request, raw: dict[str, Any], earlier: tuple[Message, ...] | None) -> None:
    if wire.background:
        message = "an answer fetched later is not made here; leave `background` out and wait, or stream"
        raise Inexpressible(message, "background")
    for name, what in _HELD_BY_OPENAI.items():
        if raw.get(name):
            raise Inexpressible(f"`{name}` is {what}", name)
    if wire.previous_response_id is not None and earlier is None:
        message = "the response this goes on from is not kept here; send the whole conversation in `input`"
        raise Inexpressible(message, "previous_response_id")


def _request(wire: _Request, raw: dict[str, Any], earlier: tuple[Message, ...]) -> ChatRequest:
    return ChatRequest(
        wire.model,
        (*_instructions(wire.instructions), *earlier, *read_input(wire.input, earlier)),
        tuple(map(read_tool, wire.tools or ())),
        read_choice(wire.tool_choice),
        parallel_tool_calls=wire.parallel_tool_calls,
        sampling=Sampling(wire.temperature, wire.top_p),
        max_tokens=wire.max_output_tokens,
        output=_output(wire.text.format if wire.text is not None else None),
        reasoning=_control(wire.reasoning),
        logprobs=_LOGPROBS in (wire.include or ()),
        top_logprobs=wire.top_logprobs,
        stream=bool(wire.stream),
        # Every stream of this dialect tells its usage.
        stream_usage=bool(wire.stream),
        user=wire.user,
        metadata=wire.metadata or {},
        rest=_rest(wire, raw),
        unread=unread(raw, _SHAPES),
    )


def _instructions(wire: str | list[WireItem] | None) -> tuple[Message, ...]:
    """One message, whatever it was told in, so that it can be told from the conversation."""
    if isinstance(wire, str):
        return (Message(Role.SYSTEM, (Text(wire),)),) if wire else ()
    parts = tuple(part for message in read_input(wire or []) for part in message.parts)
    return (Message(Role.SYSTEM, parts),) if parts else ()


def _output(wire: _Format | None) -> OutputFormat | None:
    match wire:
        case None:
            return None
        case _Format(type="text"):
            return OutputFormat("text")
        case _Format(type="json_object"):
            return OutputFormat("json")
        case _Format(type="json_schema"):
            return OutputFormat("json", wire.schema, wire.name, wire.strict, wire.description)
    known = "text, json_object, json_schema"
    raise Inexpressible(f"a text format of type {wire.type!r}; known are {known}", "text.format")


def _control(wire: _Reasoning | None) -> ReasoningControl | None:
    """An effort that is not known only tunes, and there may be new ones."""
    if wire is None:
        return None
    effort = next((known for known in _EFFORTS if known == wire.effort), None)
    show = True if wire.summary or wire.generate_summary else None
    return ReasoningControl(effort, show=show) if effort or show else None


def _rest(wire: _Request, raw: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in raw.items() if name not in _KNOWN and value is not None}
    if wire.text is not None and wire.text.verbosity is not None:
        rest["verbosity"] = wire.text.verbosity
    include = [name for name in wire.include or () if name != _LOGPROBS]
    if include:
        rest["include"] = include
    return rest
