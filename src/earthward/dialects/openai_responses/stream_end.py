"""How a stream ends: with one of three events, or in one of the ways that are failures."""

from earthward.chat import Failure, FailureKind

BROKEN_OFF = Failure(FailureKind.BROKEN_STREAM, "the provider's stream broke off before the answer was finished")
TOO_LONG = Failure(FailureKind.MALFORMED, "the provider sent an event that is too long")


def senseless(error: Exception) -> Failure:
    return Failure(FailureKind.MALFORMED, f"the provider sent an event that makes no sense: {error}")
