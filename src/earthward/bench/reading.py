"""Answers read off the wire as cheaply as can be, and held against what they should say.

Only what a load generator needs of HTTP: status, length, chunks. Knows no socket.
"""

import re
from collections.abc import Callable

_CONTENT = re.compile(rb'"content":"((?:[^"\\]|\\.)*)"')
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


class Malformed(ValueError):
    """Bytes that are no HTTP answer."""


class Incoming:
    """One answer, in as many pieces as it comes.

    `status` is 0 until the head is in, `body` what has come of the body (nothing if it is not to be kept), `whole`
    whether that is all, `extra` whether more came than belongs to it, `closes` whether the server gives up the
    connection after it.
    """

    __slots__ = ("_buffer", "_came", "_keep", "_left", "_read", "body", "closes", "extra", "status", "whole")

    def __init__(self, keep: bool = True) -> None:
        self._read: Callable[[], None] = self._head
        self._keep = keep
        self._came = b""
        self._buffer = b""
        self._left = 0
        self.status = 0
        self.body = b""
        self.whole = False
        self.extra = False
        self.closes = False

    def feed(self, data: bytes) -> bytes:
        """Takes what came; returns the part of it that belongs to the body. Raises Malformed."""
        self._buffer = self._buffer + data if self._buffer else data
        self._came = b""
        self._read()
        if self._keep:
            self.body = self.body + self._came if self.body else self._came
        return self._came

    def end(self) -> None:
        """The connection was closed: the end of an answer that announced neither length nor chunks."""
        if self.status and self._read == self._until_closed:
            self.whole = True

    def _head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > 64 * 1024 or not b"HTTP/1.1 ".startswith(self._buffer[:9]):
                raise Malformed("no HTTP head")
            return
        head = self._buffer[: end + 2]
        self._buffer = self._buffer[end + 4 :]
        if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
            raise Malformed("no HTTP status")
        self.status = int(head[9:12])
        self.closes = _CLOSES.search(head) is not None
        self._read = self._reader(head)
        self._read()

    def _reader(self, head: bytes) -> Callable[[], None]:
        if _CHUNKED.search(head):
            return self._chunks
        length = _LENGTH.search(head)
        if length is None:
            self.closes = True
            return self._until_closed
        self._left = int(length[1])
        return self._counted

    def _counted(self) -> None:
        taken = self._buffer[: self._left]
        self._buffer = self._buffer[len(taken) :]
        self._left -= len(taken)
        self._came = taken
        if not self._left:
            self._over()

    def _until_closed(self) -> None:
        self._came = self._buffer
        self._buffer = b""

    def _chunks(self) -> None:
        buffer, place = self._buffer, 0
        parts: list[bytes] = []
        while True:
            line = buffer.find(b"\r\n", place)
            if line < 0:
                break
            size = _size(buffer[place:line])
            end = line + 2 + size
            if len(buffer) < end + 2:
                break
            if buffer[end : end + 2] != b"\r\n":
                raise Malformed("a chunk longer than its size")
            if not size:
                # Trailers are not read: a chunk of size 0 that isn't followed by the empty line is malformed to us.
                place = end + 2
                self._came = b"".join(parts)
                self._buffer = buffer[place:]
                return self._over()
            parts.append(buffer[line + 2 : end])
            place = end + 2
        self._came = b"".join(parts)
        self._buffer = buffer[place:]
        return None

    def _over(self) -> None:
        self.whole = True
        self.extra = bool(self._buffer)


def _size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as problem:
        raise Malformed("a chunk size that is no number") from problem


Check = Callable[[bytes, bool], str | None]
"""What is wrong with a body (streamed or not), in a word; None if nothing is."""


def unchecked(body: bytes, streamed: bool) -> str | None:
    return None


def numbered(tokens: int) -> Check:
    """Holds a body against numbered tokens: all of them, once, in order, finished, and in a stream the last event."""
    expected = b" ".join(b"t%d" % index for index in range(tokens))

    def check(body: bytes, streamed: bool) -> str | None:
        said = b"".join(_CONTENT.findall(body))
        if said != expected:
            return "short_text" if expected.startswith(said) else "wrong_text"
        if b'"finish_reason":"stop"' not in body:
            return "not_finished"
        if streamed and not body.endswith(b"data: [DONE]\n\n"):
            return "no_done"
        return None

    return check
