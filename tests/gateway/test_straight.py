"""The straight line and the general path come to the same: same bytes on both sides, same entries in the spool."""

import asyncio
import random
import re
import resource
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from earthward.bench.exchange import HEAD_OF_ANSWER, KEY, request, snapshot, whole_answer, wire, worker
from earthward.config.snapshot import Endpoint, Limits, Provider, Sampling, Shown, Snapshot, Target, When
from earthward.fleet.found import Probed
from earthward.gateway.lanes import KNOWN, knows_all_of
from earthward.gateway.messages import NewSnapshot
from earthward.gateway.samples import LARGEST, Sample, SampleLine, framed, read_to_control
from earthward.gateway.sampling import mark
from earthward.gateway.straight import Straight
from earthward.gateway.worker import Worker
from earthward.http.client import ClientConnection
from earthward.http.server import ServerConnection
from earthward.ledger.record import Entry, Opened, Settled
from earthward.quality.sampling import ALL as BELOW
from earthward.routing.balance import POLICIES
from earthward.routing.balance.standing import Report
from earthward.store.spool_reader import SpoolReader

GOOD = whole_answer()[0]
BODY = GOOD.partition(b"\r\n\r\n")[2]
MOST_WAITED = 90.0
AT_HAND = 2
"""Connections: a host may be asked to load a model, and for an answer before it has said that it did."""
NEVER_KEPT = "/never-kept"
"""In the address of an endpoint whose connections end with their answers."""


def asked(**fields: Any) -> bytes:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi."}], **fields}
    return posted(msgspec.json.encode({name: value for name, value in body.items() if value is not None}))


