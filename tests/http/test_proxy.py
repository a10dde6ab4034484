"""Which proxy a URL goes through, and the way through it."""

import asyncio
import base64

import pytest

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import Deadlines
from earthward.http.client import ConnectFailed, Pool
from earthward.http.proxy import proxy_for, proxy_of
from earthward.http.tls import client_context, server_context

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.test/v1", {}, None),
        ("https://api.test/v1", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://api.test/v1", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY),
        ("https://api.test/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://api.test/v1", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://api.test/v1", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None),
        ("http://api.test/v1", {"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, PROXY),
        ("https://api.test/v1", {"ALL_PROXY": PROXY}, PROXY),
        ("https://api.test/v1", {"HTTPS_PROXY": ""}, None),
    ],
)
def test_the_usual_variables_name_the_proxy(url, environ, proxy):
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    ("url", "exceptions", "direct"),
    [
        ("https://api.test", "*", True),
        ("https://api.test", "api.test", True),
        ("https://API.test", "Api.Test", True),
        ("https://eu.api.test", "api.test", True),
        ("https://eu.api.test", ".api.test", True),
        ("https://eu.api.test", "*.api.test", True),
        ("https://notapi.test", "api.test", False),
        ("https://api.test.evil", "api.test", False),
        ("https://api.test:8443", "api.test:8443", True),
        ("https://api.test", "api.test:8443", False),
        ("https://api.test", "other.test, api.test", True),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://11.1.2.3", "10.0.0.0/8", False),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://[::1]:8443", "::1", True),
        ("https://[::1]:8443", "[::1]", True),
        ("https://[::2]:8443", "[::1]:8443", False),
        ("https://api.test", "", False),
        ("https://api.test", " , ", False),
    ],
)
def test_exceptions_go_direct(url, exceptions, direct):
    assert proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": exceptions}) == (None if direct else PROXY)


def test_a_proxy_is_read_from_its_url():
    assert proxy_of("proxy.test").origin.authority == "proxy.test:80"
    assert proxy_of("http://u:p%40@proxy.test:1").authorization == "Basic " + base64.b64encode(b"u:p@").decode()
    for wrong in ("https://proxy.test", "socks5://proxy.test", "http://"):
        with pytest.raises(ValueError, match="proxies"):
            proxy_of(wrong)


def tunnelling(asked, answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
    """A proxy's script: notes what it is asked, answers, and passes bytes both ways."""

    async def pass_on(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def script(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        host, _, port = head.split()[1].decode().rpartition(":")
        if not answer.startswith(b"HTTP/1.1 200"):
            writer.write(answer)
            await writer.drain()
            return
        onward_reader, onward_writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(answer)
            await asyncio.gather(pass_on(reader, onward_writer), pass_on(onward_reader, writer))
        finally:
            onward_writer.close()

    return script


async def ask(pool, heard):
    sink = heard()
    request = b"GET /by/proxy HTTP/1.1\r\nhost: %b\r\n\r\n" % pool.host_header
    (pool.idle() or await pool.connect(10)).send(request, sink, Deadlines())
    return await sink.all()


@pytest.mark.parametrize("secured", [False, True])
async def test_requests_go_through_a_tunnel(serving, upstream, heard, certificates, secured, until):
    asked = []
    async with (
        serving(ssl=server_context(*certificates.server) if secured else None) as place,
        upstream(tunnelling(asked)) as proxy,
    ):
        url = f"{'https' if secured else 'http'}://localhost:{place.port}"
        pool = Pool(
            url,
            ssl=client_context(certificates.ca) if secured else None,
            proxy=f"http://me:secret@127.0.0.1:{proxy.port}",
        )
        for _ in range(2):
            assert (await ask(pool, heard)).body == b"GET /by/proxy 0"
        assert len(asked) == 1
        assert asked[0].startswith(
            b"CONNECT localhost:%d HTTP/1.1\r\nhost: localhost:%d\r\n" % (place.port, place.port)
        )
        assert base64.b64encode(b"me:secret") in asked[0]
        await pool.close()
        await until(lambda: not place.server.connections)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407"),
        (b"HTTP/1.1 503 No\r\n\r\n", "the proxy answered 503"),
        (b"garbage\r\n\r\n", "malformed"),
        (b"x" * 40_000, "malformed"),
        (b"", "closed the connection"),
        (b"HTTP/1.1 201 Odd\r\n\r\nand more", "more than its answer"),
    ],
)
async def test_a_proxy_that_does_not_open_the_way_makes_its_target_unreachable(upstream, answer, message):
    async with upstream(tunnelling([], answer)) as proxy:
        pool = Pool("http://target.test", proxy=f"http://me:secret@127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectFailed, match=message) as caught:
            await pool.connect(10)
        assert caught.value.kind is FailureKind.UNREACHABLE
        assert "secret" not in caught.value.message
        await pool.close()


async def test_a_proxy_that_says_nothing_fails_at_the_deadline(upstream):
    async def script(reader, writer):
        await reader.read()

    async with upstream(script) as proxy:
        pool = Pool("http://target.test", proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectFailed) as caught:
            await pool.connect(0.1)
        assert caught.value.kind is FailureKind.TIMEOUT
        await pool.close()
