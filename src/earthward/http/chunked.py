"""A chunked request body, decoded strictly and without a socket.

Sizes are hexadecimal digits and nothing else, every line ends with CR LF, extensions follow the grammar and are
dropped, trailers are checked and dropped: merged into the headers they could change who asks or where a body ends.
"""

import re

from earthward.http.refusal import Refused

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*")
_TRAILER = re.compile(_TOKEN + rb":[\t -~\x80-\xff]*")

_LINE_LIMIT = 1024
"""Bytes of a size line with its extensions; nobody sends any, and without a bound they are a free upload."""
_OVERHEAD = 64 * 1024
"""Bytes of size lines and trailers a body may need beyond a fair share of its length."""


class ChunkedBody:
    """Feed it bytes as they come; `body` is what they spelt so far."""

    __slots__ = ("_line", "_missing", "_overhead", "_reading", "_trailers", "body", "limit", "whole")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # Not a list of pieces: two-byte chunks would cost forty bytes each.
        self.body = bytearray()
        self.whole = False
        self._line = b""
        self._missing = 0
        self._overhead = 0
        self._trailers = 0
        self._reading = self._read_size

    def feed(self, data: bytes) -> bytes:
        """Takes what belongs to the body and returns what lies behind it. Raises Refused."""
        at = 0
        while not self.whole and at < len(data):
            at = self._reading(data, at)
        return data[at:]

    def _read_size(self, data: bytes, at: int) -> int:
        line, at = self._take_line(data, at)
        if line is None:
            return at
        size = _SIZE_LINE.fullmatch(line)
        if size is None:
            raise Refused(400, "invalid chunk size")
        self._missing = int(size[1], 16)
        if len(self.body) + self._missing > self.limit:
            raise Refused(413, "body too large")
        self._reading = self._read_data if self._missing else self._read_trailer
        return at

    def _read_data(self, data: bytes, at: int) -> int:
        part = data[at : at + self._missing]
        self.body += part
        self._missing -= len(part)
        if not self._missing:
            self._reading = self._read_data_end
        return at + len(part)

    def _read_data_end(self, data: bytes, at: int) -> int:
        end = self._line + data[at : at + 2 - len(self._line)]
        if not b"\r\n".startswith(end):
            raise Refused(400, "chunk longer than its size")
        at += len(end) - len(self._line)
        self._line = end
        if len(end) == 2:
            self._line = b""
            self._reading = self._read_size
        return at

    def _read_trailer(self, data: bytes, at: int) -> int:
        line, at = self._take_line(data, at)
        if line is None:
            return at
        if not line:
            self.whole = True
        elif not _TRAILER.fullmatch(line):
            raise Refused(400, "invalid trailer")
        self._trailers += 1
        if self._trailers > 64:
            raise Refused(431, "too many trailers")
        return at

    def _take_line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The next line without its CR LF, or None when its end has not come yet."""
        end = data.find(b"\n", at, at + _LINE_LIMIT)
        if end < 0:
            self._line += data[at : at + _LINE_LIMIT]
            _check_begun(self._line)
            return None, len(data)
        line = self._line + data[at : end + 1]
        self._line = b""
        if len(line) > _LINE_LIMIT:
            raise Refused(400, "chunk line too long")
        if line[-2:] != b"\r\n" or b"\r" in line[:-2]:
            raise Refused(400, "line of the body does not end with CR LF")
        self._count(len(line))
        return line[:-2], end + 1

    def _count(self, overhead: int) -> None:
        # One-byte chunks make 6 bytes of every byte; more than that in small chunks is not a body but a load.
        self._overhead += overhead
        if self._overhead > _OVERHEAD + 8 * len(self.body):
            raise Refused(400, "chunk lines outweigh the body")


def _check_begun(line: bytes) -> None:
    if len(line) >= _LINE_LIMIT:
        raise Refused(400, "chunk line too long")
    if b"\r" in line[:-1] or b"\0" in line:
        raise Refused(400, "line of the body does not end with CR LF")
