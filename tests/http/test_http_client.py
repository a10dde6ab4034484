"""The client over real sockets: pools, deadlines, ends good and bad."""

import asyncio
import socket
import struct

import pytest

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import Deadlines
from earthward.http.client import ConnectFailed, Pool, PoolLimits

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
LAZY = Deadlines(connect=20, first_byte=20, idle=20, total=20)
NIMBLE = PoolLimits(sweep_seconds=0.02)


async def ask(pool, heard, deadlines=LAZY, data=GET, **options):
    """Sends a request over an idle connection or a new one, and hears the whole answer."""
    sink = heard()
    connection = pool.idle() or await pool.connect(5)
    connection.send(data, sink, deadlines, **options)
    await sink.all()
    return sink


@pytest.fixture
def asking(heard, upstream):
    """One request to a scripted upstream: what was heard, and the pool's connections after it."""

    async def asking(script, deadlines=LAZY, **options):
        async with upstream(script) as place:
            pool = Pool(place.url, limits=NIMBLE)
            sink = await ask(pool, heard, deadlines, **options)
            state = pool.idle_connections
            await pool.close()
            return sink, state

    return asking


async def test_an_answer_is_heard_in_order_and_its_connection_used_again(heard, upstream, answering):
    async with upstream(answering(OK, OK)) as place:
        pool = Pool(place.url)
        first = await ask(pool, heard)
        assert first.events == [("head", 200, [(b"content-length", b"5")]), ("end",)]
        assert first.body == b"hello"
        assert (pool.connections, pool.idle_connections) == (1, 1)
        second = await ask(pool, heard)
        assert second.events == first.events
        assert place.accepted == 1
        await pool.close()


async def test_an_answer_with_the_head_of_the_one_before_is_told_at_once_to_who_takes_it(heard, upstream, answering):
    class Whole(heard):
        def on_whole(self, same, body) -> None:
            self.events.append(("whole", same.status, same.headers, body, pool.idle_connections))
            self.over.set_result(None)

    longer = OK.replace(b"5", b"6") + b"!"
    async with upstream(answering(OK, longer, OK.replace(b"200", b"500"), OK)) as place:
        pool = Pool(place.url)
        told = [(await ask(pool, Whole)).events for _ in range(4)]
        head = ("head", 200, [(b"content-length", b"5")])
        assert told[0] == [head, ("end",)]
        assert told[1] == [("whole", 200, [(b"content-length", b"6")], b"hello!", 1)]
        assert [event[:2] for event in told[2]] == [("head", 500), ("end",)]
        assert [event[:2] for event in told[3]] == [("head", 200), ("end",)]
        assert place.accepted == 1
        await pool.close()


async def test_a_connection_is_back_in_its_pool_when_the_end_is_told(heard, upstream, answering):
    async with upstream(answering(OK, OK)) as place:
        pool = Pool(place.url)
        connection = await pool.connect(5)
        assert connection.fresh
        second = heard()

        class Again(heard):
            def on_end(self):
                again = pool.idle()
                assert again is connection
                assert not again.fresh
                again.send(GET, second, LAZY)
                super().on_end()

        connection.send(GET, Again(), LAZY)
        assert (await second.all()).body == b"hello"
        await pool.close()


@pytest.mark.parametrize(
    ("answer", "kind", "body"),
    [
        (b"", FailureKind.RESET, b""),
        (b"HTTP/1.1 200", FailureKind.BROKEN_STREAM, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n", FailureKind.BROKEN_STREAM, b""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", FailureKind.BROKEN_STREAM, b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", FailureKind.BROKEN_STREAM, b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", FailureKind.BROKEN_STREAM, b"hel"),
        (b"garbage\r\n\r\n", FailureKind.MALFORMED, b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", FailureKind.MALFORMED, b""),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 80_000, FailureKind.MALFORMED, b""),
    ],
)
async def test_an_answer_that_is_not_whole_is_a_failure(asking, answer, kind, body):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    sink, idle = await asking(script)
    assert sink.last == ("error", kind)
    assert sink.body == body
    assert idle == 0


async def test_an_answer_that_ends_by_closing_is_whole_when_closed_in_good_order(asking):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
        await writer.drain()

    sink, idle = await asking(script)
    assert sink.last == ("end",)
    assert sink.body == b"hello"
    assert idle == 0


async def test_an_answer_that_ends_by_closing_is_broken_by_a_reset(asking):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    sink, _ = await asking(script)
    assert sink.last in (("error", FailureKind.BROKEN_STREAM), ("error", FailureKind.RESET))


@pytest.mark.parametrize(
    ("answer", "options", "reused"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", {}, 1),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", {}, 1),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", {"head_only": True}, 1),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", {}, 0),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", {}, 0),
        (OK + OK, {}, 0),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, {}, 1),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", {}, 1),
    ],
)
async def test_a_connection_is_only_used_again_when_its_answer_allows_it(asking, answering, answer, options, reused):
    sink, idle = await asking(answering(answer), **options)
    assert sink.last == ("end",)
    assert idle == reused


