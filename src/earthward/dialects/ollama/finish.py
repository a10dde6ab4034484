"""Why an answer ended, both ways."""

from earthward.chat import Failure, FailureKind, FinishReason

FILTERED = "content_filter"
_WRITTEN: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context": "length",
    "tool_calls": "stop",
    # Ollama filters nothing and has no word for it; `stop` would have an answer that was withheld look whole.
    "filtered": FILTERED,
    "paused": "stop",
}

_NO_ANSWER = {
    "load": "Ollama loaded the model and gave no answer; was the request empty?",
    "unload": "Ollama unloaded the model and gave no answer; was the request empty?",
}


def read_reason(wire: str | None, called: bool, fills_context: bool = False) -> FinishReason:
    """The reason in our words; one that is missing or unknown is a natural end.

    Ollama says `stop` of calls too, and of stop strings; `called` is whether a call came in any chunk at all.
    `fills_context` is whether prompt and answer together are as long as the context.
    """
    if wire == "length":
        return "context" if fills_context else "length"
    if wire == FILTERED:
        return "filtered"
    return "tool_calls" if called else "stop"


def written_reason(reason: FinishReason) -> str:
    return _WRITTEN[reason]


def failure_in(wire: str | None) -> Failure | None:
    message = _NO_ANSWER.get(wire or "")
    return None if message is None else Failure(FailureKind.MALFORMED, message)
