"""The head that comes again and again on a kept connection, byte for byte but for the length of the body.

Clients write the same lines for every request, so that a head need only be read once and then compared. Nothing is
concluded from likeness: apart from the digits of the one Content-Length every byte has to be the same, and a length
that is spelt in any but the plainest way is left to the strict reader, as is a head that isn't whole yet.
"""

import re

from earthward.config.snapshot import Limits
from earthward.http.head import Head
from earthward.http.refusal import Headers
from earthward.http.request import Request

_LENGTH_LINE = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.I)
_CONTENT_LENGTH = b"content-length"
_MOST_DIGITS = 18


class SameHead:
    """Knows one head. `request` is what it was read as; of its headers only the length will differ."""

    __slots__ = ("_after", "_at", "_before", "_body_limit", "_last_end", "_request", "_start")

    def __init__(self, before: bytes, after: bytes, request: Request, limits: Limits) -> None:
        self._before = before
        self._start = len(before)
        self._after = after
        self._request = request
        self._at = [name for name, _ in request.headers].index(_CONTENT_LENGTH)
        self._body_limit = limits.body
        # Longer digits must not make the head longer than one may be.
        self._last_end = limits.head - len(after)

    def again(self, data: bytes, accepted: float) -> tuple[Request, int, bytes] | None:
        """The request without its body, the body's length, and what lies behind the head; None if another one begins
        here."""
        if not data.startswith(self._before):
            return None
        start = self._start
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        digits = data[start:end]
        if end < 0 or end > self._last_end or not digits.isdigit() or not data.startswith(self._after, end):
            return None
        length = int(digits)
        if length > self._body_limit or digits.startswith(b"0"):
            return None
        known = self._request
        headers: Headers = known.headers.copy()
        headers[self._at] = (_CONTENT_LENGTH, digits)
        request = Request(
            known.method, known.target, known.path, known.query, headers, b"", known.minor, accepted, known.kept
        )
        return request, length, data[end + len(self._after) :]


def same_head(raw: bytes, head: Head, limits: Limits) -> SameHead | None:
    """What to compare the next head with, given one as it came and as the strict reader took it.

    None for a head that leads to more than an answer on a connection that stays, or to a body without a length.
    """
    found = _LENGTH_LINE.search(raw)
    if found is None or head.length < 0 or not head.keep_alive or head.expects_continue:
        return None
    start, end = found.span(1)
    return SameHead(raw[:start], raw[end:], head.request, limits)
