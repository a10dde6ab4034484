"""What readers of all forms share: bounds, and failures instead of exceptions."""

from collections.abc import Callable
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.chat.embedding import Embeddings, EmbedRequest, checked
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.unreadable import unreadable


def request_of(body: bytes, read: Callable[[Any], EmbedRequest], limits: JsonLimits = LIMITS) -> EmbedRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`."""
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        request = read(msgspec.json.decode(body))
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)
    if not request.texts:
        return Failure(FailureKind.BAD_REQUEST, "there is no text to embed")
    return request


def answer_of(body: bytes, read: Callable[[Any], Embeddings | Failure], request: EmbedRequest) -> Embeddings | Failure:
    """The vectors of the request's texts, or why there are none."""
    try:
        found = read(msgspec.json.decode(body))
    except (*NOT_JSON, ValueError) as error:
        return Failure(FailureKind.MALFORMED, f"the provider's answer holds no embeddings: {error}")
    return found if isinstance(found, Failure) else checked(found, request)
