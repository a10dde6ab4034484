"""How many tokens a prompt has: the question, either way it may be put, and the answer."""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind
from earthward.dialects.gemini.fields import with_camel_names
from earthward.dialects.gemini.read_request import as_request
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.unreadable import unreadable


class _Counted(msgspec.Struct, rename="camel"):
    total_tokens: int


def read_count_request(body: bytes, model: str, limits: JsonLimits = LIMITS) -> ChatRequest | Failure:
    """The request whose prompt is to be counted: its contents alone, or whole under `generateContentRequest`."""
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        raw: Any = with_camel_names(msgspec.json.decode(body))
        whole = raw.get("generateContentRequest") if isinstance(raw, dict) else None
        return as_request(raw if whole is None else whole, model, stream=False)
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def count_request(written: bytes, model: str) -> bytes:
    """What asks how many tokens this request's prompt has, for this model. At Vertex AI the request itself does."""
    fields = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({"generateContentRequest": {"model": f"models/{model}", **fields}})


def read_count(body: bytes) -> int | Failure:
    try:
        return max(0, msgspec.json.decode(body, type=_Counted).total_tokens)
    except NOT_JSON as error:
        return Failure(FailureKind.MALFORMED, f"the provider's count cannot be read: {error}")


def write_count(tokens: int) -> bytes:
    return msgspec.json.encode({"totalTokens": tokens})
