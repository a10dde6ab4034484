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


def head_bytes(status: int, headers: Headers, framing: bytes) -> bytes:
    """Status line, headers and `framing` (whole lines), up to and including the empty line.

    Raises ValueError when a header would end a line by itself: an answer must never be split in two.
    """
    lines = [b"%b: %b\r\n" % header for header in headers]
    line = STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    head = b"".join([line, *lines, date_line(), framing, b"\r\n"])
    ends = len(lines) + 3 + framing.count(b"\n")
    if head.count(b"\n") != ends or head.count(b"\r") != ends:
        raise ValueError("a header holds a line end")
    return head
