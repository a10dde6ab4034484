"""How a stream ends: there is no last event, so every answer in it must have said why it ended."""

from earthward.chat import Failure, FailureKind

BROKEN_OFF = Failure(FailureKind.BROKEN_STREAM, "the provider's stream broke off before the answer was finished")
NO_ANSWER = Failure(FailureKind.MALFORMED, "the provider's stream ended without an answer in it")
TOO_LONG = Failure(FailureKind.MALFORMED, "the provider sent an event that is too long")


def senseless(error: Exception) -> Failure:
    return Failure(FailureKind.MALFORMED, f"the provider sent a chunk that makes no sense: {error}")
