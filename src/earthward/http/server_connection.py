"""One client of the server: requests in, answers out, deadlines and back-pressure on both ways."""

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import cast

from earthward.http.answer import CONTINUE, head_bytes
from earthward.http.answering import ANSWERING, CLOSED, LINGERING, READING, Answering
from earthward.http.host import Host
from earthward.http.reader import RequestReader
from earthward.http.refusal import ALLOW, Refused
from earthward.http.request import Request

logger = logging.getLogger(__name__)

_PIPELINED = 64 * 1024
"""Bytes of later requests that may wait while one is answered; beyond that, reading stops."""
_BURST = 16
"""Pipelined requests taken in one turn of the loop, so that a flood of small ones does not keep it from others."""
_HIGH_WATER = 64 * 1024
_LINGER = 5.0
"""Seconds for which a refused caller may go on sending before it is cut off, so that it can read why."""
_NEVER = float("inf")
_BODY_RATE = 10_000
"""Bytes that buy a body one second more: what comes slower than this for long does not end."""
_RESET = struct.pack("ii", 1, 0)


def body_due(due: float, now: float, came: int, patience: float) -> float:
    """Until when a body may go on, after `came` bytes more of it.

    It may be silent for `patience` seconds in all, and what comes buys time back. Never more than `patience` from
    now, or who sends a lot at once could hold it for long.
    """
    return min(due + came / _BODY_RATE, now + patience)


