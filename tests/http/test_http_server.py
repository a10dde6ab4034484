"""The server over real sockets: order, persistence, deadlines, back-pressure, drain."""

import asyncio
import contextlib
import logging
import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earthward.config.snapshot import Limits
from earthward.http.server_connection import body_due

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSE = b"GET /last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
SHORT = Limits(head_deadline=0.1, body_deadline=0.1, keep_alive=0.1)
LONGER = Limits(head_deadline=1.0, body_deadline=1.0, keep_alive=1.0)
"""For what is to be done before the deadline."""


class Later:
    """An application that answers when the test says so."""

    def __init__(self):
        self.asked = []
        self.gone = 0
        self.flow = []

    def __call__(self, request, connection):
        self.asked.append((request, connection))
        connection.on_gone = self.left
        connection.on_flow = self.flow.append

    def left(self):
        self.gone += 1

    def connection(self):
        return self.asked[-1][1]

    async def begin_and_fill(self):
        """Answers until no more is taken, and says how many bytes that were."""
        self.connection().start(200, [])
        written = 0
        while self.flow != [False]:
            self.connection().write(b"x" * 1000)
            written += 1000
            await asyncio.sleep(0)
        return written


def bodies(got):
    return re.findall(rb"\r\n\r\n(.*?)(?=HTTP/1\.1|\Z)", got, re.DOTALL)


async def test_pipelined_requests_are_answered_in_order_with_one_in_flight(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(3)))
        for n in range(3):
            await until(lambda n=n: len(app.asked) == n + 1)
            request, connection = app.asked[n]
            connection.respond(200, [], request.path)
        await client.until(lambda got: got.endswith(b"/2"))
        assert bodies(client.got) == [b"/0", b"/1", b"/2"]


async def test_what_a_client_pipelines_without_end_stays_in_its_own_socket(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        flood = asyncio.ensure_future(client.send(GET * 400_000))
        await until(lambda: app.connection()._reading_paused)
        held = len(app.connection()._waiting)
        assert held <= 64 * 1024 + 256 * 1024
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)


async def test_pipelined_requests_wait_while_their_answers_are_not_taken(serving, until):
    def app(request, connection):
        app.answered += 1
        connection.respond(200, [], b"x" * 10_000)
        app.buffered = max(app.buffered, connection._transport.get_write_buffer_size())

    app.answered = app.buffered = 0
    async with serving(app) as place, place.client(receive_buffer=4096) as client:
        await client.send(GET * 100)
        await until(lambda: app.answered > 1)
        await asyncio.sleep(0.05)
        assert app.answered < 50
        assert app.buffered < 80_000
        await client.until(lambda got: len(got) > 1_000_000 and got.count(b"x" * 10_000) == 100)


async def test_a_flood_of_pipelined_requests_leaves_turns_to_others(serving, until):
    turns = []

    def app(request, connection):
        turns.append(len(ticks))
        connection.respond(200, [], b"")

    ticks = []

    def tick():
        ticks.append(None)
        if len(turns) < 1000:
            asyncio.get_running_loop().call_soon(tick)

    async with serving(app) as place, place.client() as client:
        tick()
        await client.send(GET * 1000)
        await client.until(lambda got: got.count(b"200 OK") == 1000)
        assert max(turns.count(turn) for turn in set(turns)) <= 40


async def test_a_flood_of_pipelined_requests_keeps_its_order(serving, until):
    async with serving() as place, place.client() as client:
        for n in range(0, 6000, 100):
            await client.send(b"".join(b"GET /%d HTTP/1.1\r\n" % m + HOST + b"\r\n" for m in range(n, n + 100)))
        await client.until(lambda got: got.endswith(b"GET /5999 0"))
        assert [request.path for request in place.app.seen] == [b"/%d" % n for n in range(6000)]


async def test_a_connection_serves_on_until_it_is_told_to_close(serving):
    async with serving() as place, place.client() as client:
        for _ in range(3):
            await client.send(GET)
            await client.until(lambda got: got.endswith(b"GET / 0"))
            client.got = b""
        await client.send(CLOSE)
        assert b"connection: close" in await client.rest()