def posted(body: bytes, *lines: bytes) -> bytes:
    head = [
        b"POST /v1/chat/completions HTTP/1.1",
        b"host: localhost",
        b"authorization: Bearer " + KEY,
        b"content-type: application/json",
        *lines,
        b"content-length: %d" % len(body),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def answered(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    head = [b"HTTP/1.1 " + status, b"content-type: application/json", *lines, b"content-length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def said(**changes: Any) -> bytes:
    return answered(msgspec.json.encode({**msgspec.json.decode(BODY), **changes}))


def used(**usage: Any) -> bytes:
    return said(usage=usage)


def choice(**changes: Any) -> list[dict[str, Any]]:
    return [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop", **changes}]


ONE = [request(1, "whole")]
MANY = [request(number % 7, "whole") for number in range(20)]
ERROR = b'{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": null}}'
PICTURE = [{"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {}}]}]
Pieces = list[bytes]

ASKED: dict[str, list[bytes]] = {
    "once": ONE,
    "by many, with a canary": MANY,
    "for a user": [asked(user="ann"), asked(user="bob"), asked(safety_identifier="ann")],
    "in other letters": [asked(messages=[{"role": "user", "content": "Grüße 🦊 \u0000"}])],
    "with tools": [asked(tools=[{"type": "function", "function": {"name": "f"}}])],
    "with a picture": [asked(messages=PICTURE)],
    "with a schema": [asked(response_format={"type": "json_schema", "json_schema": {}})],
    "for what no target can do": [asked(modalities=["audio"])],
    "with a key given twice": [posted(b'{"model":"a","model":"gpt-4o","messages":[]}')],
    "as a stream": [asked(stream=True)],
    "as no stream": [asked(stream=False)],
    "for no model": [asked(model=None), asked(model=""), asked(model=7)],
    "for a model that nobody has": [asked(model="claude")],
    "for a model with a long name": [asked(model="gpt-" + "x" * 230)],
    "for a model with a NUL in its name": [asked(model="gpt-\0")],
    "for more models than are remembered": [asked(model=f"gpt-{number % 20}") for number in range(45)],
    "in a wrong spelling": [asked(Model="gpt-4o")],
    "without messages": [asked(messages=None), asked(messages=7), asked(messages=[])],
    "in no JSON": [posted(b"{"), posted(b"[]"), posted(b'{"model":"gpt-4o","messages":["\xff"]}')],
    "too deep": [asked(metadata=msgspec.Raw(b"[" * 70 + b"]" * 70))],
    "with hints": [posted(b'{"model":"gpt-4o","messages":[]}', b"x-earthward-task: chat", b"x-earthward-unit: 5")],
    "with a class": [posted(b'{"model":"gpt-4o","messages":[]}', b"x-earthward-data-class: secret")],
    "with a class that may leave": [posted(b'{"model":"gpt-4o","messages":[]}', b"x-earthward-data-class: public")],
    "with little patience": [posted(b'{"model":"gpt-4o","messages":[]}', b"x-stainless-read-timeout: 60")],
    "to explain": [posted(b'{"model":"gpt-4o","messages":[]}', b"x-earthward-explain: 1")],
    "with lines that go on": [posted(b'{"model":"gpt-4o","messages":[]}', b"openai-organization: o", b"x-other: 1")],
    "with a query": [ONE[0].replace(b"/completions ", b"/completions?a=%41 ")],
    "by a stranger": [ONE[0].replace(KEY, b"ew-other")],
    "in HTTP/1.0": [ONE[0].replace(b"HTTP/1.1", b"HTTP/1.0")],
    "for the last time": [ONE[0].replace(b"accept: */*", b"connection: close")],
    "in chunks": [
        ONE[0].partition(b"content-length")[0]
        + b"transfer-encoding: chunked\r\n\r\n2f\r\n"
        + b'{"model":"gpt-4o","messages":[],"max_tokens":1}\r\n0\r\n\r\n'
    ],
}
ANSWERED: dict[str, Pieces] = {
    "well": [GOOD],
    "in pieces": [GOOD[:20], GOOD[20:300], GOOD[300:]],
    "in chunks": [
        HEAD_OF_ANSWER + b"text/plain\r\ntransfer-encoding: chunked\r\n\r\n",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    ],
    "with an id": [answered(BODY, b"x-request-id: req_7", b"openai-processing-ms: 5", b"x-other: 1")],
    "by what can't go on": [answered(BODY, b"connection: close")],
    "with more than was asked for": [GOOD + b"HTTP/1.1 200 OK\r\n"],
    "until it closes": [b"HTTP/1.1 200 OK\r\n\r\n" + BODY, b""],
    "after a hint": [b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD],
    "without usage": [said(usage=None)],
    "with half of the usage": [used(prompt_tokens=5)],
    "with odd usage": [used(prompt_tokens=True, completion_tokens=-5, prompt_tokens_details=[])],
    "with absurd usage": [used(prompt_tokens=10**12, completion_tokens=5)],
    "with usage beyond all numbers": [used(prompt_tokens=10**30, completion_tokens=5)],
    "with cached tokens": [used(prompt_tokens=50, completion_tokens=0, prompt_tokens_details={"cached_tokens": 20})],
    "cut off": [said(choices=choice(finish_reason="length"))],
    "for a reason nobody knows": [said(choices=choice(finish_reason="tired"))],
    "for no reason": [said(choices=choice(finish_reason=None))],
    "twice": [said(choices=choice() + choice())],
    "with tool calls": [
        said(choices=choice(message={"content": None, "tool_calls": [{"function": {"arguments": "{}"}}]}))
    ],
    "with an answer that was given up": [said(choices=choice(finish_reason="error"))],
    "with no choices": [said(choices=[])],
    "with an error as if it were well": [answered(ERROR)],
    "with two models": [answered(BODY[:-1] + b',"model":"other"}')],
    "in no JSON": [answered(b"<html>")],
    "with nothing": [answered(b"")],
    "with no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "compressed": [answered(BODY, b"content-encoding: gzip")],
    "with no HTTP": [b"SSH-2.0\r\n\r\n"],
    "with a bad length": [GOOD.replace(b"content-length: ", b"content-length: +")],
    "with more bytes than may be": [answered(b"x" * 5000)],
    "400": [answered(ERROR, status=b"400 Bad Request")],
    "401": [answered(ERROR, status=b"401 Unauthorized")],
    "404": [answered(ERROR, status=b"404 Not Found")],
    "429": [answered(ERROR, b"retry-after: 7", status=b"429 Too Many Requests")],
    "500": [answered(b"oops", status=b"500 Internal Server Error")],
    "302": [answered(b"", b"location: /", status=b"302 Found")],
    "by going away": [b""],
    "by going away in the middle": [GOOD[:-5], b""],
    "not before the caller leaves": [],
}
CASES = [
    *[pytest.param(asks, [GOOD], id=f"asked {how}") for how, asks in ASKED.items()],
    *[pytest.param(ONE * 3, pieces, id=f"answered {how}") for how, pieces in ANSWERED.items()],
    *[pytest.param(MANY, pieces, id=f"many, answered {how}") for how, pieces in ANSWERED.items()],
]


class Seen:
    """What one path did. What only time and chance tell apart is made alike."""

    def __init__(self) -> None:
        self.straight = 0
        self.upstream: list[bytes] = []
        self.caller: list[bytes] = []
        self.entries: list[Entry] = []

    def plain(self, serving: Worker, folder: Path) -> None:
        reader = SpoolReader(folder / "spool" / serving.name)
        self.entries = [timeless(spooled.entry, serving.name) for spooled in reader.read(1 << 20)]
        reader.close()
        name = serving.name.encode()
        self.caller = [re.sub(rb"date: [^\r]+", b"date", bytes(it).replace(name, b"ID")) for it in self.caller]


def timeless(entry: Entry, name: str) -> Entry:
    if isinstance(entry, Opened):
        return msgspec.structs.replace(entry, id=entry.id.replace(name, "ID"), at=0)
    record = entry.record
    assert 0 <= record.queued <= record.duration
    assert all(record.accepted_at <= attempt.started_at for attempt in record.attempts)
    assert all(attempt.duration <= record.duration for attempt in record.attempts)
    attempts = tuple(msgspec.structs.replace(attempt, started_at=0, duration=0) for attempt in record.attempts)
    told = record.id.replace(name, "ID")
    return Settled(
        msgspec.structs.replace(
            record, id=told, accepted_at=0, queued=0, duration=0, first_content=None, attempts=attempts
        )
    )


def seen(
    asks: list[bytes],
    pieces: Pieces,
    made: Snapshot,
    before: Callable[[Worker], object] = lambda serving: None,
    meanwhile: Callable[[Worker], object] = lambda serving: None,
) -> Seen:
    """In a folder with a short name: one with a long name is kept open as long as the process lives."""
    found = Seen()
    # Which endpoint it is may be drawn by lot.
    random.seed(7)

    async def live(folder: Path) -> None:
        with socket.socket() as listener:
            serving = worker(folder, "keys", listener)
            assert serving.apply(NewSnapshot(made.version, msgspec.msgpack.encode(made))) == ""
            before(serving)
            play = Play(serving, pieces, found, meanwhile)
            await play.run(asks)
            for name in ("mini", "llama"):
                for endpoint in serving.serving.targets[name].provider.endpoints:
                    assert serving.board.in_flight(endpoint.cell) == 0
            assert not serving.exchanges
            serving.spool.close()
            serving.board.close()
            found.plain(serving, folder)

    with tempfile.TemporaryDirectory() as name:
        uvloop.run(live(Path(name)))
    return found


class Play:
    """One caller asks, on a connection of their own, what the upstream answers each time in the same pieces."""

    def __init__(self, serving: Worker, pieces: Pieces, found: Seen, meanwhile: Callable[[Worker], object]) -> None:
        self.serving = serving
        self.meanwhile = meanwhile
        self.pieces = pieces
        self.found = found
        self.loop = asyncio.get_running_loop()
        self.caller = self.new_caller()

    async def run(self, asks: list[bytes]) -> None:
        for ask in asks:
            for target in self.serving.serving.targets.values():
                for endpoint in target.provider.endpoints:
                    while NEVER_KEPT not in endpoint.url and endpoint.pool.idle_connections < AT_HAND:
                        self.add_upstream(endpoint.pool)
            if not self.caller.is_open:
                self.caller = self.new_caller()
            self.caller.data_received(ask)
            self.found.straight += any(isinstance(it, Straight) for it in self.serving.exchanges)
            await asyncio.sleep(0)
            if not self.pieces:
                self.caller.connection_lost(None)
            end = self.loop.time() + MOST_WAITED
            while self.serving.exchanges and self.loop.time() < end:
                await asyncio.sleep(0)

    def new_caller(self) -> ServerConnection:
        caller = ServerConnection(self.serving.server)
        answers = wire(self.found.caller.append)
        vars(answers).update(close=lambda: caller.connection_lost(None), abort=lambda: caller.connection_lost(None))
        vars(answers).update(writelines=lambda parts: self.found.caller.append(b"".join(parts)))
        vars(answers).update(can_write_eof=lambda: False)
        caller.connection_made(answers)
        return caller

    def add_upstream(self, pool: Any) -> None:
        connection = ClientConnection(pool)

        def hear(data: bytes) -> None:
            self.found.upstream.append(bytes(data))
            self.meanwhile(self.serving)
            self.loop.call_soon(say, list(self.pieces))

        def say(left: Pieces) -> None:
            if left and connection.is_open:
                self.loop.call_soon(say, left[1:])
                if left[0]:
                    connection.data_received(left[0])
                else:
                    connection.eof_received()
                    connection.connection_lost(None)

        far = wire(hear)
        vars(far).update(close=lambda: connection.connection_lost(None))
        connection.connection_made(far)
        pool.returned(connection)
        connection.fresh = False


def general(made: Snapshot) -> Snapshot:
    """The same with a setting that the straight line does not know, and that changes nothing."""
    routes = tuple(msgspec.structs.replace(route, pilots=frozenset({"nobody"})) for route in made.routes)
    return msgspec.structs.replace(made, routes=routes)


def made(**changes: Any) -> Snapshot:
    plain = snapshot("keys")
    limits = msgspec.structs.replace(plain.limits, answer=4000)
    return msgspec.structs.replace(plain, version="2", limits=limits, **changes)


@pytest.mark.parametrize(("asks", "pieces"), CASES)
def test_both_paths_come_to_the_same(asks: list[bytes], pieces: Pieces) -> None:
    straight = seen(asks, pieces, made())
    other = seen(asks, pieces, general(made()))
    assert other.straight == 0
    assert straight.upstream == other.upstream
    assert straight.caller == other.caller
    assert straight.entries == other.entries


def test_what_is_asked_most_goes_straight() -> None:
    assert seen(MANY, [GOOD], made()).straight == len(MANY)


def of_three(balance: str, slots: int | None = None, first: str = "http://127.0.0.1:1/v2") -> Snapshot:
    """Both targets have three endpoints."""

    def spread(provider: Provider, cell: int) -> Provider:
        urls = (first, "http://127.0.0.1:1/v3", "http://127.0.0.1:1/v4")
        places = tuple(Endpoint(url, cell + at, slots) for at, url in enumerate(urls))
        return msgspec.structs.replace(provider, balance=balance, endpoints=places)

    cloud, house = made().providers
    return made(providers=(spread(cloud, 10), spread(house, 20)))


@pytest.mark.parametrize("balance", POLICIES)
@pytest.mark.parametrize("how", ["well", "500", "by going away", "not before the caller leaves"])
def test_both_paths_draw_the_same_endpoint(balance: str, how: str) -> None:
    # Failures weigh less with each moment that passes, so that later draws are nobody's to foresee.
    asks = MANY if how == "well" else ONE
    straight = seen(asks, ANSWERED[how], of_three(balance))
    other = seen(asks, ANSWERED[how], general(of_three(balance)))
    assert straight.straight == len(asks)
    assert other.straight == 0
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert straight.entries == other.entries


class Closing(socketserver.StreamRequestHandler):
    """An endpoint that answers well, and closes."""

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline()
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        self.rfile.read(int(length[1]))
        self.wfile.write(answered(BODY, b"connection: close"))


@pytest.fixture
def closing() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Closing) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}{NEVER_KEPT}"
        server.shutdown()
        serving.join()


@pytest.mark.parametrize("balance", ["fastest", "least_busy", "round_robin"])
def test_an_endpoint_without_a_connection_to_spare_gets_no_less(closing: str, balance: str) -> None:
    three = of_three(balance, first=closing)
    straight = seen(MANY, [GOOD], three)
    other = seen(MANY, [GOOD], general(three))
    assert len(MANY) > straight.straight > 0
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert straight.entries == other.entries


def test_who_has_several_endpoints_or_slots_goes_straight() -> None:
    [cloud, house] = made().providers
    one = made(providers=(of_three("round_robin", slots=2).providers[0], house))
    assert seen(MANY, [GOOD], one).straight == len(MANY)
    slots = msgspec.structs.replace(cloud, endpoints=(msgspec.structs.replace(cloud.endpoints[0], slots=1),))
    assert seen(MANY, [GOOD], made(providers=(slots, house))).straight == len(MANY)


def settings() -> list[Any]:
    plain = made()
    [cloud, house], [mini, llama], [route] = plain.providers, plain.targets, plain.routes
    put = msgspec.structs.replace
    crowd = put(cloud, endpoints=tuple(Endpoint(f"http://127.0.0.1:1/v{cell}", cell) for cell in range(9)))
    return [
        pytest.param(put(plain, durability="strict"), id="strict"),
        pytest.param(put(plain, cors=("https://a.example",)), id="cors"),
        pytest.param(put(plain, switch="cloud"), id="a switch"),
        pytest.param(put(plain, access_log=True), id="an access log"),
        pytest.param(put(plain, providers=(crowd, house)), id="more endpoints than are all looked at"),
        pytest.param(put(plain, targets=(put(mini, context=1), llama)), id="a prompt that may not fit"),
        pytest.param(put(plain, targets=(put(mini, context=4096, tiers=(2048, 4096)), llama)), id="tiers"),
        pytest.param(put(plain, targets=(put(mini, context=2048, widest=4096), llama)), id="a wider context elsewhere"),
        pytest.param(put(plain, routes=(put(route, when=When(tokens=(0, 1000))),)), id="lengths"),
        pytest.param(put(plain, routes=(put(route, when=When(time=((0, 10080),))),)), id="times"),
    ]


@pytest.mark.parametrize("snapshot", settings())
def test_settings_of_which_the_line_knows_nothing_lead_away_from_it(snapshot: Snapshot) -> None:
    found = seen([asked(user="ann")], [GOOD], with_a_fallback(snapshot))
    assert found.straight == 0
    assert [entry.record.status for entry in found.entries if isinstance(entry, Settled)] == ["ok"]


def with_a_fallback(made: Snapshot) -> Snapshot:
    routes = tuple(msgspec.structs.replace(route, share=0, candidate_may_rescue=True) for route in made.routes)
    return msgspec.structs.replace(made, routes=routes)


@pytest.mark.parametrize("settings", KNOWN, ids=lambda kind: kind.__name__)
def test_a_setting_that_is_new_leads_away_until_it_is_known(settings: type[msgspec.Struct]) -> None:
    fields = msgspec.structs.fields(settings)
    unknown = {field.name for field in fields} - KNOWN[settings]
    given = {field.name: None for field in fields if field.required}
    assert knows_all_of(settings(**given))
    assert not any(knows_all_of(settings(**{**given, name: "something"})) for name in unknown)


@pytest.mark.parametrize("reaction", ["serve", "refuse"])
def test_what_the_spool_does_not_take_is_left_to_the_general_path(reaction: Any) -> None:
    plain = made()
    plain = msgspec.structs.replace(
        plain, routes=tuple(msgspec.structs.replace(route, on_ledger_down=reaction) for route in plain.routes)
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    found = []
    for settings in (plain, general(plain)):
        # No file may grow: a disk without room.
        found.append(seen(MANY, [GOOD], settings, lambda _: limit_files(0, hard)))
        limit_files(soft, hard)
    straight, other = found
    assert straight.straight == 0
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert len(straight.upstream) == (len(MANY) if reaction == "serve" else 0)


def limit_files(most: int, hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


@pytest.mark.parametrize("pieces", [[GOOD], ANSWERED["500"], ANSWERED["by going away"], []])
def test_what_is_under_way_when_a_snapshot_comes_ends_under_its_own(pieces: Pieces) -> None:
    route = msgspec.structs.replace(made().routes[0], use="llama", baseline=None, candidate=None, share=0)
    changed = msgspec.structs.replace(made(), version="3", routes=(route,))
    change = NewSnapshot("3", msgspec.msgpack.encode(changed))
    first = [asked(user="ann")]
    plain = with_a_fallback(made())
    straight = seen(first, pieces, plain, meanwhile=lambda serving: serving.apply(change))
    other = seen(first, pieces, general(plain), meanwhile=lambda serving: serving.apply(change))
    assert (straight.straight, other.straight) == (1, 0)
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert straight.entries == other.entries


@pytest.mark.parametrize("how", ["well", "500", "by going away", "in no JSON"])
def test_what_is_under_way_when_a_drill_falls_due_is_none(how: str) -> None:
    [route] = made().routes
    route = msgspec.structs.replace(route, use="llama", baseline=None, candidate=None, fallback=("mini",))
    drilling = made(routes=(msgspec.structs.replace(route, drill_every=3600),))

    def found(settings: Snapshot) -> Seen:
        drilled, due = (lambda it, ago=ago: it.drill_pace.took(route, it.loop.time() - ago) for ago in (0, 7200))
        return seen([asked()], ANSWERED[how], settings, drilled, due)

    straight, other = found(drilling), found(general(drilling))
    assert (straight.straight, other.straight) == (1, 0)
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert straight.entries == other.entries


@pytest.mark.parametrize("how", ["well", "500", "by going away", "not before the caller leaves"])
def test_what_hosts_tell_holds_for_what_comes_later(how: str) -> None:
    """What is under way ends as it began; the next request on the same connection goes where it may go by now."""
    plain = made()
    [route] = plain.routes
    host = Provider("host", "ollama", "ollama", "local", (Endpoint("http://127.0.0.1:3", 9),))
    several = msgspec.structs.replace(
        plain,
        providers=(*plain.providers, host),
        targets=(*plain.targets, Target("llava", "host", "llava", "local", abilities=frozenset({"tools"}), cell=9)),
        routes=(msgspec.structs.replace(route, use="llava", baseline=None, candidate=None, fallback=("mini",)),),
    )
    found = Report(1.0, sizes=(("llava:latest", 1),), shown=(Shown("llava:latest", ("completion", "vision")),))

    def tell(serving: Worker) -> None:
        serving.serving.hear([Probed("host", host.endpoints[0].url, found)])

    asks = [asked(messages=PICTURE)] * 2
    straight = seen(asks, ANSWERED[how], several, meanwhile=tell)
    other = seen(asks, ANSWERED[how], general(several), meanwhile=tell)
    assert (straight.straight, other.straight) == (1, 0)
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert straight.entries == other.entries


# -- samples -----------------------------------------------------------------------------------------------------------


class Offered(SampleLine):
    """A line that keeps what is offered, as it would go out; None for what is dropped. Worker for worker the same
    exchanges are drawn."""

    def __init__(self, serving: Worker) -> None:
        super().__init__(serving.state.content_socket, serving.board)
        self.samples: list[bytes | None] = []
        numbers = count()
        vars(serving).update(samples=self, next_id=lambda: f"worker-{next(numbers):x}")

    def offer(self, made: Callable[[], Sample | None]) -> None:
        sample = made()
        if sample is None:
            self.samples.append(None)
            return
        assert sample.first_content is None
        assert sample.duration > 0
        assert sample.at > 0
        self.samples.append(framed(msgspec.structs.replace(sample, at=0, duration=0)))


def sampled_on_both(asks: list[bytes], pieces: Pieces, made: Snapshot) -> tuple[int, list[Any]]:
    """How many went straight, and what was offered as samples on both paths, which is the same."""
    lines: list[Offered] = []
    straight = seen(asks, pieces, made, lambda serving: lines.append(Offered(serving)))
    other = seen(asks, pieces, general(made), lambda serving: lines.append(Offered(serving)))
    assert other.straight == 0
    assert (straight.upstream, straight.caller) == (other.upstream, other.caller)
    assert straight.entries == other.entries
    assert lines[0].samples == lines[1].samples
    return straight.straight, [sample and read_to_control(sample[4:]) for sample in lines[0].samples]


def sampled(sampling: Sampling, **changes: Any) -> Snapshot:
    plain = made()
    routes = (msgspec.structs.replace(route, sampling=sampling, **changes) for route in plain.routes)
    return msgspec.structs.replace(plain, routes=tuple(routes))


ALL, HALF = 10_000, 5_000
TASKED = [*MANY[:3], *(posted(b'{"model":"gpt-4o","messages":[]}', b"x-earthward-task: chat") for _ in range(4))]
SAMPLING = {
    "none": Sampling(),
    "half": Sampling(share=HALF),
    "all": Sampling(share=ALL),
    "half shadowed": Sampling(shadow=HALF),
    "all shadowed": Sampling(shadow=ALL),
    "some shadowed, half kept": Sampling(share=HALF, shadow=2000),
    "half shadowed, some kept": Sampling(share=2000, shadow=HALF),
    "one task": Sampling(share=ALL, shadow=HALF, tasks=("chat",)),
}


@pytest.mark.parametrize("how", SAMPLING)
def test_both_paths_sample_the_same_exchanges_and_say_the_same_of_them(how: str) -> None:
    asks = TASKED + MANY
    straight, samples = sampled_on_both(asks, [GOOD], sampled(SAMPLING[how]))
    assert straight == len(asks)
    assert len(samples) == len(asks) if how.startswith("all") else len(samples) < len(asks)
    assert bool(samples) == (how != "none")
    if how == "one task":
        assert {sample.task for sample in samples} == {"chat"}
        assert len(samples) == 4
    if how.startswith("all"):
        assert {sample.arm for sample in samples} == {"baseline", "candidate"}
    for sample in samples:
        other = "llama" if sample.arm == "baseline" else "mini"
        assert sample.other in (None, other)
        assert sample.answer
        assert sample.request.endswith(b"}")


@pytest.mark.parametrize("how", ANSWERED)
def test_both_paths_sample_the_same_of_each_answer(how: str) -> None:
    """Failures, answers that can't be kept, callers who leave: some are no samples, some are counted as dropped."""
    sampled_on_both(ONE * 3, ANSWERED[how], sampled(Sampling(share=ALL, shadow=ALL)))


@pytest.mark.parametrize("how", ASKED)
def test_both_paths_sample_the_same_of_each_question(how: str) -> None:
    sampled_on_both(ASKED[how], [GOOD], sampled(Sampling(share=HALF, shadow=2000)))


@pytest.mark.parametrize(
    ("kept", "line", "goes"),
    [
        (0, b"x-earthward-data-class: secret", False),
        (ALL, b"x-earthward-data-class: secret", False),
        (0, b"x-earthward-data-class: public", True),
    ],
)
def test_what_may_not_leave_has_no_other_arm_in_the_cloud(kept: int, line: bytes, *, goes: bool) -> None:
    asks = [posted(b'{"model":"gpt-4o","messages":[]}', line, b"x-earthward-unit: %d" % unit) for unit in range(9)]
    all_candidates = sampled(Sampling(share=kept, shadow=ALL), share=ALL)
    straight, samples = sampled_on_both(asks, [GOOD], all_candidates)
    assert straight == len(asks)
    assert [sample.other for sample in samples] == ["mini" if goes else None] * (9 if goes or kept else 0)


def test_what_the_other_arm_can_not_do_it_is_not_asked() -> None:
    plain = sampled(Sampling(shadow=ALL), share=0)
    [mini, llama] = plain.targets
    unable = msgspec.structs.replace(plain, targets=(mini, msgspec.structs.replace(llama, abilities=frozenset())))
    straight, samples = sampled_on_both([*ASKED["with tools"], *ONE], [GOOD], unable)
    assert straight == 2
    assert [sample.other for sample in samples] == ["llama"], "the one without tools"


def test_a_route_with_one_target_is_sampled_without_another() -> None:
    alone = sampled(Sampling(share=ALL, shadow=ALL), use="mini", baseline=None, candidate=None)
    straight, samples = sampled_on_both(MANY, [GOOD], alone)
    assert straight == len(MANY)
    assert {(sample.arm, sample.other) for sample in samples} == {("only", None)}


def body_of(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("beyond", [0, 1])
@pytest.mark.parametrize("where", ["request", "answer"])
def test_what_is_too_large_is_counted_and_not_kept(where: str, beyond: int) -> None:
    def ask(text: str = "") -> bytes:
        return asked(model="gpt-4o-mini-2024-07-18", messages=[{"role": "user", "content": text}])

    def answer(text: str = "") -> bytes:
        return said(choices=choice(message={"role": "assistant", "content": text}))

    made = ask if where == "request" else answer
    large = made("x" * (LARGEST + beyond - len(body_of(made()))))
    asks, answers = (large, GOOD) if where == "request" else (ask(), large)
    roomy = msgspec.structs.replace(sampled(Sampling(share=ALL)), limits=Limits())
    straight, [sample] = sampled_on_both([asks], [answers], roomy)
    assert straight == 1
    assert (sample is None) == bool(beyond)
    assert sample is None or len(getattr(sample, where)) == LARGEST


def test_a_draw_is_the_same_each_time_and_spread_evenly() -> None:
    draws = [mark(f"exchange-{number}") for number in range(10_000)]
    assert draws == [mark(f"exchange-{number}") for number in range(10_000)]
    assert all(0 <= draw < BELOW for draw in draws)
    assert 800 < sum(draw < BELOW // 10 for draw in draws) < 1200
