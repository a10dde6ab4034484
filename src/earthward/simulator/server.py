"""The simulator as a server: takes a request, decides how it is answered, and lets the player answer it."""

import asyncio
import ssl as tls
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from typing import Any, Self

from earthward.config.snapshot import Limits
from earthward.http.server import Request, Server, ServerConnection
from earthward.simulator.answers import Answers
from earthward.simulator.control import control
from earthward.simulator.faults import FAULTS
from earthward.simulator.hardware import Hardware, LocalModel, tagged
from earthward.simulator.journal import Entry, Journal
from earthward.simulator.listening import Port
from earthward.simulator.machine import Machine, Seat, Visit
from earthward.simulator.models import ALL, Model, Offer
from earthward.simulator.player import Player, Wire
from earthward.simulator.script import Script
from earthward.simulator.steps import Answer, Problem, Whole
from earthward.simulator.vendors import VENDORS
from earthward.simulator.vendors.vendor import Made, Vendor
from earthward.simulator.wheel import SLOT, Ticker

_JSON = (b"content-type", b"application/json")
# A stand-in for a vendor takes what a vendor takes, and waits for clients that are slow on purpose.
_LIMITS = Limits(body=64 * 1024 * 1024, head_deadline=60.0, body_deadline=60.0, keep_alive=300.0)