async def test_an_old_client_that_asks_for_it_is_kept(serving):
    async with serving() as place, place.client() as client:
        for _ in range(2):
            await client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"connection: keep-alive" in await client.until(lambda got: got.count(b"GET / 0") == 2)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=300))
def test_random_bytes_never_bring_the_server_down(serving, caplog, data):
    async def scenario():
        async with serving(limits=LONGER) as place:
            for prefix in (b"", GET[:-2], b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"):
                async with place.client() as client:
                    await client.send(prefix + data)
                    client.sock.shutdown(socket.SHUT_WR)
                    await client.rest()
            async with place.client() as client:
                await client.send(CLOSE)
                assert b"200 OK" in await client.rest()

    asyncio.run(scenario())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_requests_in_small_pieces_reach_the_handler_as_in_one(serving, size):
    data = (
        b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
        b"POST /b HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
    ) + CLOSE
    async with serving() as place, place.client() as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), size):
            await client.send(data[at : at + size])
            await asyncio.sleep(0)
        await client.rest()
        assert [(r.path, r.body) for r in place.app.seen] == [(b"/a", b"hello"), (b"/b", b"abcde"), (b"/last", b"")]


async def test_an_upgrade_is_ignored_and_the_body_kept(serving):
    async with serving() as place, place.client() as client:
        await client.send(
            b"POST / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 5\r\n\r\nhello" + CLOSE
        )
        await client.rest()
        assert [request.body for request in place.app.seen] == [b"hello", b""]


# Streamed answers.


async def streamed(serving, until, head, *calls):
    """What a client gets of an answer that is made by calls on the connection."""
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(head)
        await until(lambda: app.asked)
        for name, *arguments in calls:
            getattr(app.connection(), name)(*arguments)
            await asyncio.sleep(0)
        app.asked.clear()
        if not client.ended:
            try:
                await client.send(CLOSE)
                await until(lambda: app.asked or not place.server.connections)
                app.connection().respond(200, [], b"last")
            except (OSError, AssertionError, IndexError):
                pass
        return (await client.rest()).replace(b"\r\n", b"|")


async def test_a_streamed_answer_is_chunked_and_ends(serving, until):
    got = await streamed(
        serving, until, GET, ("start", 200, [(b"x", b"y")]), ("write", b"abc"), ("write", b""), ("write_last", b"d")
    )
    assert b"|x: y|" in got
    assert b"|transfer-encoding: chunked||3|abc|1|d|0||HTTP/1.1 200 OK|" in got
    assert got.endswith(b"last")


async def test_a_streamed_answer_of_known_length_is_not_chunked(serving, until):
    got = await streamed(serving, until, GET, ("start", 200, [], 4), ("write", b"abc"), ("write_last", b"d"))
    assert b"|content-length: 4||abcdHTTP/1.1" in got


async def test_a_streamed_answer_to_an_old_client_ends_with_the_connection(serving, until):
    got = await streamed(serving, until, b"GET / HTTP/1.0\r\n\r\n", ("start", 200, []), ("write", b"abc"), ("end",))
    assert got.endswith(b"connection: close||abc")
    assert b"chunked" not in got


async def test_a_streamed_answer_to_head_has_no_body(serving, until):
    head = GET.replace(b"GET", b"HEAD")
    got = await streamed(serving, until, head, ("start", 200, []), ("write", b"abc"), ("write_last", b"d"))
    assert b"transfer-encoding: chunked||HTTP/1.1 200 OK" in got


