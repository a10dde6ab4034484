"""One connection to an endpoint: a request at a time, its answer told to a sink as it comes.

Decodes no content coding and retries nothing: what to do about a failure is the caller's decision.
"""

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol, cast

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import Deadlines
from earthward.http.refusal import Headers
from earthward.http.response import Malformed, ResponseReader
from earthward.http.same_answer import SameAnswer

logger = logging.getLogger(__name__)

_RESET = struct.pack("ii", 1, 0)


class Sink(Protocol):
    """Who listens to one answer. Calls are synchronous and in order.

    Exactly one of `on_end` and `on_error` is called, last; neither after `cancel`. At `on_end` the connection is
    already back in its pool. `on_body` gets de-chunked pieces as they arrive.

    A sink that has `on_whole` is told all of an answer by it alone, where that came at once with the head of the one
    before: the headers are then to be asked for, and `same.kept` lasts for as long as the head does.
    """

    def on_head(self, status: int, headers: Headers) -> None: ...
    def on_body(self, data: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_error(self, kind: FailureKind, message: str) -> None: ...


class Home(Protocol):
    """What a connection needs of its pool."""

    name: str

    def opened(self, connection: "ClientConnection") -> None: ...
    def returned(self, connection: "ClientConnection") -> bool: ...
    def lost(self, connection: "ClientConnection") -> None: ...


class ClientConnection(asyncio.Protocol):
    """`fresh` until it has answered once. One that isn't and dies before a byte of the answer was merely stale."""

    __slots__ = (
        "_deadlines",
        "_ended",
        "_head_only",
        "_home",
        "_is_heard",
        "_last",
        "_paused",
        "_reader",
        "_same",
        "_sent",
        "_sink",
        "_transport",
        "fresh",
        "idle_since",
    )

    def __init__(self, home: Home) -> None:
        self._home = home
        self._transport: asyncio.Transport | None = None
        # None until a byte of the answer has come.
        self._reader: ResponseReader | None = None
        self._head_only = False
        self._same = SameAnswer()
        self._sink: Sink | None = None
        self._deadlines = Deadlines()
        self._sent = 0.0
        self._last = 0.0
        # Something came since the last look: when is told by the look, so that no piece costs a clock.
        self._is_heard = False
        self._paused = False
        self._ended = False
        self.fresh = True
        self.idle_since = 0.0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes, sink: Sink, deadlines: Deadlines, *, head_only: bool = False) -> None:
        """Writes a whole request, head and body, at once; `head_only` for HEAD, whose answers have no body."""
        if self._sink is not None:
            raise RuntimeError("a request is under way on this connection")
        self._sink = sink
        self._head_only = head_only
        self._deadlines = deadlines
        self._sent = self._last = time.monotonic()
        self._is_heard = False
        if self._transport is None or self._transport.is_closing():
            asyncio.get_running_loop().call_soon(self._fail, FailureKind.RESET, "the connection was closed")
        else:
            self._transport.write(data)

    def cancel(self) -> None:
        """Nobody listens any more: closes at once."""
        self._sink = None
        self._cut()

    def pause(self) -> None:
        """Reads no more until `resume`; the upstream is held back by TCP."""
        if not self._paused and self._transport is not None and self._sink is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._last = time.monotonic()
            if self._transport is not None:
                self._transport.resume_reading()

    def expect_end(self, within: float) -> None:
        """All that matters of the answer is here: it has this many seconds to end, or its connection is closed."""
        if self._sink is not None:
            total = time.monotonic() - self._sent + within
            self._deadlines = Deadlines(self._deadlines.connect, self._deadlines.first_byte, within, total)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def look(self, now: float) -> None:
        """Carries out what has come due; called by the pool's sweep."""
        if self._sink is None:
            return
        deadlines = self._deadlines
        if self._is_heard:
            self._is_heard = False
            self._last = now
        if now - self._sent > deadlines.total:
            self._fail(FailureKind.TIMEOUT, f"{self._home.name} took longer than {deadlines.total:g} s in all")
        elif self._reader is None or not self._reader.headed:
            if now - self._sent > deadlines.first_byte:
                self._fail(FailureKind.TIMEOUT, f"{self._home.name} did not answer in {deadlines.first_byte:g} s")
        elif not self._paused and now - self._last > deadlines.idle:
            self._fail(FailureKind.TIMEOUT, f"{self._home.name} sent nothing for {deadlines.idle:g} s")

    # What the transport tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport, though they do all it does.
        self._transport = cast("asyncio.Transport", transport)
        self._home.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._sink is None:
            # Nothing was asked: whatever this is, it must not be taken for the next answer.
            self._cut()
            return
        reader = self._reader
        if reader is None:
            body = self._same.body_of(data)
            if body is not None and not self._head_only:
                self._hear_same(body)
                return
            reader = self._reader = ResponseReader(self, self._head_only)
        self._is_heard = True
        try:
            reader.feed(data)
        except Malformed as error:
            self._fail(FailureKind.MALFORMED, f"{self._home.name}: {error}")
        except Exception:
            logger.exception("the listener to an answer failed")
            self._fail(FailureKind.INTERNAL, "internal error")
        else:
            if reader.complete and self._sink is not None:
                reusable = reader.reusable
                if reusable and reader.by_length is not None:
                    self._same.learn(*reader.by_length)
                self._complete(reusable=reusable)

    def eof_received(self) -> None:
        # Over TLS this only comes after a close_notify, so a cut connection never passes for the end of an answer.
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._home.lost(self)
        reader = self._reader
        if self._sink is None:
            return
        if reader is not None and reader.may_end and self._ended and exc is None:
            self._finish().on_end()
        elif reader is not None and reader.begun:
            self._fail(FailureKind.BROKEN_STREAM, f"{self._home.name} broke off its answer")
        else:
            self._fail(FailureKind.RESET, f"{self._home.name} closed the connection without an answer")

    # How an answer ends.

    def on_head(self, status: int, headers: Headers) -> None:
        if self._sink is not None:
            self._sink.on_head(status, headers)

    def on_body(self, data: bytes) -> None:
        if self._sink is not None:
            self._sink.on_body(data)

    def _hear_same(self, body: bytes) -> None:
        """All of an answer in one piece, with the head of the one before."""
        sink = self._sink
        assert sink is not None, "somebody has asked"
        on_whole: Callable[[SameAnswer, bytes], None] | None = getattr(sink, "on_whole", None)
        if on_whole is not None:
            self._leave(reusable=True)
            on_whole(self._same, body)
            return
        try:
            sink.on_head(self._same.status, self._same.headers)
            if self._sink is not None:
                sink.on_body(body)
        except Exception:
            logger.exception("the listener to an answer failed")
            self._fail(FailureKind.INTERNAL, "internal error")
        else:
            if self._sink is not None:
                self._complete(reusable=True)

    def _complete(self, *, reusable: bool) -> None:
        self._leave(reusable=reusable).on_end()

    def _leave(self, *, reusable: bool) -> Sink:
        """Back into the pool if it can serve again; returns who has listened."""
        sink = self._finish()
        transport = self._transport
        # An upstream that answers before it has read the request leaves half a request on the connection.
        usable = reusable and transport is not None and not transport.get_write_buffer_size()
        if not usable or not self._home.returned(self):
            self.close()
        return sink

    def _finish(self) -> Sink:
        sink = self._sink
        assert sink is not None
        self._sink = None
        self._reader = None
        self.fresh = False
        if self._paused:
            self.resume()
        return sink

    def _fail(self, kind: FailureKind, message: str) -> None:
        sink = self._sink
        if sink is not None:
            self._sink = None
            self._cut()
            sink.on_error(kind, message)

    def _cut(self) -> None:
        self._reader = None
        transport = self._transport
        if transport is None:
            return
        self._transport = None
        self._home.lost(self)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
