"""Every field that the vendors' SDKs let a caller write, one at a time, as their types tell.

For each a pair of requests: one without the field, and the same with it.
"""

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Required, Union, get_args, get_origin

import ollama._types as ollama_types
import pydantic
from anthropic.types import message_create_params as anthropic_params
from google.genai import types as google_types
from openai.types.chat import completion_create_params as chat_params
from openai.types.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import response_create_params as responses_params
from typing_extensions import TypedDict, get_type_hints, is_typeddict

OPAQUE = ("Schema", "JSONSchema", "HttpOptions", "GenerateContentConfig")
"""Types of which only the whole is looked at: a schema's words are the caller's own."""
_DEEPEST = 7


class Pair(NamedTuple):
    """`path` is where the field stands, `without` and `given` the request or a piece of it."""

    path: tuple[str, ...]
    without: Any
    given: Any


class GoogleRequest(TypedDict, total=False):
    """The wire's own shape: the SDK has one for its functions alone."""

    contents: Required[list[google_types.Content]]
    systemInstruction: google_types.Content
    tools: list[google_types.Tool]
    toolConfig: google_types.ToolConfig
    safetySettings: list[google_types.SafetySetting]
    generationConfig: google_types.GenerationConfig
    modelArmorConfig: google_types.ModelArmorConfig
    cachedContent: str
    serviceTier: str
    store: bool
    labels: dict[str, str]


ROOTS: dict[str, Any] = {
    "openai_chat": chat_params.CompletionCreateParamsNonStreaming,
    "openai_responses": responses_params.ResponseCreateParamsNonStreaming,
    "openai_completions": CompletionCreateParamsNonStreaming,
    "anthropic_messages": anthropic_params.MessageCreateParamsNonStreaming,
    "gemini": GoogleRequest,
    "ollama": ollama_types.ChatRequest,
}


def pairs(dialect: str, base: Mapping[str, Any]) -> Iterator[Pair]:
    """All fields of the dialect's request. `base` is what a request has to have, with something in it."""
    for name, kind, _ in _fields(ROOTS[dialect]):
        for pair in _pairs_of_field(name, kind, _DEEPEST):
            without = {**base, **pair.without}
            yield Pair(pair.path, without, {**base, **pair.given})


def _pairs(kind: Any, depth: int) -> Iterator[Pair]:
    """Of what stands inside a value of this type."""
    kind = _bare(kind)
    if depth == 0 or _is_opaque(kind):
        return
    if _is_union(kind):
        for member in _members(kind):
            yield from _pairs(member, depth)
    elif _is_list(kind):
        for inner in _pairs(get_args(kind)[0], depth - 1):
            yield Pair(inner.path, [inner.without], [inner.given])
    elif (fields := _fields(kind)) is not None:
        least = {name: value for name, inner, needed in fields if needed and (value := _least(inner)) is not None}
        for name, inner, _ in fields:
            for pair in _pairs_of_field(name, inner, depth - 1):
                yield Pair(pair.path, {**least, **pair.without}, {**least, **pair.given})


def _pairs_of_field(name: str, kind: Any, depth: int) -> Iterator[Pair]:
    for value in _leasts(kind):
        yield Pair((name,), {}, {name: value})
    for inner in _pairs(kind, depth):
        yield Pair((name, *inner.path), {name: inner.without}, {name: inner.given})


def _leasts(kind: Any) -> Iterator[Any]:
    """One value of each kind that may stand there."""
    kind = _bare(kind)
    if _is_union(kind):
        for member in _members(kind):
            yield from _leasts(member)
    elif _is_list(kind):
        yield from ([inner] for inner in _leasts(get_args(kind)[0]))
    else:
        value = _least(kind)
        if value is not None:
            yield value


def _least(kind: Any) -> Any:
    kind = _bare(kind)
    if _is_union(kind):
        return next((value for value in map(_least, _members(kind)) if value is not None), None)
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if _is_list(kind):
        inner = _least(get_args(kind)[0])
        return None if inner is None else [inner]
    if isinstance(kind, type) and issubclass(kind, bool):
        return True
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return [*kind.__members__.values()][-1].value
    fields = None if _is_opaque(kind) else _fields(kind)
    if fields is not None:
        return {name: value for name, inner, needed in fields if needed and (value := _least(inner)) is not None}
    plain = {str: "x", int: 7, float: 0.25, bytes: "eA==", object: {"x": 1}}
    return plain.get(kind, {"type": "object"} if _is_opaque(kind) else {"x": "y"})


def _fields(kind: Any) -> list[tuple[str, Any, bool]] | None:
    """Name, type and whether it must be there; None for what has no fields."""
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        # What is told of keys at run time misses those whose types are written as strings.
        return [(name, hint, _is_needed(hint, kind.__total__)) for name, hint in hints.items()]
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        return [(it.alias or name, it.annotation, it.is_required()) for name, it in kind.model_fields.items()]
    return None


def _is_needed(kind: Any, total: bool) -> bool:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return get_origin(kind) is Required or (total and get_origin(kind) is not NotRequired)


def _bare(kind: Any) -> Any:
    while get_origin(kind) in (Annotated, Required, NotRequired):
        kind = get_args(kind)[0]
    return getattr(kind, "__value__", kind)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind)
    return origin in (list, Iterable) or getattr(origin, "__name__", "") in ("Iterable", "Sequence", "SequenceNotStr")


def _members(kind: Any) -> list[Any]:
    return [member for member in get_args(kind) if member is not type(None)]


def _is_opaque(kind: Any) -> bool:
    return getattr(kind, "__name__", "") in OPAQUE
