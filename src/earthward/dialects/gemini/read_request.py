"""A request read into the vocabulary. Model and streaming stand in the URL here, and are told by whoever read that.

Fields the vocabulary has no word for ride along in `rest`. Of what only tunes and stands on a part (the resolution of
an image) the names alone are kept; the order of properties in a schema is not. What carries content that only Google
holds is a failure.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind, OutputFormat, Sampling
from earthward.dialects.gemini.enums import ENUM, one_of
from earthward.dialects.gemini.fields import with_camel_names
from earthward.dialects.gemini.read_contents import CONTENT, WireContent, read_contents, read_system
from earthward.dialects.gemini.schemas import read_schema
from earthward.dialects.gemini.thinking import WireThinking, read_control
from earthward.dialects.gemini.tools import CALLING, WireToolConfig, read_choice, read_tools
from earthward.dialects.inexpressible import Inexpressible, answers_asked
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.unread import Shape, shape_of, unread
from earthward.dialects.unreadable import unreadable


class _Generation(msgspec.Struct, rename="camel"):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop_sequences: list[str] | None = None
    max_output_tokens: int | None = None
    candidate_count: int | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: Any = None
    response_modalities: list[str] | None = None
    response_format: list[dict[str, Any]] | None = None
    thinking_config: WireThinking | None = None


class _Request(msgspec.Struct, rename="camel"):
    contents: list[WireContent]
    system_instruction: WireContent | None = None
    tools: list[dict[str, Any]] | None = None
    tool_config: WireToolConfig | None = None
    generation_config: _Generation | None = None
    labels: dict[str, Any] | None = None
    model: str | None = None


_KNOWN = frozenset(_Request.__struct_encode_fields__)
_KNOWN_GENERATION = frozenset(_Generation.__struct_encode_fields__)
_NOTHING = _Generation()
_MIME_TYPES = {"APPLICATION_JSON": "application/json", "TEXT_PLAIN": "text/plain"}
_SHAPES = {
    "contents": CONTENT,
    "systemInstruction": CONTENT,
    "toolConfig": Shape(None, {"functionCallingConfig": CALLING}),
    "generationConfig": Shape(None, {"thinkingConfig": shape_of(WireThinking)}),
}
"""What is looked into. Declarations of functions keep all they have."""


def read_request(body: bytes, model: str, stream: bool = False, limits: JsonLimits = LIMITS) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`."""
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        return as_request(with_camel_names(msgspec.json.decode(body)), model, stream)
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def as_request(raw: Any, model: str, stream: bool) -> ChatRequest:
    """`raw` has its names in camel case. Raises Inexpressible, and what msgspec raises."""
    wire = msgspec.convert(raw, _Request)
    if raw.get("cachedContent"):
        message = "`cachedContent` is content that only Google holds; send it in `contents`"
        raise Inexpressible(message, "cachedContent")
    generation = wire.generation_config or _NOTHING
    return ChatRequest(
        model,
        (*read_system(wire.system_instruction), *read_contents(wire.contents)),
        tools=read_tools(wire.tools),
        tool_choice=read_choice(wire.tool_config),
        sampling=_sampling(generation),
        max_tokens=generation.max_output_tokens,
        output=_output(generation),
        reasoning=read_control(generation.thinking_config),
        answers=answers_asked(generation.candidate_count, "generationConfig.candidateCount"),
        logprobs=bool(generation.response_logprobs),
        top_logprobs=generation.logprobs,
        stream=stream,
        # Every stream of this dialect tells its usage.
        stream_usage=stream,
        metadata=wire.labels or {},
        rest=_rest(raw),
        unread=unread(raw, _SHAPES),
    )


def _sampling(wire: _Generation) -> Sampling:
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=_whole(wire.top_k),
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        seed=wire.seed,
        stop=tuple(filter(None, wire.stop_sequences or ())),
    )


def _whole(top_k: float | None) -> int | None:
    """A number of tokens that Google writes as a fraction."""
    return None if top_k is None else int(min(max(top_k, 0), 1 << 31))


def _output(wire: _Generation) -> OutputFormat | None:
    for modality in wire.response_modalities or ():
        if modality.upper() not in ("TEXT", "MODALITY_UNSPECIFIED"):
            message = f"an answer in {modality.lower()}; only text can be passed on"
            raise Inexpressible(message, "generationConfig.responseModalities")
    kind, told = _told_as_format(wire.response_format or [])
    given = told if wire.response_json_schema is None else wire.response_json_schema
    schema = given if isinstance(given, dict) else None
    if schema is None and wire.response_schema is not None:
        schema = read_schema(wire.response_schema)
    match wire.response_mime_type or kind:
        case "application/json":
            return OutputFormat("json", schema)
        case None if schema is not None:
            return OutputFormat("json", schema)
        case None:
            return None
        case "text/plain":
            return OutputFormat("text")
        case "text/x.enum":
            return one_of(schema)
    message = f"an answer of type {wire.response_mime_type!r}; known are text/plain, application/json and {ENUM}"
    raise Inexpressible(message, "generationConfig.responseMimeType")


def _told_as_format(formats: list[dict[str, Any]]) -> tuple[str | None, Any]:
    """Type and schema of the text that newer SDKs ask for so."""
    kind, schema = None, None
    for wanted in formats:
        others = [name for name, value in wanted.items() if name != "text" and value is not None]
        if others:
            message = f"an answer in {others[0]}; only text can be passed on"
            raise Inexpressible(message, "generationConfig.responseFormat")
        text = wanted.get("text")
        if isinstance(text, dict):
            kind, schema = text.get("mimeType"), text.get("jsonSchema") or text.get("schema")
    return _MIME_TYPES.get(kind, kind) if isinstance(kind, str) else None, schema


def _rest(raw: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in raw.items() if name not in _KNOWN and value is not None}
    generation = raw.get("generationConfig") or {}
    others = {name: value for name, value in generation.items() if name not in _KNOWN_GENERATION}
    config = raw.get("toolConfig") or {}
    told = {name: value for name, value in config.items() if name != "functionCallingConfig"}
    return {**rest, **({"generationConfig": others} if others else {}), **({"toolConfig": told} if told else {})}
