"""One answer out of bytes, without a socket: the head gathered and bounded, the body de-chunked by llhttp.

However the bytes are sliced, the answer is the same. Informational answers (1xx) are skipped.
"""

import re
from typing import Any, Protocol

import httptools

from earthward.http.head import by_name, has_loose_line_end
from earthward.http.refusal import Headers

_HEAD_LIMIT = 64 * 1024
_HEADER_LIMIT = 200
_INFORMATIONAL_LIMIT = 16
_WITHOUT_BODY = frozenset({204, 304})
_START = b"HTTP/1."
_SIZE = re.compile(rb"[1-9A-Fa-f][0-9A-Fa-f]{0,5}")
_LONGEST_SIZE_LINE = 8
_LINE_END = b"\r\n"
_MOST_SIZES = 4096
_sizes: dict[bytes, int] = {}
"""Sizes of chunks as they were spelt, for those that came before."""


class Malformed(Exception):
    """What came is not an answer of HTTP/1.1."""


class Listener(Protocol):
    """Who hears of an answer."""

    def on_head(self, status: int, headers: Headers) -> None: ...
    def on_body(self, data: bytes) -> None: ...


class ResponseReader:
    """Feed it until `complete`; at the end of the connection, ask `may_end`.

    `begun` says that some byte has come, `headed` that the head was whole. `reusable` holds once complete. `by_length`
    is the head as it came, the status and the headers of an answer whose body has a length.
    """

    __slots__ = (
        "_framed",
        "_gathered",
        "_head_only",
        "_informational",
        "_is_between",
        "_keep_alive",
        "_listener",
        "_parser",
        "_surplus",
        "by_length",
        "complete",
        "headed",
        "on_body",
    )

    def __init__(self, listener: Listener, head_only: bool = False) -> None:
        self._listener = listener
        self._head_only = head_only
        self._gathered = bytearray()
        self._informational = 0
        self._framed = False
        # The next byte begins a chunk: then whole chunks may pass llhttp by, which would be between two after them.
        self._is_between = False
        self._keep_alive = False
        self._surplus = False
        self.by_length: tuple[bytes, int, Headers] | None = None
        self.headed = False
        self.complete = False
        self.on_body = listener.on_body
        self._parser: Any = httptools.HttpResponseParser(self)

    @property
    def begun(self) -> bool:
        return self.headed or self._informational > 0 or bool(self._gathered)

    @property
    def may_end(self) -> bool:
        """Whether the end of the connection is the end of the answer: nothing else could have told it."""
        return self.headed and not self._framed

    @property
    def reusable(self) -> bool:
        return self.complete and self._framed and self._keep_alive and not self._surplus

    def feed(self, data: bytes) -> None:
        """Raises Malformed. What lies behind a complete answer makes its connection unusable, not the answer bad."""
        if self._is_between and not self.complete:
            chunks = _whole_chunks(data)
            if chunks:
                self.on_body(chunks)
                return
        while not self.headed:
            rest = self._take_head(data)
            if rest is None:
                return
            data = rest
        if self.complete:
            self._surplus = self._surplus or bool(data)
        elif data:
            self._feed(data)
            self._is_between = self._is_between and data.endswith(_LINE_END)
        if self.complete:
            # It holds our methods: let go of it, or each answer leaves a cycle for the collector.
            self._parser = None

    def _take_head(self, data: bytes) -> bytes | None:
        """Gathers until the empty line, so that llhttp sees a head once and whole; returns what lies behind it."""
        gathered = self._gathered
        since = len(gathered)
        if since:
            gathered += data
            end = gathered.find(b"\r\n\r\n", max(since - 3, 0))
        else:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                gathered += data
        if end < 0:
            _check_begun(gathered, since)
            return None
        if since:
            data = bytes(gathered)
            gathered.clear()
        if end > _HEAD_LIMIT:
            raise Malformed("the head of the answer is too large")
        self._read_head(data[: end + 4])
        return data[end + 4 :]

    def _read_head(self, head: bytes) -> None:
        if not head.startswith(_START):
            raise Malformed("what came is not an HTTP/1.1 answer")
        self._feed(head)
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return self._skip(status)
        headers = _headers_in(head)
        if not 200 <= status <= 599 or len(headers) > _HEADER_LIMIT:
            raise Malformed("the head of the answer has an invalid status or too many headers")
        decisive = by_name(headers)
        self._framed = self._frame(status, decisive)
        self._keep_alive = self._keeps_alive(decisive)
        self.headed = True
        if b"content-length" in decisive and not self._head_only and status not in _WITHOUT_BODY:
            self.by_length = head, status, headers
        self.complete = self.complete or self._head_only
        self._listener.on_head(status, headers)
        return None

    def _skip(self, status: int) -> None:
        self._informational += 1
        if status == 101 or self._informational > _INFORMATIONAL_LIMIT:
            raise Malformed("the upstream switches protocols or sends informational answers without end")
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

    def _frame(self, status: int, decisive: dict[bytes, bytes]) -> bool:
        """Whether the answer says where it ends. llhttp has refused a bad length, two of them, and one with chunked."""
        coding = decisive.get(b"transfer-encoding")
        if coding is not None:
            if coding.lower() != b"chunked" or self._parser.get_http_version() != "1.1":
                raise Malformed("the answer has a transfer-encoding other than chunked")
            self._is_between = not (self._head_only or status in _WITHOUT_BODY)
            return True
        if self._head_only or status in _WITHOUT_BODY:
            return True
        return b"content-length" in decisive

    def _keeps_alive(self, decisive: dict[bytes, bytes]) -> bool:
        options = [option.strip().lower() for option in decisive.get(b"connection", b"").split(b",")]
        if self._parser.get_http_version() == "1.0":
            return b"keep-alive" in options and b"close" not in options
        return b"close" not in options

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserUpgrade:
            raise Malformed("the upstream switches protocols") from None
        except httptools.HttpParserError as error:
            if not self.complete:
                raise Malformed(f"the answer is malformed: {error}") from None
            self._surplus = True

    # What llhttp tells us.

    def on_message_begin(self) -> None:
        # A second answer where one was asked for.
        self._surplus = self._surplus or self.complete

    def on_chunk_header(self) -> None:
        self._is_between = False

    def on_chunk_complete(self) -> None:
        self._is_between = True

    def on_message_complete(self) -> None:
        self.complete = True