async def test_the_head_of_a_streamed_answer_does_not_wait_for_its_body(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        app.connection().start(200, [])
        assert app.connection().answered
        await client.until(lambda got: got.endswith(b"\r\n\r\n"))


@pytest.mark.parametrize(
    ("request_head", "calls"),
    [
        (GET, [("start", 200, []), ("write", b"abc"), ("abort",)]),
        (GET, [("start", 200, [], 10), ("write", b"abc"), ("abort",)]),
        (GET, [("start", 200, [], 10), ("write", b"abc"), ("end",)]),
    ],
)
async def test_an_answer_broken_off_keeps_what_was_sent_and_lacks_its_end(serving, until, request_head, calls):
    got = await streamed(serving, until, request_head, *calls)
    assert b"abc" in got
    assert b"|0||" not in got
    assert b"last" not in got


async def test_an_answer_that_would_end_by_closing_is_broken_off_by_a_reset(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        await until(lambda: app.asked)
        app.connection().start(200, [])
        app.connection().write(b"abc")
        await client.until(lambda got: got.endswith(b"abc"))
        app.connection().abort()
        with pytest.raises(ConnectionResetError):
            await asyncio.get_running_loop().sock_recv(client.sock, 1)


async def test_an_answer_is_never_split_in_two_by_a_header(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        for header in ((b"x", b"a\r\nset-cookie: b"), (b"x\n", b"a"), (b"x", b"a\r")):
            with pytest.raises(ValueError, match="line end"):
                app.connection().respond(200, [header], b"")
        with pytest.raises(ValueError, match="length"):
            app.connection().start(200, [], 2)
            app.connection().write(b"abc")


async def test_a_request_is_answered_once(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        app.connection().start(200, [])
        with pytest.raises(RuntimeError):
            app.connection().respond(200, [], b"")


async def test_a_handler_that_fails_is_a_500_and_the_server_goes_on(serving, caplog):
    def app(request, connection):
        if request.path == b"/":
            raise KeyError("of the application")
        connection.respond(200, [], b"fine")

    def error_body(status, reason, path):
        return b"x/y", b"%d!" % status

    async with serving(app, error_body=error_body) as place, place.client() as client:
        await client.send(GET + CLOSE)
        got = await client.rest()
    assert got.startswith(b"HTTP/1.1 500 ")
    assert b"500!" in got
    assert got.endswith(b"fine")
    assert "of the application" in caplog.text


async def test_errors_are_shaped_by_the_one_who_knows_the_path(serving):
    shaped = []

    def shape(status, reason, path):
        shaped.append((status, reason, path))
        return b"application/json", b"{}"

    async with serving(error_body=shape) as place, place.client() as client:
        await client.send(b"TRACE /v1/messages?x HTTP/1.1\r\n" + HOST + b"\r\n")
        got = await client.rest()
    assert shaped == [(405, "method not allowed", b"/v1/messages")]
    assert b"content-type: application/json" in got
    assert got.endswith(b"\r\n\r\n{}")
    assert place.server.refused == {"method not allowed": 1}


# Deadlines.


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"G", b"408"),
        (GET[:-2], b"408"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhel", b"408"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", b"408"),
        (b"", b""),
        (GET, b"200"),
    ],
)
async def test_a_client_that_goes_silent_is_closed(serving, sent, status):
    async with serving(limits=LONGER if sent == GET else SHORT) as place, place.client() as client:
        await client.send(sent)
        got = await client.rest()
        assert got[9:12] == status


async def test_a_head_has_one_deadline_however_often_a_byte_comes(serving):
    async with serving(limits=Limits(head_deadline=0.2)) as place, place.client() as client:
        await client.send(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(OSError):
            while True:
                await client.send(b"a")
                await asyncio.sleep(0.01)
        assert place.server.refused == {"head not received in time": 1}
        assert not place.app.seen


async def test_a_body_that_keeps_coming_is_awaited(serving):
    async with serving(limits=Limits(body_deadline=1.5)) as place, place.client() as client:
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Length: 160000\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.2)
            await client.send(b"a" * 20_000)
        assert b"200 OK" in await client.rest()


@pytest.mark.parametrize("first", [1, 400_000])
async def test_a_body_that_drips_is_not_awaited_however_much_of_it_came_at_once(serving, first):
    async with serving(limits=Limits(body_deadline=0.3)) as place, place.client() as client:
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 500000\r\n\r\n" + b"a" * first)
        for _ in range(300):
            if place.server.refused:
                break
            await client.send(b"a")
            await asyncio.sleep(0.01)
        assert place.server.refused == {"body not received in time": 1}
        assert not place.app.seen


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1_000_000)), max_size=50))
def test_a_body_is_never_given_more_than_its_patience_nor_less_than_it_has_earned(pieces):
    now, due, earned = 0.0, 30.0, 30.0
    for passed, came in pieces:
        now += passed
        if now > due:
            break
        due = body_due(due, now, came, 30.0)
        earned += came / 10_000
        assert now <= due <= min(now + 30.0, earned)
    assert body_due(10.0, 5.0, 20_000, 30.0) == 12.0


