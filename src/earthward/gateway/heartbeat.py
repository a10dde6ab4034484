"""What is sent to a caller of a stream who hears nothing, so that no proxy in between takes the silence for the end.

A heartbeat before the first content commits the status: an error can then only be told as an event, and which target
serves is not known yet. What readers skip differs by dialect, and by SDK.
"""

from collections.abc import Mapping

from earthward.chat import TextDelta
from earthward.gateway.doors.door import Question

SILENCE = 15.0
"""Seconds without a word until one is sent, and between two. Proxies commonly wait for sixty."""
LOOK = 2.0

COMMENT = b": waiting\n\n"
COMMENTS = frozenset({"openai_chat", "openai_completions", "openai_responses", "anthropic_messages"})
"""Dialects of server-sent events whose readers skip comments, as they should."""
BLANK = b"\n\n"
SKIPS_BLANKS = b"gl-python"
"""In `x-goog-api-client` of Google's SDK for Python: it skips blank lines and takes any other for data. Older ones for
JavaScript stop at a blank line where they expect data, so all others get nothing."""


def word_for(question: Question, headers: Mapping[bytes, bytes]) -> bytes | None:
    """What means nothing to this caller; None where there is no such thing."""
    dialect = question.door.dialect
    if dialect in COMMENTS:
        return COMMENT
    if dialect == "gemini":
        return BLANK if SKIPS_BLANKS in headers.get(b"x-goog-api-client", b"") else None
    if dialect == "ollama":
        # Every line is read as a piece of the answer, so it is one without text.
        return question.door.writer(question).write(TextDelta(""))
    return None


class Quiet:
    """Since when a stream that has begun says nothing, found by looking now and then: pieces must not cost more."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._count = -1
        self._since = 0.0

    def since(self, count: int, now: float) -> float:
        """`count` is what has been said so far."""
        if count != self._count:
            self._count, self._since = count, now
        return self._since
