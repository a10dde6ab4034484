"""Times as Google and Ollama write them, RFC 3339, and Unix times as the vocabulary has them."""

from datetime import UTC, datetime

import msgspec

_LAST = 253_402_300_799
"""The end of the year 9999."""


def unix_time(text: str | None) -> int | None:
    """In seconds; None if it is no time."""
    if text is None:
        return None
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())


def rfc3339(seconds: float) -> str:
    """Clients written in typed languages refuse an answer without a time in this form. What is beyond it is cut."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LAST), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
