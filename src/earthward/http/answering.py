"""The answer to one request on a connection: whole or piece by piece, and how its end is told."""

import asyncio
from collections.abc import Callable

from earthward.http.answer import WITHOUT_BODY, date_line, head_bytes, opening_bytes
from earthward.http.host import Host
from earthward.http.refusal import Headers

_IN_ONE_PIECE = 64 * 1024
# Phases of a connection.
READING, ANSWERING, LINGERING, CLOSED = range(4)
# How the end of an answer is told: it has no body (HEAD, 204, 304), by length, by the last chunk, by closing.
_WITHOUT, _LENGTH, _CHUNKED, _CLOSE = range(4)


class Answering(asyncio.Protocol):
    """The half of a connection that answers. What comes before an answer and behind it is the other half's.

    `answered` says whether the head of the present answer is out. `on_flow` is called with False when nothing more
    should be written for now, and with True when it may again.
    """

    __slots__ = (
        "_bodiless",
        "_framing",
        "_keep_alive",
        "_minor",
        "_missing",
        "_on_gone",
        "_paused",
        "_pending",
        "_phase",
        "_server",
        "_transport",
        "answered",
        "on_flow",
    )

    on_flow: Callable[[bool], None] | None

    def __init__(self, server: Host) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._phase = READING
        self._paused = False
        self._minor = 1
        self._keep_alive = True
        self._bodiless = False
        self._framing = _WITHOUT
        self._missing = 0
        self._pending = b""
        self._on_gone: Callable[[], None] | None = None
        self.answered = False
        self.on_flow = None

    def respond(self, status: int, headers: Headers, body: bytes, lines: bytes = b"") -> None:
        """A whole answer, in one write. `lines` are headers as `header_lines` makes them, for those that rarely change.

        Does nothing once the client has left.
        """
        if self._may_answer():
            self._respond(opening_bytes(status, headers), body, lines, status in WITHOUT_BODY)

    def respond_written(self, opening: bytes, body: bytes, lines: bytes) -> None:
        """The same for an answer with a body whose status line and headers are written already."""
        if self._may_answer():
            self._respond(opening, body, lines, without=False)

    def _respond(self, opening: bytes, body: bytes, lines: bytes, without: bool) -> None:
        length = b"" if without else b"content-length: %d\r\n" % len(body)
        if not self._keep_alive or not self._minor:
            length += self._persistence()
        head = (opening, date_line(), lines, length, b"\r\n")
        self.answered = True
        assert self._transport is not None
        if self._bodiless or without:
            self._transport.write(b"".join(head))
        elif len(body) <= _IN_ONE_PIECE:
            self._transport.write(b"".join((*head, body)))
        else:
            self._transport.writelines([b"".join(head), body])
        self._ended()

    def start(self, status: int, headers: Headers, length: int | None = None, lines: bytes = b"") -> None:
        """Begins an answer that is written piece by piece; `length` in bytes, if it is known. `lines` as above."""
        if not self._may_answer():
            return
        self._framing, framing = self._streamed(status, length)
        # The head leaves with the first piece, if that is written in the same turn of the loop: one packet less.
        self._pending = head_bytes(status, headers, lines + framing + self._persistence())
        self.answered = True
        asyncio.get_running_loop().call_soon(self.flush)
        if self._paused and self.on_flow is not None:
            self.on_flow(False)

    def write(self, data: bytes) -> None:
        if self._transport is None or self._phase != ANSWERING or not data:
            return
        if self._framing == _CHUNKED:
            chunk = b"%x\r\n%b\r\n" % (len(data), data)
            if self._pending:
                self._send(chunk)
            else:
                self._transport.write(chunk)
        elif self._framing != _WITHOUT:
            self._send(self._counted(data))

    def write_last(self, data: bytes) -> None:
        """The last piece and the end, in one write."""
        if self._framing == _CHUNKED and data and self._phase == ANSWERING:
            self._send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data))
            self._ended()
        else:
            self.write(data)
            self.end()

    def end(self) -> None:
        if self._transport is None or self._phase != ANSWERING:
            return None
        if self._framing == _LENGTH and self._missing:
            return self.abort()
        if self._framing == _CHUNKED:
            self._send(b"0\r\n\r\n")
        self.flush()
        self._ended()
        return None

    def _send(self, data: bytes) -> None:
        assert self._transport is not None
        if self._pending:
            data = self._pending + data
            self._pending = b""
        self._transport.write(data)

    def flush(self) -> None:
        """Sends a head that was started and still waits for its first piece."""
        if self._pending and self._transport is not None and not self._transport.is_closing():
            self._send(b"")

    def abort(self) -> None:
        """Breaks the answer off in such a way that the client sees it is not whole."""
        if self._transport is None or self._phase != ANSWERING:
            return
        # The application leaves, not the client: nobody is to be told.
        self._phase = CLOSED
        self._on_gone = self.on_flow = None
        if not self.answered or self._pending or self._framing in (_WITHOUT, _CLOSE):
            self._reset()
        else:
            # What was written still arrives; the missing end tells the rest.
            self._close()

    def _may_answer(self) -> bool:
        if self._transport is None or self._phase != ANSWERING:
            return False
        if self.answered:
            raise RuntimeError("this request has been answered")
        if self._server.draining:
            self._keep_alive = False
        return True

    def _persistence(self) -> bytes:
        if not self._keep_alive:
            return b"connection: close\r\n"
        return b"" if self._minor else b"connection: keep-alive\r\n"

    def _streamed(self, status: int, length: int | None) -> tuple[int, bytes]:
        self._missing = length or 0
        if status in WITHOUT_BODY:
            return _WITHOUT, b""
        if length is not None:
            return _WITHOUT if self._bodiless else _LENGTH, b"content-length: %d\r\n" % length
        if self._minor:
            return _WITHOUT if self._bodiless else _CHUNKED, b"transfer-encoding: chunked\r\n"
        self._keep_alive = False
        return _WITHOUT if self._bodiless else _CLOSE, b""

    def _counted(self, data: bytes) -> bytes:
        if self._framing == _LENGTH:
            if len(data) > self._missing:
                raise ValueError("more written than the length that was announced")
            self._missing -= len(data)
        return data

    def _ended(self) -> None:
        """The answer is over: the connection goes on to the next request, or closes."""
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    def _reset(self) -> None:
        raise NotImplementedError
