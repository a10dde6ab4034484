"""An HTTP/1.1 client: the connections to one endpoint, those that idle, those in use, and how a new one is made.

Follows no redirect, keeps no cookie, retries nothing. A name is resolved when the pool begins and again in the
background, so that a slow resolver never holds up a request.
"""

import asyncio
import ssl as tls
import time

import msgspec

from earthward.chat.failures import FailureKind
from earthward.http.client_connection import ClientConnection, Sink
from earthward.http.origin import Addresses, origin_of
from earthward.http.proxy import Tunnel, TunnelRefused, proxy_for, proxy_of
from earthward.http.same_answer import SameAnswer
from earthward.http.sweep import Sweep
from earthward.http.tls import client_context

__all__ = [
    "ClientConnection",
    "ConnectFailed",
    "Pool",
    "PoolLimits",
    "SameAnswer",
    "Sink",
    "client_context",
    "proxy_for",
]


class ConnectFailed(Exception):
    """No connection could be made; `kind` is UNREACHABLE or TIMEOUT."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class PoolLimits(msgspec.Struct, frozen=True):
    """How many connections may idle, for how many seconds, and after how many a name is looked up again."""

    idle: int = 256
    idle_seconds: float = 55.0
    resolve_seconds: float = 30.0
    sweep_seconds: float = 0.25


class Pool:
    """One per endpoint and process, for one loop: the running one unless another is named.

    `sweep` may be shared by all pools of a process. An https:// URL without `ssl` trusts the system's authorities.
    """

    def __init__(
        self,
        url: str,
        *,
        ssl: tls.SSLContext | None = None,
        proxy: str | None = None,
        limits: PoolLimits | None = None,
        sweep: Sweep | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        loop = loop or asyncio.get_running_loop()
        self.origin = origin_of(url)
        self.name = self.origin.authority
        self.host_header = self.origin.host_header
        self._ssl = (ssl or client_context()) if self.origin.scheme == "https" else None
        self._proxy = proxy_of(proxy) if proxy else None
        self._limits = limits or PoolLimits()
        nearest = self._proxy.origin if self._proxy else self.origin
        self._addresses = Addresses(nearest.host, nearest.port, loop)
        self._addresses.refresh()
        # When it was last looked at: near enough to tell how long a connection idles.
        self._now = time.monotonic()
        self._resolve_at = self._now + self._limits.resolve_seconds
        self._idle: list[ClientConnection] = []
        self._open: set[ClientConnection] = set()
        self._closed = False
        self._sweep = sweep or Sweep(self._limits.sweep_seconds, loop)
        self._sweep.add(self._look)

    @property
    def connections(self) -> int:
        """Open now, idle ones included."""
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    def idle(self) -> ClientConnection | None:
        """A live connection that waits for work, the one used last: the others may then grow old and go."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def connect(self, timeout: float) -> ClientConnection:
        """A new connection. Raises ConnectFailed."""
        try:
            async with asyncio.timeout(timeout):
                return await self._connect(timeout)
        except TimeoutError:
            self._addresses.refresh()
            message = f"no connection to {self._whereabouts()} in {timeout:g} s"
            raise ConnectFailed(FailureKind.TIMEOUT, message) from None

    async def close(self) -> None:
        """Closes what idles; what is in use is closed once its answer has ended."""
        self._closed = True
        if not self._open:
            self._sweep.remove(self._look)
        while self._idle:
            self._idle.pop().close()
        await self._addresses.close()

    async def _connect(self, timeout: float) -> ClientConnection:
        addresses = await self._addresses.first()
        failure = self._addresses.error
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                # A dead address must leave time for the next one.
                async with asyncio.timeout(timeout / len(addresses) if left > 1 else None):
                    connection = await self._connect_to(address)
            except TimeoutError:
                failure = f"no connection to {self._whereabouts()} in time"
            except (OSError, TunnelRefused) as error:
                failure = f"cannot connect to {self._whereabouts()}: {_reason(error)}"
            else:
                self._addresses.prefer(address)
                return connection
        self._addresses.refresh()
        raise ConnectFailed(FailureKind.UNREACHABLE, failure)

    async def _connect_to(self, address: str) -> ClientConnection:
        loop = asyncio.get_running_loop()
        server_name = self.origin.host if self._ssl else None
        if self._proxy is None:
            _, connection = await loop.create_connection(
                lambda: ClientConnection(self),
                address,
                self.origin.port,
                ssl=self._ssl,
                server_hostname=server_name,
            )
            return connection
        request = self._proxy.connect_request(self.origin)
        transport, tunnel = await loop.create_connection(lambda: Tunnel(request), address, self._proxy.origin.port)
        try:
            await tunnel.opened
            connection = ClientConnection(self)
            if self._ssl is not None:
                secured = await loop.start_tls(transport, connection, self._ssl, server_hostname=server_name)
                assert secured is not None
                transport = secured
            else:
                transport.set_protocol(connection)
        except BaseException:
            transport.abort()
            raise
        connection.connection_made(transport)
        return connection

    def _whereabouts(self) -> str:
        return self.name if self._proxy is None else f"{self.name} by way of proxy {self._proxy.origin.authority}"

    # What connections tell their pool.

    def opened(self, connection: ClientConnection) -> None:
        self._open.add(connection)

    def returned(self, connection: ClientConnection) -> bool:
        """Whether it may stay, to wait for work."""
        if self._closed or len(self._idle) >= self._limits.idle:
            return False
        connection.idle_since = self._now
        self._idle.append(connection)
        return True

    def lost(self, connection: ClientConnection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._closed and not self._open:
            self._sweep.remove(self._look)

    def _look(self, now: float) -> None:
        self._now = now
        for connection in tuple(self._open):
            connection.look(now)
        while self._idle and now - self._idle[0].idle_since > self._limits.idle_seconds:
            self._idle.pop(0).close()
        if now > self._resolve_at:
            self._resolve_at = now + self._limits.resolve_seconds
            self._addresses.refresh()


def _reason(error: OSError | TunnelRefused) -> str:
    if isinstance(error, tls.SSLCertVerificationError):
        return f"certificate not trusted ({error.verify_message})"
    if isinstance(error, tls.SSLError):
        return f"TLS failed ({error.reason or 'broken off'})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
