"""Carries out the steps of one answer on its connection, at their times and no faster than the client reads."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import cast

from earthward.http.server import Server, ServerConnection
from earthward.simulator.steps import Close, End, Hang, Head, Last, Piece, Raw, Refuse, Reset, Step, Wait, Whole
from earthward.simulator.wheel import Ticker, Turn

_RESET = struct.pack("ii", 1, 0)


class Wire(ServerConnection):
    """A server's connection that can also break HTTP's rules."""

    __slots__ = ("transport",)

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport, though they do all it does.
        self.transport = cast("asyncio.Transport", transport)
        super().connection_made(transport)

    def write_raw(self, data: bytes) -> None:
        self.flush()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """In good order: what was written still arrives."""
        self.flush()
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        self.flush()
        if self.transport is None or self.transport.is_closing():
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


class Player:
    """`on_end` is told how it ended: finished, broken (by a fault) or cancelled (by the client).

    `status`, `pieces` and `tokens` say what has been sent so far.
    """

    __slots__ = (
        "_due",
        "_flowing",
        "_on_end",
        "_refuse",
        "_steps",
        "_ticker",
        "_turn",
        "_wire",
        "pieces",
        "status",
        "tokens",
    )

    def __init__(
        self,
        wire: Wire,
        steps: Iterator[Step],
        ticker: Ticker,
        refuse: Callable[[float], None],
        on_end: Callable[["Player", str], None],
    ) -> None:
        self._wire = wire
        self._steps = steps
        self._ticker = ticker
        self._refuse = refuse
        self._on_end = on_end
        self._due = time.monotonic()
        self._flowing = True
        self._turn: Turn | None = None
        self.status = 0
        self.pieces = 0
        self.tokens = 0

    def play(self) -> None:
        wire = self._wire
        wire.on_gone = self._gone
        wire.on_flow = self._flow
        self._go_on()

    def _go_on(self) -> None:
        """As far as time and the client's reading allow.

        Waits add up from the time the request came, so that one late piece does not make the whole stream late.
        """
        self._turn = None
        for step in self._steps:
            # Not `match`: these two are most of what a simulator does, and class patterns are slow.
            if isinstance(step, Piece):
                self.pieces += 1
                self.tokens += step.tokens
                self._wire.write(step.data)
            elif isinstance(step, Wait):
                self._due += step.seconds
                if self._due > time.monotonic():
                    self._turn = self._ticker.at(self._due, self._go_on)
                    return
            elif self._rare(step):
                return
            if not self._flowing:
                return
        self._ended("finished")

    def _rare(self, step: Step) -> bool:
        """Carries out what a usual answer has at most one of; True if it was the last step."""
        wire = self._wire
        match step:
            case Whole(status, headers, body, tokens):
                self.status, self.tokens = status, tokens
                self._ended("finished")
                wire.respond(status, headers, body)
            case Head(status, headers):
                self.status = status
                wire.start(status, headers)
                return False
            case Last(data):
                self._ended("finished")
                wire.write_last(data)
            case End():
                self._ended("finished")
                wire.end()
            case Raw(data, tokens, status):
                self.status = status or self.status
                self.pieces += 1
                self.tokens += tokens
                wire.write_raw(data)
                # Of an answer without end, a client that hangs up is only heard of once this loop is left.
                return not wire.is_open
            case Close():
                self._ended("broken")
                wire.close()
            case Reset():
                self._ended("broken")
                wire.reset()
            case Refuse(seconds):
                self._ended("broken")
                self._refuse(seconds)
            case Hang():
                pass
        return True

    def _flow(self, flowing: bool) -> None:
        self._flowing = flowing
        if flowing and self._turn is None:
            self._go_on()

    def _gone(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
        self._ended("cancelled")

    def _ended(self, how: str) -> None:
        # Forgotten before the connection is touched: what it tells afterwards is the next answer's business.
        self._wire.on_gone = self._wire.on_flow = None
        self._on_end(self, how)
