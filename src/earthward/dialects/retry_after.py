"""When the upstream wants to be asked again, from its headers."""

import math
from email.utils import parsedate_to_datetime

Headers = list[tuple[bytes, bytes]]

LONGEST_WAIT = 86_400.0
"""Seconds; no provider means more, and some could write any number."""


def retry_after(headers: Headers) -> float | None:
    """Seconds. A date is taken against the answer's own `date`, so that no clock is needed."""
    found = dict(reversed(headers))
    milliseconds = _number(found.get(b"retry-after-ms", b""))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_WAIT)
    value = found.get(b"retry-after", b"")
    seconds = _number(value)
    if seconds is None:
        seconds = _seconds_between(found.get(b"date", b""), value)
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def retry_headers(seconds: float | None) -> Headers:
    """In both forms the SDKs read."""
    if seconds is None:
        return []
    return [
        (b"retry-after", b"%d" % math.ceil(seconds)),
        (b"retry-after-ms", b"%d" % math.ceil(seconds * 1000)),
    ]


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds_between(start: bytes, end: bytes) -> float | None:
    try:
        seconds = (parsedate_to_datetime(end.decode()) - parsedate_to_datetime(start.decode())).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds)