class ServerConnection(Answering):
    """One request is in flight at a time; what a client pipelines waits, and is answered in order.

    `on_gone` is called once if the client leaves before the answer has ended, and `is_gone` says that it has; this and
    `on_flow` are forgotten when the answer has ended. `held` counts the bytes of a request that is not whole yet,
    `awaits_body` says that they are of its body.
    """

    __slots__ = (
        "_deadline",
        "_reader",
        "_reading_paused",
        "_stalled",
        "_taking",
        "_waiting",
        "awaits_body",
        "held",
        "is_gone",
    )

    def __init__(self, server: Host) -> None:
        super().__init__(server)
        self._reader = RequestReader(server.limits, server.allowed_hosts)
        self._deadline = _NEVER
        self._waiting = bytearray()
        self._taking = False
        self._reading_paused = False
        self._stalled: tuple[int, float] | None = None
        self.awaits_body = False
        self.held = 0
        self.is_gone = False

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def on_gone(self) -> Callable[[], None] | None:
        return self._on_gone

    @on_gone.setter
    def on_gone(self, gone: Callable[[], None] | None) -> None:
        self._on_gone = gone
        if self.is_gone and gone is not None:
            # Over TLS a request and the close behind it come in one turn: the client can be gone before an
            # application that begins its work in the next turn has had a chance to ask.
            asyncio.get_running_loop().call_soon(self._tell_gone)

    # What the transport tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport, though they do all it does.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._deadline = time.monotonic() + self._server.limits.keep_alive
        if not self._server.has_room_for(self):
            self._turn_away()

    def data_received(self, data: bytes) -> None:
        if self._phase == READING and not self._paused and not self._waiting:
            self._take(data)
        elif self._phase <= ANSWERING:
            self._let_wait(data)

    def eof_received(self) -> None:
        # A caller who closes its side while it is owed an answer has left, as nginx has it.
        if self._phase == ANSWERING:
            self._reset()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.forget(self)
        self._leave()

    def pause_writing(self) -> None:
        self._paused = True
        if self.on_flow is not None:
            self.on_flow(False)

    def resume_writing(self) -> None:
        self._paused = False
        self._stalled = None
        if self.on_flow is not None:
            self.on_flow(True)
        self._take_waiting()

    # From bytes to requests.

    def _take(self, data: bytes) -> None:
        reader = self._reader
        turns = _BURST
        self._taking = True
        try:
            while data and self._phase == READING and not self._paused and turns:
                turns -= 1
                request = reader.take(data, time.monotonic())
                if request is None:
                    return self._await_more()
                data = reader.rest
                self._dispatch(request)
        except Refused as refusal:
            return self._refuse(refusal)
        finally:
            self._taking = False
        if data:
            self._let_wait(data)
            if not turns:
                asyncio.get_running_loop().call_soon(self._take_waiting)
        return None

    def _await_more(self) -> None:
        reader, server = self._reader, self._server
        limits = server.limits
        if reader.head is None:
            if reader.begun:
                self._deadline = reader.accepted + limits.head_deadline
        elif self.awaits_body:
            came = reader.held - self.held
            self._deadline = body_due(self._deadline, time.monotonic(), came, limits.body_deadline)
        elif self._is_admitted(reader.head.request):
            self.awaits_body = True
            self._deadline = time.monotonic() + limits.body_deadline
        else:
            return
        self._hold(reader.held)
        server.shed()
        if reader.wants_continue and self._phase == READING and self._transport is not None:
            reader.wants_continue = False
            self._transport.write(CONTINUE)

    def _is_admitted(self, request: Request) -> bool:
        """Whether the application wants the body, judging by the head alone; if not, its answer is sent."""
        admit = self._server.admit
        if admit is None:
            return True
        try:
            answer = admit(request)
            if answer is None:
                return True
            self._server.refused["not admitted"] += 1
            self._begin_answer(request, keep_alive=False)
            self.respond(*answer)
        except Exception:
            logger.exception("the application failed on a request's head")
            self._begin_answer(request, keep_alive=False)
            self._fail()
        return False

    def _hold(self, held: int) -> None:
        if held != self.held:
            self._server.held += held - self.held
            self.held = held

    def _let_wait(self, data: bytes) -> None:
        if self._phase > ANSWERING:
            return
        self._waiting += data
        if not self._reading_paused and self._transport is not None and len(self._waiting) > _PIPELINED:
            self._reading_paused = True
            self._transport.pause_reading()

    def _take_waiting(self) -> None:
        if not self._waiting or self._phase != READING or self._taking or self._paused:
            return
        data = bytes(self._waiting)
        self._waiting.clear()
        self._resume_reading()
        self._take(data)

    def _resume_reading(self) -> None:
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    def _dispatch(self, request: Request) -> None:
        server = self._server
        server.requests += 1
        if self.held:
            self._hold(0)
        self._begin_answer(request, self._reader.keep_alive)
        if request.path == b"*":
            return self.respond(200, [ALLOW], b"")
        try:
            server.app(request, self)
        except Exception:
            logger.exception("the application failed on a request")
            self._fail()
        return None

    def _begin_answer(self, request: Request, keep_alive: bool) -> None:
        self._phase = ANSWERING
        self._deadline = _NEVER
        self._minor = request.minor
        self._keep_alive = keep_alive
        self._bodiless = request.method == b"HEAD"
        self.awaits_body = False
        self.answered = False

    def _fail(self) -> None:
        if self._phase != ANSWERING:
            return
        if self.answered:
            self.abort()
        else:
            content_type, body = self._server.error_body(500, "internal error", b"")
            self.respond(500, [(b"content-type", content_type)], body)

    # Refusals, ends and deadlines.

    def _ended(self) -> None:
        self._on_gone = self.on_flow = None
        if not self._keep_alive or self._server.draining:
            self._finish()
            return
        self._phase = READING
        self._deadline = time.monotonic() + self._server.limits.keep_alive
        if self._waiting:
            self._take_waiting()

    def give_way(self) -> None:
        """Drops a request that is not whole yet, because all of them together hold too much."""
        self._hold(0)
        self._refuse(Refused(503, "too many unfinished requests", [(b"retry-after", b"1")]))

    def _refuse(self, refusal: Refused) -> None:
        if self.is_open and self._phase == READING:
            if self._reader.head is not None:
                refusal.path = self._reader.head.request.path
            self._write_refusal(refusal)
            self._linger()

    def _turn_away(self) -> None:
        """One connection too many: no lingering, or the turned away would fill the room themselves."""
        self._write_refusal(Refused(503, "too many connections", [(b"retry-after", b"1")]))
        self._close()

    def _write_refusal(self, refusal: Refused) -> None:
        assert self._transport is not None
        server = self._server
        server.refused[refusal.reason] += 1
        content_type, body = server.error_body(refusal.status, refusal.reason, refusal.path)
        framing = b"content-length: %d\r\nconnection: close\r\n" % len(body)
        headers = [(b"content-type", content_type), *refusal.headers]
        self._transport.write(head_bytes(refusal.status, headers, framing) + body)

    def _finish(self) -> None:
        """Closes after the last answer. A socket closed over bytes that still come would take the answer with it."""
        if self._waiting or self._reader.rest or self._reader.head is not None:
            self._linger()
        else:
            self._close()

    def _linger(self) -> None:
        assert self._transport is not None
        self._phase = LINGERING
        self._deadline = time.monotonic() + min(_LINGER, self._server.limits.head_deadline)
        self._forget_input()
        self._resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _close(self) -> None:
        self._phase = CLOSED
        self._deadline = time.monotonic() + _LINGER
        if self._transport is not None:
            self._transport.close()

    def _reset(self) -> None:
        transport = self._transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
        self._leave()

    def _leave(self) -> None:
        """The client is gone, or given up: forgets what it sent, and tells who is answering it."""
        if self._phase == ANSWERING:
            self.is_gone = True
        self._phase = CLOSED
        self._forget_input()
        self._pending = b""
        self.on_flow = None
        self._tell_gone()

    def _tell_gone(self) -> None:
        gone, self._on_gone = self._on_gone, None
        if gone is not None:
            gone()

    def _forget_input(self) -> None:
        self._hold(0)
        self.awaits_body = False
        self._waiting.clear()
        self._reader = RequestReader(self._server.limits, self._server.allowed_hosts)

    def close_if_idle(self) -> None:
        if self._phase == READING and not self._reader.begun and not self._waiting:
            self._close()

    def cut_off(self) -> None:
        self._reset()

    def look(self, now: float) -> None:
        """Carries out what has come due; called by the server's sweep."""
        if now > self._deadline:
            self._expire(now)
        elif self._paused:
            self._check_stall(now)

    def _expire(self, now: float) -> None:
        if self._phase == READING:
            if self._reader.head is not None:
                self._refuse(Refused(408, "body not received in time"))
            elif self._reader.begun:
                self._refuse(Refused(408, "head not received in time"))
            else:
                self._close()
        elif self._transport is not None:
            if self._transport.get_write_buffer_size():
                self._check_stall(now)
            else:
                self._transport.abort()

    def _check_stall(self, now: float) -> None:
        """Cuts off a client that takes nothing for twice as long as a body may idle."""
        assert self._transport is not None
        size = self._transport.get_write_buffer_size()
        if self._stalled is None or self._stalled[0] != size:
            self._stalled = (size, now)
        elif now - self._stalled[1] > 2 * self._server.limits.body_deadline:
            self._server.refused["answer not taken in time"] += 1
            self._reset()
