"""TLS in and out: whom we trust, whom we serve, and what a cut connection means."""

import asyncio
import ssl

import pytest

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import Deadlines
from earthward.http.client import ConnectFailed, Pool
from earthward.http.tls import client_context, server_context

GET = b"GET /over/tls HTTP/1.1\r\nhost: a\r\n\r\n"


async def ask(pool, heard):
    sink = heard()
    (pool.idle() or await pool.connect(10)).send(GET, sink, Deadlines())
    return await sink.all()


async def test_a_server_is_trusted_by_its_own_authority(serving, heard, certificates, until):
    async with serving(ssl=server_context(*certificates.server)) as place:
        pool = Pool(f"https://localhost:{place.port}", ssl=client_context(ca=certificates.ca))
        for _ in range(2):
            assert (await ask(pool, heard)).body == b"GET /over/tls 0"
        assert place.server.accepted == 1
        await pool.close()
        await until(lambda: not place.server.connections)


@pytest.mark.parametrize("ca", ["other_ca", None])
async def test_a_server_of_an_unknown_authority_is_unreachable(serving, certificates, ca):
    async with serving(ssl=server_context(*certificates.server)) as place:
        context = client_context(ca=getattr(certificates, ca) if ca else None)
        pool = Pool(f"https://localhost:{place.port}", ssl=context)
        with pytest.raises(ConnectFailed, match="certificate not trusted") as caught:
            await pool.connect(10)
        assert caught.value.kind is FailureKind.UNREACHABLE
        await pool.close()


async def test_a_certificate_for_another_name_is_not_trusted(serving, certificates):
    async with serving(ssl=server_context(*certificates.server)) as place:
        pool = Pool(f"https://127.0.0.2:{place.port}", ssl=client_context(ca=certificates.ca))
        with pytest.raises(ConnectFailed):
            await pool.connect(10)
        await pool.close()


async def test_clients_show_the_certificate_that_a_server_demands(serving, heard, certificates):
    context = server_context(*certificates.server, client_ca=certificates.ca)
    async with serving(ssl=context) as place:
        pool = Pool(f"https://localhost:{place.port}", ssl=client_context(certificates.ca, *certificates.client))
        assert (await ask(pool, heard)).last == ("end",)
        await pool.close()
        for stranger in (client_context(certificates.ca), client_context(certificates.ca, *certificates.stranger)):
            pool = Pool(f"https://localhost:{place.port}", ssl=stranger)
            try:
                # With TLS 1.3 the refusal only comes with the first bytes read.
                assert (await ask(pool, heard)).last[0] == "error"
            except ConnectFailed:
                pass
            await pool.close()
        assert len(place.app.seen) == 1


async def test_plain_http_to_a_tls_server_is_closed(serving, certificates):
    async with serving(ssl=server_context(*certificates.server)) as place, place.client() as client:
        await client.send(GET)
        assert b"HTTP/1.1" not in await client.rest()
        assert not place.app.seen


async def test_tls_to_a_plain_server_is_unreachable(serving, certificates):
    async with serving() as place:
        pool = Pool(f"https://localhost:{place.port}", ssl=client_context(certificates.ca))
        with pytest.raises(ConnectFailed) as caught:
            await pool.connect(10)
        assert caught.value.kind is FailureKind.UNREACHABLE
        await pool.close()


async def test_a_refusal_over_tls_is_read_before_the_connection_ends(serving, certificates):
    async with serving(ssl=server_context(*certificates.server)) as place:
        context = client_context(certificates.ca)
        reader, writer = await asyncio.open_connection("localhost", place.port, ssl=context)
        writer.write(b"TRACE / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 405 ")
        writer.close()
        await writer.wait_closed()


async def test_who_answers_hears_of_a_close_that_came_with_the_request(serving, certificates, until):
    told = []

    class App:
        """Begins its work in the next turn of the loop, as a task does."""

        def __call__(self, request, connection):
            self.connection = connection
            asyncio.get_running_loop().call_soon(self.work)

        def work(self):
            self.was_gone = self.connection.is_gone
            self.connection.on_gone = lambda: told.append("gone")

    app = App()
    async with serving(app, ssl=server_context(*certificates.server)) as place, place.client() as client:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context(certificates.ca).wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await client.send(outgoing.read())
                incoming.write(await client.receive())
        tls.write(GET)
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        await client.send(outgoing.read())
        await until(lambda: told and not place.server.connections)
        assert app.was_gone
        assert told == ["gone"]


@pytest.mark.parametrize("orderly", [True, False])
async def test_an_answer_that_ends_by_closing_is_only_whole_with_a_close_notify(upstream, heard, certificates, orderly):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        if not orderly:
            writer.transport.abort()

    async with upstream(script, ssl=server_context(*certificates.server)) as place:
        pool = Pool(f"https://localhost:{place.port}", ssl=client_context(certificates.ca))
        sink = await ask(pool, heard)
        assert sink.body == b"hello"
        assert sink.last == (("end",) if orderly else ("error", FailureKind.BROKEN_STREAM))
        await pool.close()


def test_old_versions_of_tls_are_refused(certificates):
    for context in (server_context(*certificates.server), client_context()):
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert client_context().verify_mode is ssl.CERT_REQUIRED
    assert client_context().check_hostname
