"""How a stream ends: well, with `message_stop`, or in one of the ways that are failures."""

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON

BROKEN_OFF = Failure(FailureKind.BROKEN_STREAM, "the provider's stream broke off before the answer was finished")
NO_ANSWER = Failure(FailureKind.MALFORMED, "the provider's stream ended without an answer in it")
TOO_LONG = Failure(FailureKind.MALFORMED, "the provider sent an event that is too long")


def senseless(error: Exception) -> Failure:
    return Failure(FailureKind.MALFORMED, f"the provider sent an event that makes no sense: {error}")


def is_whole(payload: bytes | None) -> bool:
    """Whether what came last, without the blank line that ends an event, is an event all the same."""
    if payload is None:
        return False
    try:
        msgspec.json.decode(payload)
    except NOT_JSON:
        return False
    return True
