"""Real sockets on loopback for the tests of http/: a server that records, a raw client, a scripted upstream."""

import asyncio
import contextlib
import inspect
import socket
from collections.abc import Callable

import pytest
import uvloop

from earthward.config.snapshot import Limits
from earthward.http.server import Request, Server, ServerConnection

PATIENCE = 20.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Coroutine tests of this folder run on uvloop, as the gateway does."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def patiently():
        async with asyncio.timeout(60):
            await pyfuncitem.obj(**arguments)

    uvloop.run(patiently())
    return True


def listening_socket() -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


async def until(found: Callable[[], object], patience: float = PATIENCE):
    """Polls until it is so, and returns what was found."""
    end = asyncio.get_running_loop().time() + patience
    while not (value := found()):
        assert asyncio.get_running_loop().time() < end, "it never came to be"
        await asyncio.sleep(0.005)
    return value


class Echo:
    """An application that records what reaches it and says so in its answer."""

    def __init__(self) -> None:
        self.seen: list[Request] = []

    def __call__(self, request: Request, connection: ServerConnection) -> None:
        self.seen.append(request)
        if request.path == b"/204":
            connection.respond(204, [], b"")
        else:
            body = b"%b %b %d" % (request.method, request.target, len(request.body))
            connection.respond(200, [(b"content-type", b"text/plain")], body)


class Serving:
    """A server with its port, for as long as the block lasts."""

    def __init__(self, app=None, limits: Limits | None = None, ssl=None, **options) -> None:
        self.app = app or Echo()
        self.server = Server(self.app, limits or Limits(), **options)
        self.ssl = ssl
        self.port = 0

    async def __aenter__(self) -> "Serving":
        sock = listening_socket()
        self.port = sock.getsockname()[1]
        await self.server.serve(sock, self.ssl)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.drain(0)

    @contextlib.asynccontextmanager
    async def client(self, receive_buffer: int | None = None):
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
            yield Raw(sock)
        finally:
            sock.close()


class Raw:
    """A client that sends what it is told and keeps all it gets."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.got = b""
        self.ended = False

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self) -> bytes:
        """The next bytes; empty at the end of the connection, however it came."""
        try:
            data = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        except ConnectionError:
            data = b""
        self.got += data
        self.ended = self.ended or not data
        return data

    async def until(self, found: Callable[[bytes], object]) -> bytes:
        async with asyncio.timeout(PATIENCE):
            while not found(self.got):
                assert await self.receive(), f"closed too early, after {self.got!r}"
        return self.got

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            while not self.ended:
                await self.receive()
        return self.got


@pytest.fixture
def serving():
    return Serving


@pytest.fixture
def echo():
    return Echo


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture(name="listening_socket")
def listening_socket_fixture():
    return listening_socket
