"""Requests for content, as Google checks them: a field it doesn't know is an error, and so is a turn out of place."""

import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Tool
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Problem
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.gemini.errors import unknown_field
from earthward.simulator.vendors.gemini.paths import Place, place
from earthward.simulator.vendors.gemini.shapes import Config, Generate, Thinking, payload

Wire = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_IMAGE_TOKENS = 258
_CANDIDATES = 8
_FIELDS = frozenset(
    {
        *("contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig"),
        *("cachedContent", "serviceTier", "model"),
    }
)
_ONLY_AT_VERTEX = frozenset({"labels", "modelArmorConfig"})
_ONLY_AT_GEMINI = frozenset({"store"})
_CONFIG = frozenset(
    {
        *("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "responseMimeType"),
        *("responseSchema", "responseJsonSchema", "presencePenalty", "frequencyPenalty", "seed", "responseLogprobs"),
        *("logprobs", "thinkingConfig", "responseModalities", "speechConfig", "imageConfig", "mediaResolution"),
        *("enableAffectiveDialog", "audioTimestamp", "routingConfig", "modelSelectionConfig"),
    }
)
_SIGNED = re.compile(r"gemini-3")


class Own(msgspec.Struct, frozen=True):
    """`array` is for a stream that is no events; `signs` whether thoughts and calls carry signatures."""

    array: bool
    signs: bool


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    at = place(path)
    assert at is not None, "asked for at one of these paths only"
    found = payload(body, Generate)
    if isinstance(found, Problem):
        return found
    wire, shape = found
    config = wire.get("generationConfig") or {}
    wrong = _unknown(wire, config, at) or wrong_contents(wire.get("contents"), at) or _wrong_config(shape)
    return wrong or _asked(wire, shape, at, path.endswith(b"?alt=sse"), digest)


def fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    if asked.input <= model.context:
        return asked
    return Problem(
        400,
        f"The input token count ({asked.input}) exceeds the maximum number of tokens allowed ({model.context}).",
    )


def _unknown(wire: Wire, config: Wire, at: Place) -> Problem | None:
    known = _FIELDS | (_ONLY_AT_VERTEX if at.is_vertex else _ONLY_AT_GEMINI)
    for name in wire:
        if name not in known:
            return unknown_field(name, "")
    return next((unknown_field(name, "generation_config") for name in config if name not in _CONFIG), None)


def _wrong_config(shape: Generate) -> Problem | None:
    config = shape.generation_config
    if config is None:
        return None
    if config.candidate_count is not None and not 1 <= config.candidate_count <= _CANDIDATES:
        field, most = "candidate_count", f"must be in the range [1, {_CANDIDATES}]"
    elif config.max_output_tokens is not None and config.max_output_tokens < 1:
        field, most = "max_output_tokens", "must be positive"
    else:
        return None
    return Problem(400, f"* GenerateContentRequest.generation_config.{field}: {field} {most}.")


def wrong_contents(contents: list[Wire] | None, at: Place) -> Problem | None:
    if not contents:
        return Problem(400, "* GenerateContentRequest.contents: contents is not specified")
    for content in contents:
        if content.get("role", "user") not in ("user", "model"):
            return Problem(400, "Please use a valid role: user, model.")
        if not content.get("parts"):
            return Problem(400, "* GenerateContentRequest.contents: contents.parts must not be empty.")
    called = 0
    # Neighbours of one role are one turn: the SDK sends a streamed one back in the pieces it came in.
    for _, turn in groupby(contents, lambda content: content.get("role", "user")):
        parts = [part for content in turn for part in content["parts"]]
        answered = sum("functionResponse" in part for part in parts)
        if answered != called:
            return Problem(
                400,
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
            )
        called = sum("functionCall" in part for part in parts)
        if called and _SIGNED.match(at.model) and "thoughtSignature" not in _first_call(parts):
            return Problem(400, "Function call is missing a thought_signature in functionCall parts.")
        for part in parts:
            if "inlineData" in part and not _is_base64(part["inlineData"].get("data")):
                return Problem(
                    400, "Invalid value at 'contents.parts.inline_data.data' (TYPE_BYTES), Base64 decoding failed"
                )
    return None


def _first_call(parts: Sequence[Wire]) -> Wire:
    return next(part for part in parts if "functionCall" in part)


def _is_base64(data: Any) -> bool:
    try:
        return bool(urlsafe_b64decode(data.replace("+", "-").replace("/", "_")))
    except (AttributeError, ValueError, NotBase64):
        return False


def _asked(wire: Wire, shape: Generate, at: Place, events: bool, digest: str) -> Asked:
    model, in_model = split_model(at.model)
    tools, must_call = _allowed_tools(wire)
    config = shape.generation_config or Config()
    thinking = config.thinking_config or Thinking()
    thinks = True if thinking.include_thoughts else False if thinking.thinking_budget == 0 else None
    stream = at.verb == "streamGenerateContent"
    return Asked(
        model=model,
        digest=digest,
        directives=(in_model, directive(last_words(wire["contents"]))),
        stream=stream,
        answers=config.candidate_count or 1,
        max_tokens=config.max_output_tokens,
        input=input_tokens(wire),
        images=sum(_is_media(part) for content in wire["contents"] for part in content["parts"]),
        tools=tools,
        must_call=must_call,
        schema=_schema(config),
        stop=tuple(config.stop_sequences or ()),
        logprobs=bool(config.response_logprobs),
        thinks=thinks,
        searches=any("googleSearch" in tool for tool in wire.get("tools") or ()),
        own=Own(array=stream and not events, signs=bool(_SIGNED.match(model)) or bool(thinks)),
    )


def last_words(contents: list[Wire]) -> str:
    for content in reversed(contents):
        text = _text_of(content)
        if content.get("role", "user") == "user" and text:
            return text
    return ""


def _text_of(content: Wire | None) -> str:
    return "\n".join(text for part in (content or {}).get("parts") or () if (text := part.get("text")))


def _is_media(part: Wire) -> bool:
    return "inlineData" in part


def input_tokens(wire: Wire) -> int:
    said = 0
    for content in wire["contents"]:
        said += tokens_in(_text_of(content))
        said += sum(_IMAGE_TOKENS if _is_media(part) else 0 for part in content["parts"])
        said += sum(len(_encode(part)) // 4 for part in content["parts"] if "functionCall" in part)
    tools = len(_encode(wire["tools"])) // 4 if wire.get("tools") else 0
    return said + tokens_in(_text_of(wire.get("systemInstruction"))) + tools + 1


def _allowed_tools(wire: Wire) -> tuple[tuple[Tool, ...], bool]:
    declared = [each for tool in wire.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    tools = tuple(
        Tool(each["name"], each.get("parametersJsonSchema") or lower(each.get("parameters"))) for each in declared
    )
    calling = (wire.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, allowed = calling.get("mode", "AUTO").upper(), calling.get("allowedFunctionNames")
    if mode == "NONE":
        return (), False
    return tuple(tool for tool in tools if not allowed or tool.name in allowed), mode == "ANY"


def _schema(config: Config) -> Any:
    if config.response_mime_type != "application/json":
        return None
    return config.response_json_schema or lower(config.response_schema) or {}


def lower(schema: Any) -> Any:
    """Google's types in capitals, as JSON Schema writes them."""
    if isinstance(schema, list):
        return [lower(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_type = isinstance(schema.get("type"), str)
    lowered = {key: lower(value) for key, value in schema.items()}
    return {**lowered, "type": schema["type"].lower()} if is_type else lowered
