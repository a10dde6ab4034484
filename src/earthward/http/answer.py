"""An answer's head as bytes: status lines made beforehand, the date made once a second."""

import time
from email.utils import formatdate
from http import HTTPStatus

from earthward.http.refusal import Headers

STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WITHOUT_BODY = frozenset({204, 304})

_date_second = 0
_date_line = b""


def date_line() -> bytes:
    global _date_second, _date_line
    second = int(time.time())
    if second != _date_second:
        _date_second = second
        _date_line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
    return _date_line


def header_lines(headers: Headers) -> bytes:
    """Headers as whole lines. Raises ValueError when one would end a line by itself: no answer is split in two."""
    pieces: list[bytes] = []
    for name, value in headers:
        pieces += (name, b": ", value, b"\r\n")
    lines = b"".join(pieces)
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a header holds a line end")
    return lines


def head_bytes(status: int, headers: Headers, lines: bytes) -> bytes:
    """Status line, date, headers and `lines`, which are whole ones, up to and including the empty line.

    Raises ValueError as `header_lines` does.
    """
    return b"".join((opening_bytes(status, headers), date_line(), lines, b"\r\n"))


def opening_bytes(status: int, headers: Headers) -> bytes:
    """Status line and headers, which the date follows. Raises ValueError as `header_lines` does."""
    line = STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return line + header_lines(headers) if headers else line