class Simulator:
    """Start and stop it in a running event loop, or use it with `async with`.

    `keys` are the credentials it knows; without any, all are good. `hardware` is what Ollama runs on; unless
    its models are named, those of the house are among them. `script` says how requests are answered, `journal` what was
    received, `machine` what is in memory.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        keys: Iterable[str] = (),
        models: Iterable[Model] = ALL,
        keep: int = 10_000,
        bodies: bool = False,
        slot: float = SLOT,
        ssl: tls.SSLContext | None = None,
        hardware: Hardware | None = None,
    ) -> None:
        self.script = Script(seed)
        self.journal = Journal(keep, bodies)
        self._host = host
        self._wanted_port = port
        self.machine = Machine(hardware)
        offer = Offer(models, self.machine)
        if self.machine.hardware.models is None:
            self.machine.add(LocalModel(tagged(model.name)) for model in offer.of("house"))
        self._answers = Answers(self.script, offer, keys, seed)
        self._slot = slot
        self._ssl = ssl
        self._server = Server(self._take, _LIMITS, error_body=_refusal)
        self._refusing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Self:
        self._ticker = self.machine.ticker = Ticker(asyncio.get_running_loop(), self._slot)
        self._port = Port(self._host, self._wanted_port)
        # With no socket of its own the server only begins to watch its deadlines; it has to accept on ours.
        await self._server.serve([])
        await self.accept()
        return self

    async def stop(self) -> None:
        if self._refusing is not None:
            self._refusing.cancel()
        self._port.give_up()
        await self._server.drain(0)
        self.machine.stop()
        self._ticker.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._ssl else 'http'}://{host}:{self.port}"

    def log(self, since: int = 0, bodies: bool = False) -> list[dict[str, Any]]:
        return self.journal.log(since, bodies=bodies)

    def stats(self) -> dict[str, Any]:
        return self.journal.stats()

    def refuse(self, seconds: float | None = None) -> None:
        """As if the process had died: all connections are reset, and new ones refused until then, or `accept`."""
        self._port.shut()
        for connection in list(self._server.open):
            if isinstance(connection, Wire):
                connection.reset()
        if self._refusing is not None:
            self._refusing.cancel()
            self._refusing = None
        if seconds is not None:
            self._refusing = asyncio.get_running_loop().call_later(seconds, self._accept_again)

    async def accept(self) -> None:
        """Ends a refusal."""
        await self._port.open(lambda: Wire(self._server), self._ssl)

    def _accept_again(self) -> None:
        task = asyncio.get_running_loop().create_task(self.accept())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # From a request to its answer.

    def _take(self, request: Request, connection: ServerConnection) -> None:
        if request.path.startswith(b"/sim/"):
            status, body = control(request, self.script, self.journal, self.machine)
            connection.respond(status, [_JSON], body)
            return
        assert isinstance(connection, Wire)
        vendor = _vendor_of(request)
        entry = self.journal.opened(request.method, request.path, request.headers, request.body)
        made = self._answers.to(vendor, request, entry.ordinal)
        if isinstance(made, Made):
            entry.ask(made.asked, made.model.name, made.behaviour.fault)
            visit = vendor.visit(made)
            if visit is None:
                self._play(vendor, made, entry, connection)
            else:
                self._seat(vendor, made, entry, connection, visit)
            return
        entry.digest = sha256(request.body).hexdigest()
        answer_id = self._answers.id(entry.ordinal)
        head = vendor.head(answer_id, entry.received_at // 10**9)
        if not isinstance(made, Whole | Problem):
            Player(connection, made, self._ticker, self.refuse, partial(self._told, entry)).play()
            return
        answer = made if isinstance(made, Whole) else _as_whole(made, vendor, answer_id)
        self.journal.ended(entry, "finished", answer.status)
        connection.respond(answer.status, answer.headers + head, answer.body)

    def _seat(self, vendor: Vendor, made: Made, entry: Entry, wire: Wire, visit: Visit) -> None:
        """Lets an answer wait for its place on the machine."""

        def ready(seat: Seat | None) -> None:
            wire.on_gone = None
            if seat is None:
                busy = _as_whole(vendor.busy, vendor, made.id)
                self.journal.ended(entry, "finished", busy.status)
                wire.respond(busy.status, busy.headers, busy.body)
            else:
                self._play(vendor, vendor.seated(made, seat), entry, wire, visit)

        def gone() -> None:
            self.machine.leave(visit)
            self.journal.ended(entry, "cancelled", 0)

        wire.on_gone = gone
        self.machine.join(visit, ready)

    def _play(self, vendor: Vendor, made: Made, entry: Entry, wire: Wire, visit: Visit | None = None) -> None:
        entry.cached, entry.waited = made.draft.cached, made.seat.waited if made.seat else 0.0
        honest = partial(vendor.stream if made.asked.stream else vendor.whole, made)
        fault = made.behaviour.fault
        if fault is None:
            steps = honest()
        else:
            answer = Answer(
                behaviour=made.behaviour,
                stream=made.asked.stream,
                headers=made.headers,
                steps=honest,
                error=lambda problem: vendor.error(problem, made.id),
                event=vendor.event,
                around=vendor.around(made.asked.stream),
                refusal=lambda name: vendor.refusal(name, made.created),
            )
            steps = FAULTS[fault].steps(answer)
        Player(wire, steps, self._ticker, self.refuse, partial(self._played, made, entry, visit)).play()

    def _told(self, entry: Entry, player: Player, how: str) -> None:
        self.journal.ended(entry, how, player.status)

    def _played(self, made: Made, entry: Entry, visit: Visit | None, player: Player, how: str) -> None:
        if visit is not None:
            self.machine.leave(visit)
        entry.pieces, entry.tokens = player.pieces, player.tokens
        draft = made.draft
        if how == "finished" and entry.fault is None:
            self.journal.bill(entry, made.model, draft.cached, draft.output, draft.cache_written)
        elif player.tokens:
            said = player.tokens + (draft.hidden if made.asked.stream else 0)
            self.journal.bill(entry, made.model, draft.cached, said, draft.cache_written)
        self.journal.ended(entry, how, player.status)


def _as_whole(problem: Problem, vendor: Vendor, answer_id: str) -> Whole:
    return Whole(problem.status, [_JSON, *problem.headers], vendor.error(problem, answer_id))


def _refusal(status: int, reason: str, path: bytes) -> tuple[bytes, bytes]:
    """What the vendor at this path says to a request that is none, or is too large."""
    path, _, query = path.partition(b"?")
    vendor = _vendor_of(Request(b"POST", path, path, query, [], b"", 1, 0.0))
    return _JSON[1], vendor.error(Problem(status, reason), "0")


def _vendor_of(request: Request) -> Vendor:
    """Whose request it is; the last vendor answers for paths that are nobody's."""
    return next((vendor for vendor in VENDORS if vendor.speaks(request)), VENDORS[-1])
