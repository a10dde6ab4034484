"""An HTTP/1.1 server: takes bytes off sockets, hands whole requests to an application, sends its answers.

Knows nothing of what is asked for: no routes, no JSON, no keys. No task and no timer per request: the application
is called synchronously with the request and the connection, and answers on the connection at once or later.
"""

import asyncio
import socket
import ssl as tls
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from earthward.config.snapshot import Limits
from earthward.http.descriptors import raise_descriptor_limit
from earthward.http.host import Admit, App, ErrorBody, plain_error
from earthward.http.request import Request
from earthward.http.server_connection import ServerConnection
from earthward.http.sweep import Sweep
from earthward.http.tls import server_context

__all__ = [
    "Admit",
    "App",
    "ErrorBody",
    "Request",
    "Server",
    "ServerConnection",
    "raise_descriptor_limit",
    "server_context",
]

_UNSENT = 64 * 1024
"""Bytes of an answer the kernel may hold that it has not sent yet: a client that stops reading holds no more."""


class Server:
    """One per process. `held` bounds the bytes of requests that are not whole yet, over all connections.

    `admit` is asked once about each request whose body has to be waited for, before it is waited for and before a
    client is told to go on. A request that comes whole goes to `app` without it: `app` judges every request anyway.
    `open` holds the connections, `refused` counts refusals by reason.
    """

    def __init__(
        self,
        app: App,
        limits: Limits,
        *,
        admit: Admit | None = None,
        allowed_hosts: frozenset[bytes] | None = None,
        error_body: ErrorBody | None = None,
        held: int = 256 * 1024 * 1024,
    ) -> None:
        self.app = app
        self.admit = admit
        self.limits = limits
        self.allowed_hosts = allowed_hosts
        self.error_body = error_body or plain_error
        self.held_limit = held
        self.held = 0
        self.open: set[ServerConnection] = set()
        self.accepted = 0
        self.requests = 0
        self.refused: Counter[str] = Counter()
        self.draining = False
        self._listeners: list[asyncio.Server] = []
        self._all_closed: asyncio.Event | None = None
        soonest = min(limits.head_deadline, limits.body_deadline, limits.keep_alive)
        self._sweep = Sweep(min(1.0, soonest / 4))

    @property
    def connections(self) -> int:
        return len(self.open)

    async def serve(self, sock: socket.socket | Sequence[socket.socket], ssl: tls.SSLContext | None = None) -> None:
        """Begins to accept on sockets that are bound; returns at once."""
        loop = asyncio.get_running_loop()
        for listening in [sock] if isinstance(sock, socket.socket) else sock:
            if listening.family != socket.AF_UNIX:
                _tune(listening)
            self._listeners.append(
                await loop.create_server(
                    lambda: ServerConnection(self),
                    sock=listening,
                    ssl=ssl,
                    backlog=4096,
                    ssl_handshake_timeout=self.limits.head_deadline if ssl else None,
                )
            )
        self._sweep.remove(self._look)
        self._sweep.add(self._look)

    def stop_accepting(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def drain(self, timeout: float) -> None:
        """Accepts no more, answers what is under way with `connection: close`, and cuts off what outlasts `timeout`."""
        self.stop_accepting()
        self.draining = True
        self._all_closed = asyncio.Event()
        # Requests that already lie in the sockets' buffers are read before idle connections are closed.
        await asyncio.sleep(0.01)
        for connection in list(self.open):
            connection.close_if_idle()
        if self.open:
            try:
                await asyncio.wait_for(self._all_closed.wait(), timeout)
            except TimeoutError:
                await self._cut_off()
        self._sweep.remove(self._look)

    async def _cut_off(self) -> None:
        assert self._all_closed is not None
        for connection in list(self.open):
            connection.cut_off()
        await self._all_closed.wait()

    def has_room_for(self, connection: ServerConnection) -> bool:
        """Whether this one is not one too many; counts it either way."""
        self.accepted += 1
        self.open.add(connection)
        return len(self.open) <= self.limits.connections

    def forget(self, connection: ServerConnection) -> None:
        self.open.discard(connection)
        if not self.open and self._all_closed is not None:
            self._all_closed.set()

    def shed(self) -> None:
        """Makes room until no more is held than may be."""
        while self.held > self.held_limit:
            heaviest(self.open).give_way()

    def _look(self, now: float) -> None:
        for connection in list(self.open):
            connection.look(now)


def heaviest(connections: Collection[ServerConnection]) -> ServerConnection:
    """Which connection gives way: of heads or bodies, whichever hold more in all, the one that holds most.

    Not the newcomer, or a few who never finish would lock out everybody else. And not always a body: a head needs no
    key, so that many strangers' heads would cost a caller who was admitted a large body.
    """
    bodies = [connection for connection in connections if connection.awaits_body]
    heads = [connection for connection in connections if not connection.awaits_body]
    return max(max(bodies, heads, key=_held), key=lambda connection: connection.held)


def _held(connections: Iterable[ServerConnection]) -> int:
    return sum(connection.held for connection in connections)


def _tune(listening: socket.socket) -> None:
    # Accepted sockets inherit both.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