async def test_a_connection_over_which_a_request_is_still_going_out_is_not_used_again(asking):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(20)

    head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50000000\r\n\r\n"
    sink, idle = await asking(script, data=head + bytes(50_000_000))
    assert sink.last == ("end",)
    assert idle == 0


# Deadlines.


@pytest.mark.parametrize(
    ("deadlines", "answer", "drip"),
    [
        (Deadlines(first_byte=0.1, idle=20, total=20), b"", b""),
        (Deadlines(first_byte=0.1, idle=20, total=20), b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        (Deadlines(first_byte=20, idle=0.1, total=20), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", b""),
        (Deadlines(first_byte=20, idle=20, total=0.2), b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", b"x"),
    ],
    ids=["no answer", "endless head", "idle", "total"],
)
async def test_an_answer_has_deadlines_for_its_head_its_pauses_and_its_whole(asking, deadlines, answer, drip):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        while True:
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(0.02)

    sink, idle = await asking(script, deadlines)
    assert sink.last == ("error", FailureKind.TIMEOUT)
    assert idle == 0


async def test_an_answer_that_keeps_coming_outlasts_its_idle_deadline(asking):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n")
        for _ in range(12):
            writer.write(b"x")
            await asyncio.sleep(0.15)
        await reader.read()

    sink, _ = await asking(script, Deadlines(first_byte=60, idle=1.5, total=60))
    assert sink.last == ("end",)


async def test_a_connection_that_nobody_takes_fails_at_its_deadline():
    # A listener whose queue is full answers no further SYN.
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(listening.getsockname())
                fillers.append(filler)
            pool = Pool(f"http://127.0.0.1:{listening.getsockname()[1]}")
            with pytest.raises(ConnectFailed) as caught:
                await pool.connect(0.2)
            assert caught.value.kind is FailureKind.TIMEOUT
            await pool.close()
        finally:
            for filler in fillers:
                filler.close()


async def test_a_refused_connection_is_unreachable_and_says_where(listening_socket):
    with listening_socket() as sock:
        port = sock.getsockname()[1]
    pool = Pool(f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectFailed) as caught:
        await pool.connect(5)
    assert caught.value.kind is FailureKind.UNREACHABLE
    assert f"127.0.0.1:{port}" in caught.value.message
    assert "refused" in caught.value.message
    await pool.close()


async def test_a_name_that_does_not_resolve_is_unreachable():
    pool = Pool("http://nowhere.invalid:1")
    with pytest.raises(ConnectFailed) as caught:
        await pool.connect(5)
    assert caught.value.kind is FailureKind.UNREACHABLE
    assert "nowhere.invalid" in caught.value.message
    await pool.close()


# Pools.


async def test_the_other_address_of_a_name_is_tried(heard, upstream, answering):
    # localhost may be ::1 first, where nobody listens.
    async with upstream(answering(OK)) as place:
        pool = Pool(f"http://localhost:{place.port}")
        assert (await ask(pool, heard)).body == b"hello"
        assert pool.host_header == b"localhost:%d" % place.port
        await pool.close()


async def test_the_address_that_answered_is_tried_first_from_then_on(heard, upstream, answering, until):
    async with upstream(answering(OK)) as place:
        pool = Pool(f"http://localhost:{place.port}")
        await until(lambda: pool._addresses.known)
        pool._addresses.known = ("127.0.0.9", "127.0.0.1")
        assert (await ask(pool, heard)).body == b"hello"
        assert pool._addresses.known == ("127.0.0.1", "127.0.0.9")
        await pool.close()


async def test_a_connection_closed_while_it_idles_is_dropped(heard, upstream, until):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()

    async with upstream(script) as place:
        pool = Pool(place.url)
        await ask(pool, heard)
        await until(lambda: not pool.connections)
        assert pool.idle() is None
        await pool.close()


async def test_a_connection_about_to_close_is_not_handed_out(heard, upstream, answering):
    async with upstream(answering(OK)) as place:
        pool = Pool(place.url)
        connection = await pool.connect(5)
        connection.send(GET, sink := heard(), LAZY)
        await sink.all()
        connection.close()
        assert pool.idle_connections == 1
        assert pool.idle() is None
        await pool.close()


async def test_a_connection_that_speaks_unasked_is_dropped(heard, upstream, until):
    speak = asyncio.Event()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await speak.wait()
        writer.write(OK)
        await reader.read()

    async with upstream(script) as place:
        pool = Pool(place.url)
        await ask(pool, heard)
        assert pool.idle_connections == 1
        speak.set()
        await until(lambda: not pool.connections)
        assert pool.idle() is None
        await pool.close()


async def test_a_stale_connection_dies_as_a_reset_on_one_that_is_not_fresh(heard, upstream):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    async with upstream(script) as place:
        pool = Pool(place.url)
        await ask(pool, heard)
        connection = pool.idle()
        sink = heard()
        connection.send(GET, sink, LAZY)
        await sink.all()
        assert sink.last == ("error", FailureKind.RESET)
        assert not connection.fresh
        await pool.close()


async def test_a_request_on_a_connection_that_is_gone_fails_like_any_other(heard, upstream, answering, until):
    async with upstream(answering()) as place:
        pool = Pool(place.url)
        connection = await pool.connect(5)
        connection.cancel()
        await until(lambda: not connection.is_open)
        sink = heard()
        connection.send(GET, sink, LAZY)
        assert sink.events == []
        assert (await sink.all()).last == ("error", FailureKind.RESET)
        await pool.close()


async def test_a_pool_keeps_few_idle_connections_and_not_for_long(heard, upstream, answering, until):
    async with upstream(answering(OK)) as place:
        pool = Pool(place.url, limits=PoolLimits(idle=2, idle_seconds=1.5, sweep_seconds=0.02))
        connections = [await pool.connect(5) for _ in range(4)]
        sinks = [heard() for _ in connections]
        for connection, sink in zip(connections, sinks, strict=True):
            connection.send(GET, sink, LAZY)
        for sink in sinks:
            await sink.all()
        assert pool.idle_connections == 2
        await until(lambda: not pool.connections)
        await pool.close()


async def test_a_closed_pool_lets_the_answer_under_way_end(heard, upstream, until):
    go_on = asyncio.Event()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        writer.write(OK)
        await reader.read()

    async with upstream(script) as place:
        pool = Pool(place.url)
        sink = heard()
        (await pool.connect(5)).send(GET, sink, LAZY)
        await pool.close()
        go_on.set()
        assert (await sink.all()).last == ("end",)
        await until(lambda: not pool.connections)


# Cancelling, back-pressure, failing listeners.


async def test_after_cancel_nothing_is_heard_and_the_upstream_sees_it(heard, upstream, until):
    left = asyncio.Event()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"1\r\nx\r\n" * 100)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            left.set()

    async with upstream(script) as place:
        pool = Pool(place.url)
        connection = await pool.connect(5)

        class Fickle(heard):
            def on_body(self, data):
                super().on_body(data)
                connection.cancel()

        sink = Fickle()
        connection.send(GET, sink, LAZY)
        async with asyncio.timeout(90):
            await left.wait()
        assert len(sink.body) == 1
        assert [event[0] for event in sink.events] == ["head"]
        assert pool.connections == 0
        await pool.close()


async def test_a_paused_answer_is_held_back_and_has_no_idle_deadline(heard, upstream, until):
    sent = 0

    async def script(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n")
        while sent < 50_000_000:
            writer.write(bytes(100_000))
            sent += 100_000
            await writer.drain()
        await reader.read()

    async with upstream(script) as place:
        pool = Pool(place.url, limits=NIMBLE)
        connection = await pool.connect(5)

        class Slow(heard):
            def on_body(self, data):
                if not self.body:
                    connection.pause()
                self.body = self.body or data

        sink = Slow()
        connection.send(GET, sink, Deadlines(first_byte=60, idle=1.0, total=90))
        await until(lambda: sink.body)
        await asyncio.sleep(1.3)
        assert sent < 40_000_000
        connection.resume()
        assert (await sink.all()).last == ("end",)
        assert pool.idle() is connection
        await pool.close()


async def test_a_listener_that_fails_costs_its_own_answer_only(heard, upstream, answering, caplog):
    class Failing(heard):
        def on_body(self, data):
            raise KeyError("of the listener")

    async with upstream(answering(OK)) as place:
        pool = Pool(place.url)
        sink = await ask(pool, Failing)
        assert sink.last == ("error", FailureKind.INTERNAL)
        assert "of the listener" in caplog.text
        assert (await ask(pool, heard)).last == ("end",)
        await pool.close()


async def test_the_client_and_the_server_understand_each_other(heard, serving):
    def app(request, connection):
        connection.start(200, [(b"x-path", request.path)])
        for _ in range(3):
            connection.write(request.body)
        connection.end()

    async with serving(app) as place:
        pool = Pool(f"http://127.0.0.1:{place.port}")
        body = bytes(range(256)) * 1000
        head = b"POST /p HTTP/1.1\r\nhost: %b\r\ncontent-length: %d\r\n\r\n" % (pool.host_header, len(body))
        for _ in range(3):
            sink = await ask(pool, heard, data=head + body)
            assert sink.body == body * 3
            assert (b"x-path", b"/p") in sink.events[0][2]
        assert place.server.accepted == 1
        await pool.close()