async def test_an_answer_in_preparation_has_no_deadline_here(serving, until):
    app = Later()
    async with serving(app, limits=LONGER) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        await asyncio.sleep(1.3)
        app.connection().respond(200, [], b"at last")
        assert (await client.rest()).endswith(b"at last")


async def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(serving, until):
    app = Later()
    async with serving(app, limits=LONGER) as place, place.client(receive_buffer=4096) as client:
        await client.send(GET)
        await until(lambda: app.asked)
        app.connection().start(200, [])
        while app.connection().is_open and not app.flow:
            app.connection().write(b"x" * 10_000)
        await until(lambda: app.gone)
        assert place.server.refused == {"answer not taken in time": 1}


# Back-pressure and bounds.


async def test_a_client_that_stops_reading_holds_no_more_than_a_little(serving, until):
    app = Later()
    async with serving(app) as place, place.client(receive_buffer=4096) as client:
        await client.send(GET)
        await until(lambda: app.asked)
        written, connection = await app.begin_and_fill(), app.connection()
        assert written <= 256 * 1024
        assert connection._transport.get_write_buffer_size() <= 64 * 1024 + 1100
        connection.end()
        await client.until(lambda got: got.endswith(b"0\r\n\r\n"))
        assert client.got.count(b"x") == written
        assert not app.gone


async def test_writing_goes_on_when_the_client_reads_again(serving, until):
    app = Later()
    async with serving(app) as place, place.client(receive_buffer=4096) as client:
        await client.send(GET)
        await until(lambda: app.asked)
        await app.begin_and_fill()
        reading = asyncio.ensure_future(client.until(lambda got: got.endswith(b"0\r\n\r\n")))
        await until(lambda: app.flow == [False, True])
        app.connection().end()
        await reading


POST = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n"


async def test_half_sent_bodies_share_one_budget(serving, until):
    async with serving(held=5000) as place:
        async with place.client() as one, place.client() as two:
            await one.send(POST % 1000 + b"x" * 500)
            await until(lambda: place.server.held == 500)
            await two.send(POST % 9000 + b"x" * 4000)
            await until(lambda: place.server.held == 4500)
            await two.send(b"x" * 1000)
            got = await two.rest()
            assert got.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after" in got
            await until(lambda: place.server.held == 500)
            await one.send(b"x" * 500)
            await one.until(lambda got: b"200 OK" in got)
            assert place.server.held == 0
        async with place.client() as three:
            await three.send(POST % 1000 + b"x" * 100)
            await until(lambda: place.server.held == 100)
        await until(lambda: place.server.held == 0)


async def test_over_the_budget_the_one_that_holds_most_gives_way_and_not_the_newcomer(serving, until):
    paths = []

    def shape(status, reason, path):
        paths.append(path)
        return b"text/plain", reason.encode()

    async with serving(held=5000, error_body=shape) as place, contextlib.AsyncExitStack() as stack:
        small, large, newcomer = [await stack.enter_async_context(place.client()) for _ in range(3)]
        await small.send(POST % 1500 + b"x" * 1000)
        await large.send((POST % 9000).replace(b"/ ", b"/large ") + b"x" * 3000)
        await until(lambda: place.server.held == 4000)
        await newcomer.send(POST % 2500 + b"x" * 2000)
        got = await large.rest()
        assert got.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in got
        assert paths == [b"/large"]
        assert place.server.held == 3000
        for client in (newcomer, small):
            await client.send(b"x" * 500)
            await client.until(lambda got: b"200 OK" in got)


