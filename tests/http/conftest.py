"""Real sockets on loopback for the tests of http/: a server that records, a raw client, a scripted upstream."""

import asyncio
import contextlib
import datetime
import inspect
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from earthward.config.snapshot import Limits
from earthward.http.server import Request, Server, ServerConnection

PATIENCE = 90.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Coroutine tests of this folder run on uvloop, as the gateway does."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def patiently():
        async with asyncio.timeout(240):
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


class Heard:
    """A sink that keeps what it is told; `over` is done with the last of it."""

    def __init__(self) -> None:
        self.events: list[tuple] = []
        self.body = b""
        self.over = asyncio.get_running_loop().create_future()

    def on_head(self, status, headers) -> None:
        self.events.append(("head", status, headers))

    def on_body(self, data) -> None:
        assert self.events[-1][0] == "head"
        self.body += data

    def on_end(self) -> None:
        self.events.append(("end",))
        self.over.set_result(None)

    def on_error(self, kind, message) -> None:
        self.events.append(("error", kind, message))
        self.over.set_result(None)

    @property
    def last(self):
        return self.events[-1][:2]

    async def all(self):
        async with asyncio.timeout(PATIENCE):
            await self.over
        return self


class Upstream:
    """A scripted upstream: `script(reader, writer)` runs for each connection, which is closed behind it."""

    def __init__(self, script, ssl=None) -> None:
        self.script = script
        self.ssl = ssl
        self.port = 0
        self.accepted = 0
        self.got: list[bytes] = []

    @property
    def url(self) -> str:
        return f"{'https' if self.ssl else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Upstream":
        self._tasks: set[asyncio.Task] = set()
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.ssl)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()

    async def _serve(self, reader, writer) -> None:
        self.accepted += 1
        self._tasks.add(asyncio.current_task())
        try:
            await self.script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def answering(*answers: bytes):
    """A script that answers each request on a connection with the next of these."""

    async def script(reader, writer) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        await reader.read()

    return script


@pytest.fixture
def heard():
    return Heard


@pytest.fixture
def upstream():
    return Upstream


@pytest.fixture(name="answering")
def answering_fixture():
    return answering


class Certificates:
    """PEM files: an authority, and what it has signed; another authority that nobody trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca, ca_key, ca_name = self._authority("ca")
        self.other_ca, other_key, other_name = self._authority("other")
        self.server = self._signed("server", ca_name, ca_key)
        self.client = self._signed("client", ca_name, ca_key)
        self.stranger = self._signed("stranger", other_name, other_key)

    def _authority(self, name: str):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = (x509.BasicConstraints(ca=True, path_length=None), True)
        certificate = self._certificate(subject, subject, key, key, basic)
        return self._write(name, certificate), key, subject

    def _signed(self, name: str, issuer: x509.Name, issuer_key) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = self._certificate(subject, issuer, key, issuer_key, (x509.SubjectAlternativeName(names), False))
        path = self.folder / f"{name}.key"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(key.private_bytes(*form))
        return self._write(name, certificate), str(path)

    def _certificate(self, subject, issuer, key, issuer_key, extension) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension[0], critical=extension[1])
            .sign(issuer_key, hashes.SHA256())
        )

    def _write(self, name: str, certificate: x509.Certificate) -> str:
        path = self.folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))
