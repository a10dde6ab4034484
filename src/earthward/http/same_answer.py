"""The head of an answer that comes again on a kept connection, byte for byte but for the length of the body.

Servers without request ids write the same head for a whole second. As with requests nothing is concluded from
likeness: every byte but the digits of the one Content-Length has to be the same, and the body has to be all that is
left.
"""

import re

from earthward.http.refusal import Headers
from earthward.http.request import Kept

_LENGTH_LINE = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.I)
_CONTENT_LENGTH = b"content-length"
_MOST_DIGITS = 18
_MOST_MISSES = 8


class SameAnswer:
    """Knows one head, and how often in a row another came: a server that never repeats itself isn't listened to.

    `kept` is room for what a listener works out from this head, `headers` are those of the last answer with it.
    """

    __slots__ = ("_after", "_at", "_before", "_digits", "_headers", "_misses", "kept", "status")

    def __init__(self) -> None:
        self._before = b""
        self._after = b""
        self._at = 0
        self._digits = b""
        self._misses = 0
        self._headers: Headers = []
        self.status = 0
        self.kept = Kept()

    @property
    def headers(self) -> Headers:
        headers = self._headers.copy()
        headers[self._at] = (_CONTENT_LENGTH, self._digits)
        return headers

    def body_of(self, data: bytes) -> bytes | None:
        """The body, if this is all of an answer with the head that is known; `status` and the others are then its."""
        before = self._before
        if not before or not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        digits = data[start:end]
        if end < 0 or not digits.isdigit() or digits.startswith(b"0") or not data.startswith(self._after, end):
            return None
        body = data[end + len(self._after) :]
        if len(body) != int(digits):
            return None
        self._misses = 0
        self._digits = digits
        return body

    def learn(self, head: bytes, status: int, headers: Headers) -> None:
        """`head` as it came, of an answer with a body and a length that left its connection usable."""
        if self._misses >= _MOST_MISSES:
            return
        self._misses += 1
        found = _LENGTH_LINE.search(head)
        if found is None or len(found[1]) > _MOST_DIGITS or found[1].startswith(b"0"):
            self._before = b""
            return
        start, end = found.span(1)
        self._before, self._after = head[:start], head[end:]
        self._at = [name for name, _ in headers].index(_CONTENT_LENGTH)
        self.status, self._headers, self.kept = status, headers, Kept()