async def test_strangers_heads_do_not_cost_a_caller_its_body(serving, until):
    head = b"GET / HTTP/1.1\r\nX: "
    async with serving(held=5000) as place, place.client() as caller, contextlib.AsyncExitStack() as stack:
        await caller.send(POST % 2400 + b"x" * 2000)
        await until(lambda: place.server.held == 2000)
        strangers = [await stack.enter_async_context(place.client()) for _ in range(8)]
        for stranger in strangers:
            await stranger.send(head + b"x" * (500 - len(head)))
        await until(lambda: place.server.refused["too many unfinished requests"] >= 2)
        await caller.send(b"x" * 400)
        assert b"200 OK" in await caller.until(lambda got: b"\r\n\r\n" in got)


# Admission by the head.


class Doorman:
    """Admits whoever has a key; `asked` keeps the requests it was shown, with the bodies they had then."""

    def __init__(self):
        self.asked = []

    def __call__(self, request):
        self.asked.append((request.method, request.path, request.body))
        if request.path == b"/fails":
            raise KeyError("of the doorman")
        if request.path == b"/splits":
            return 401, [(b"x", b"a\r\nb")], b""
        if request.get(b"authorization") is None:
            return 401, [(b"www-authenticate", b"Bearer")], b"no key"
        return None


