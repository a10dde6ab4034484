"""A port that can be given up and taken again: for as long as it is given up, connections to it are refused."""

import asyncio
import socket
import ssl as tls
from collections.abc import Callable


class Port:
    """Held from the start by a socket that never listens, so that nobody else gets it in between."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._held = self._bound(port)
        self.number: int = self._held.getsockname()[1]
        self._listener: asyncio.Server | None = None

    @property
    def is_open(self) -> bool:
        return self._listener is not None

    async def open(self, accept: Callable[[], asyncio.Protocol], ssl: tls.SSLContext | None = None) -> None:
        if self._listener is not None:
            return
        listening = self._bound(self.number)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(accept, sock=listening, backlog=4096, ssl=ssl)

    def shut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def give_up(self) -> None:
        self.shut()
        self._held.close()

    def _bound(self, port: int) -> socket.socket:
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        # Shared among our own sockets only. SO_REUSEADDR would share it with any that is not listening yet.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind((self._host, port))
        return sock
