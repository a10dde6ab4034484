"""How a stream ends: well, with `[DONE]`, or in one of the ways that are failures."""

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON

DONE = b"data: [DONE]\n\n"

BROKEN_OFF = Failure(FailureKind.BROKEN_STREAM, "the provider's stream broke off before the answer was finished")
NO_ANSWER = Failure(FailureKind.MALFORMED, "the provider's stream ended without an answer in it")
TOO_LONG = Failure(FailureKind.MALFORMED, "the provider sent an event that is too long")


def senseless(error: Exception) -> Failure:
    return Failure(FailureKind.MALFORMED, f"the provider sent a chunk that makes no sense: {error}")


def is_done(payload: bytes) -> bool:
    return payload.strip() == b"[DONE]"


def is_whole(payload: bytes | None) -> bool:
    """Whether what came last, without the blank line that ends an event, is an event all the same."""
    if payload is None:
        return False
    try:
        msgspec.json.decode(payload)
    except NOT_JSON:
        return is_done(payload)
    return True
