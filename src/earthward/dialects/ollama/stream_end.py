"""How a stream or an answer ends badly. It ends well only with `done: true`."""

from earthward.chat import Failure, FailureKind

BROKEN_OFF = Failure(FailureKind.BROKEN_STREAM, "Ollama's stream broke off before the answer was finished")
NOT_DONE = Failure(FailureKind.BROKEN_STREAM, "Ollama gave its answer up before it was finished")
TOO_LONG = Failure(FailureKind.MALFORMED, "Ollama sent a line that is too long")


def senseless(error: Exception) -> Failure:
    return Failure(FailureKind.MALFORMED, f"Ollama sent something that makes no sense: {error}")
