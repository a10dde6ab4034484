"""The simulator as a server: takes a request, decides how it is answered, and lets the player answer it."""

import asyncio
import ssl as tls
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Self

from earthward.config.snapshot import Limits
from earthward.http.server import Request, Server, ServerConnection
from earthward.simulator.behaviour import BadScript
from earthward.simulator.control import control
from earthward.simulator.draft import Asked, draft
from earthward.simulator.faults import FAULTS
from earthward.simulator.journal import Entry, Journal
from earthward.simulator.listening import Port
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

    `keys` are the credentials it knows; without any, all are good. `script` says how requests are answered, `journal`
    what was received.
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
    ) -> None:
        self.seed = seed
        self.script = Script(seed)
        self.journal = Journal(keep, bodies)
        self._host = host
        self._wanted_port = port
        self._keys = frozenset(keys)
        self._offer = Offer(models)
        self._slot = slot
        self._ssl = ssl
        self._server = Server(self._take, _LIMITS)
        self._refusing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Self:
        self._ticker = Ticker(asyncio.get_running_loop(), self._slot)
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
            status, body = control(request, self.script, self.journal)
            connection.respond(status, [_JSON], body)
            return
        assert isinstance(connection, Wire)
        vendor = next((each for each in VENDORS if each.speaks(request.path)), VENDORS[0])
        entry = self.journal.opened(request.method, request.path, request.headers, request.body)
        made = self._made(vendor, request, entry)
        match made:
            case Made():
                self._play(vendor, made, entry, connection)
            case Whole(status, headers, body):
                self.journal.ended(entry, "finished", status)
                connection.respond(status, headers + vendor.head(self._id(entry)), body)
            case Problem():
                self.journal.ended(entry, "finished", made.status)
                connection.respond(made.status, [_JSON, *vendor.head(self._id(entry))], vendor.error(made))

    def _made(self, vendor: Vendor, request: Request, entry: Entry) -> Made | Whole | Problem:
        if self._keys and (key := vendor.key(request.headers)) not in self._keys:
            return vendor.bad_key(key)
        if request.path != vendor.chat or request.method != b"POST":
            found = vendor.listed(request.path, self._offer) if request.method == b"GET" else None
            return found or vendor.no_path(request.method, request.path)
        asked = vendor.read(request.body, entry.digest)
        if isinstance(asked, Problem):
            return asked
        return self._answer(vendor, request, asked, entry)

    def _answer(self, vendor: Vendor, request: Request, asked: Asked, entry: Entry) -> Made | Problem:
        model = self._offer.find(asked.model)
        if model is None:
            return vendor.no_model(asked.model)
        if asked.input > model.context:
            return vendor.too_long(model, asked.input)
        header = request.get(b"x-sim")
        said = (*asked.directives, header.decode("latin-1") if header else None)
        try:
            behaviour = self.script.for_request(entry.ordinal, model.name, said)
        except BadScript as problem:
            return Problem(400, str(problem), code="bad_script")
        entry.model, entry.stream, entry.images, entry.input = model.name, asked.stream, asked.images, asked.input
        entry.fault = behaviour.fault
        extra = [(name.encode(), value.encode()) for name, value in behaviour.headers.items()]
        return Made(
            asked=asked,
            draft=draft(asked, behaviour, self.seed),
            behaviour=behaviour,
            model=model,
            id=self._id(entry),
            seed=self.seed,
            created=int(time.time()),
            headers=vendor.head(self._id(entry)) + extra,
            clock=time.monotonic_ns,
        )

    def _play(self, vendor: Vendor, made: Made, entry: Entry, wire: Wire) -> None:
        honest = partial(vendor.stream if made.asked.stream else vendor.whole, made)
        fault = made.behaviour.fault
        if fault is None:
            steps = honest()
        else:
            answer = Answer(made.behaviour, made.asked.stream, made.headers, honest, vendor.error, vendor.event)
            steps = FAULTS[fault].steps(answer)
        Player(wire, steps, self._ticker, self.refuse, partial(self._played, made, entry)).play()

    def _played(self, made: Made, entry: Entry, player: Player, how: str) -> None:
        entry.pieces, entry.tokens = player.pieces, player.tokens
        if how == "finished" and entry.fault is None:
            self.journal.bill(entry, made.model, made.draft.cached, made.draft.output)
        elif player.tokens:
            self.journal.bill(entry, made.model, made.draft.cached, player.tokens + made.draft.reasoning)
        self.journal.ended(entry, how, player.status)

    def _id(self, entry: Entry) -> str:
        return f"{self.seed & 0xFFFFFFFF:08x}{entry.ordinal:016x}"