def _whole_chunks(data: bytes) -> bytes:
    """What is in them, if these are whole chunks without extensions and nothing else; else nothing."""
    end = data.find(_LINE_END, 0, _LONGEST_SIZE_LINE)
    size = _sizes.get(data[:end]) if end > 0 else None
    if size is not None and len(data) == end + size + 4 and data.endswith(_LINE_END):
        # As nearly all come: one, of a size that was seen before.
        return data[end + 2 : -2]
    return _several_chunks(data)


def _several_chunks(data: bytes) -> bytes:
    pieces = []
    at, length = 0, len(data)
    while at < length:
        end = data.find(_LINE_END, at, at + _LONGEST_SIZE_LINE)
        spelt = data[at:end]
        size = (_sizes.get(spelt) or _size(spelt)) if end > 0 else 0
        start = end + 2
        at = start + size
        if not size or not data.startswith(_LINE_END, at):
            return b""
        pieces.append(data[start:at])
        at += 2
    return b"".join(pieces)


def _size(spelt: bytes) -> int:
    """Nothing for what needs a second look, the last chunk among it."""
    if not _SIZE.fullmatch(spelt):
        return 0
    size = int(spelt, 16)
    if len(_sizes) < _MOST_SIZES:
        _sizes[spelt] = size
    return size


def _headers_in(head: bytes) -> Headers:
    """Of a head that llhttp took: each line is a name, a colon and a value. Half as dear as being called for each."""
    lines = head.split(b"\r\n")[1:-2]
    return [(name.lower(), value.strip(b" \t")) for line in lines for name, _, value in (line.partition(b":"),)]


def _check_begun(gathered: bytearray, since: int) -> None:
    if not gathered.startswith(_START[: len(gathered)]):
        raise Malformed("what came is not an HTTP/1.1 answer")
    if len(gathered) > _HEAD_LIMIT:
        raise Malformed("the head of the answer is too large")
    if has_loose_line_end(gathered, since):
        raise Malformed("a line of the answer's head does not end with CR LF")