WITH_KEY = b"POST /a HTTP/1.1\r\n" + HOST + b"Authorization: k\r\n"
FRAMINGS = {
    "length": b"Content-Length: 3000000\r\n\r\n",
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n",
    "begun": b"Content-Length: 3000000\r\n\r\nabc",
    "expect": b"Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_who_is_not_admitted_is_told_before_the_body_is_awaited(serving, framing):
    doorman = Doorman()
    async with serving(admit=doorman) as place, place.client() as client:
        await client.send(b"POST /a HTTP/1.1\r\n" + HOST + FRAMINGS[framing])
        got = await client.until(lambda got: got.endswith(b"no key"))
        assert got.startswith(b"HTTP/1.1 401 ")
        assert b"\r\nwww-authenticate: Bearer\r\n" in got
        assert b"\r\nconnection: close\r\n" in got
        assert place.server.held == 0
        assert doorman.asked == [(b"POST", b"/a", b"")]
        assert not place.app.seen
        assert place.server.refused == {"not admitted": 1}


async def test_who_is_not_admitted_may_go_on_sending_until_it_has_read_why(serving, until):
    async with serving(admit=Doorman()) as place, place.client() as client:
        await client.send(b"POST /a HTTP/1.1\r\n" + HOST + FRAMINGS["length"])
        await until(lambda: place.server.refused)
        await client.send(b"x" * 3_000_000)
        assert (await client.rest()).endswith(b"no key")


async def test_the_answer_to_who_is_not_admitted_has_no_body_when_only_its_head_was_asked_for(serving):
    async with serving(admit=Doorman()) as place, place.client() as client:
        await client.send(b"HEAD / HTTP/1.1\r\n" + HOST + FRAMINGS["length"])
        got = await client.rest()
        assert b"content-length: 6\r\n" in got
        assert got.endswith(b"\r\n\r\n")


async def test_admission_is_asked_once_however_many_pieces_a_body_has(serving):
    doorman = Doorman()
    async with serving(admit=doorman) as place, place.client() as client:
        for n in range(1, 3):
            await client.send(WITH_KEY + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            await client.until(lambda got: got.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"))
            for piece in (b"he", b"l", b"lo"):
                await client.send(piece)
                await asyncio.sleep(0.02)
            await client.until(lambda got, n=n: got.count(b"POST /a 5") == n)
        assert doorman.asked == [(b"POST", b"/a", b"")] * 2
        assert [request.body for request in place.app.seen] == [b"hello"] * 2
        assert not place.server.refused


async def test_a_request_that_comes_whole_goes_straight_to_the_application(serving):
    doorman = Doorman()
    async with serving(admit=doorman) as place, place.client() as client:
        await client.send(POST % 3 + b"abc" + CLOSE)
        await client.rest()
        assert len(place.app.seen) == 2
        assert not doorman.asked


@pytest.mark.parametrize("path", [b"/fails", b"/splits"])
async def test_a_failing_admission_is_a_500_and_awaits_no_body(serving, caplog, path):
    async with serving(admit=Doorman()) as place, place.client() as client:
        await client.send((POST % 3000).replace(b"/ ", path + b" ", 1))
        got = await client.rest()
        assert got.startswith(b"HTTP/1.1 500 ")
        assert b"connection: close" in got
        assert not place.app.seen
    assert "failed on a request's head" in caplog.text


async def test_strangers_can_not_fill_the_budget_of_those_who_are_admitted(serving, until):
    async with serving(admit=Doorman(), held=5000) as place, contextlib.AsyncExitStack() as stack:
        caller = await stack.enter_async_context(place.client())
        await caller.send(WITH_KEY + b"Content-Length: 4500\r\n\r\n" + b"x" * 4400)
        await until(lambda: place.server.held == 4400)
        for _ in range(9):
            stranger = await stack.enter_async_context(place.client())
            await stranger.send(POST % 9000 + b"x" * 1000)
            assert b" 401 " in await stranger.until(lambda got: got.endswith(b"no key"))
        await caller.send(b"x" * 100)
        await caller.until(lambda got: b"200 OK" in got)


async def test_a_refused_upload_learns_why_before_it_is_cut_off(serving):
    async with serving(limits=Limits(body=1000)) as place, place.client() as client:
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3000000\r\n\r\n")
        await client.send(b"x" * 3_000_000)
        assert (await client.rest()).startswith(b"HTTP/1.1 413 ")


async def test_one_connection_too_many_is_turned_away(serving, until):
    async with serving(limits=Limits(connections=2)) as place:
        async with place.client(), place.client(), place.client() as third:
            assert (await third.rest()).startswith(b"HTTP/1.1 503 ")
        await until(lambda: not place.server.connections)
        async with place.client() as later:
            await later.send(CLOSE)
            assert b"200 OK" in await later.rest()


async def test_many_connections_are_served_and_forgotten(serving, until):
    async with serving() as place:

        async def one():
            async with place.client() as client:
                await client.send(GET)
                await client.until(lambda got: got.endswith(b"GET / 0"))

        await asyncio.gather(*(one() for _ in range(500)))
        await until(lambda: not place.server.connections)
        assert (place.server.accepted, place.server.requests) == (500, 500)


# Clients that leave.


@pytest.mark.parametrize("leave", ["close", "half", "reset"])
@pytest.mark.parametrize("streaming", [False, True])
async def test_whoever_answers_hears_once_that_the_client_has_left(serving, until, leave, streaming):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        connection = app.connection()
        if streaming:
            connection.start(200, [])
            connection.write(b"abc")
        if leave == "half":
            client.sock.shutdown(socket.SHUT_WR)
        else:
            if leave == "reset":
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sock.close()
        await until(lambda: app.gone)
        assert not connection.is_open
        for _ in range(10):
            connection.write(b"to nobody")
        connection.end()
        connection.respond(200, [], b"")
        await until(lambda: not place.server.connections)
        assert app.gone == 1


async def test_a_client_that_leaves_is_not_waited_for_to_take_the_rest(serving, until):
    app = Later()
    async with serving(app) as place, place.client(receive_buffer=4096) as client:
        await client.send(GET)
        await until(lambda: app.asked)
        await app.begin_and_fill()
        client.sock.shutdown(socket.SHUT_WR)
        await until(lambda: app.gone and not place.server.connections)


async def test_who_asks_late_still_hears_once_that_the_client_has_left(serving, until):
    asked, told = [], []
    async with serving(lambda request, connection: asked.append(connection)) as place:
        async with place.client() as client:
            await client.send(GET)
            await until(lambda: asked)
            assert not asked[0].is_gone
        await until(lambda: asked[0].is_gone)
        asked[0].on_gone = lambda: told.append("late")
        assert not told
        await until(lambda: told)
        await until(lambda: not place.server.connections)
        assert told == ["late"]


async def test_who_asks_between_a_leave_and_its_end_still_hears_of_it_once(serving, until):
    told = []

    def app(request, connection):
        connection.on_gone = lambda: leave(connection)
        connection.on_flow = lambda flowing: None

    def leave(connection):
        assert connection.is_gone
        connection.on_gone = lambda: told.append(connection.is_gone)

    async with serving(app) as place:
        async with place.client() as client:
            await client.send(GET)
            await until(lambda: place.server.requests)
        await until(lambda: told and not place.server.connections)
        assert told == [True]


async def test_who_has_stopped_asking_is_not_told(serving, until):
    asked, told = [], []
    async with serving(lambda request, connection: asked.append(connection)) as place:
        async with place.client() as client:
            await client.send(GET)
            await until(lambda: asked)
        await until(lambda: asked[0].is_gone)
        asked[0].on_gone = lambda: told.append("late")
        asked[0].on_gone = None
        await until(lambda: not place.server.connections)
        await asyncio.sleep(0)
        assert not told


async def test_a_client_whose_answer_was_broken_off_has_not_left(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        app.connection().abort()
        await until(lambda: not place.server.connections)
        assert not app.connection().is_gone
        assert not app.gone


async def test_a_client_that_leaves_after_its_answer_is_nobodys_loss(serving, until):
    app = Later()
    async with serving(app) as place:
        async with place.client() as client:
            await client.send(GET)
            await until(lambda: app.asked)
            app.connection().respond(200, [], b"")
            await client.until(lambda got: got.endswith(b"\r\n\r\n"))
        await until(lambda: not place.server.connections)
        assert app.gone == 0


# Drain.


async def test_a_drain_closes_what_idles_and_answers_what_is_under_way(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as idle, place.client() as busy, place.client() as half:
        await busy.send(GET)
        await half.send(GET[:10])
        await until(lambda: app.asked and place.server.held)
        drained = asyncio.ensure_future(place.server.drain(20))
        assert await idle.rest() == b""
        app.connection().respond(200, [], b"answered")
        assert b"connection: close\r\n\r\nanswered" in await busy.rest()
        assert not drained.done()
        await half.send(GET[10:])
        await until(lambda: len(app.asked) == 2)
        app.connection().respond(200, [], b"")
        assert b"connection: close" in await half.rest()
        await drained
        with pytest.raises(OSError):
            async with place.client():
                pass


async def test_a_drain_lets_a_stream_end_and_closes_behind_it(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client, place.client() as idle:
        await client.send(GET)
        await until(lambda: app.asked)
        app.connection().start(200, [])
        drained = asyncio.ensure_future(place.server.drain(20))
        await idle.rest()
        app.connection().write_last(b"the end")
        assert b"the end\r\n0\r\n\r\n" in await client.rest()
        await drained


async def test_what_outlasts_a_drain_is_cut_off(serving, until):
    app = Later()
    async with serving(app) as place, place.client() as client:
        await client.send(GET)
        await until(lambda: app.asked)
        await place.server.drain(0.05)
        assert app.gone == 1
        assert place.server.connections == 0
        assert await client.rest() == b""


async def test_several_sockets_feed_one_server(serving, listening_socket):
    async with serving() as place:
        second = listening_socket()
        port = second.getsockname()[1]
        await place.server.serve([second])
        first = place.port
        for place.port in (first, port):
            async with place.client() as client:
                await client.send(CLOSE)
                assert b"200 OK" in await client.rest()


async def test_a_unix_socket_is_served_too(serving, tmp_path):
    async with serving() as place:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / "s"))
        await place.server.serve(listening)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(CLOSE)
        assert b"200 OK" in await reader.read()
        writer.close()
        await writer.wait_closed()
