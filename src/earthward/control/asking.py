"""Asks a target something that no caller waits for: behind everybody else, and only as long as there is room.

Uses the gateway's own dialects, connections and keys, but no queue of the workers': a slot is taken only where one more
is left for a user, and given up when users need all there are. Nothing is retried.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

import msgspec

from earthward.chat import Answer, ChatRequest, Event, Failed, Failure, FailureKind, Usage, collect, is_content
from earthward.config.snapshot import Deadlines, Route, Snapshot, Zone
from earthward.cost.exchange import cost_at
from earthward.gateway import tiers
from earthward.gateway.balancing import Known, Wanted
from earthward.gateway.board import Board
from earthward.gateway.crossing import at
from earthward.gateway.doors.exit import Reader, Way
from earthward.gateway.identity import Identities
from earthward.gateway.serving import IdlePools, Serving, ServingTarget
from earthward.gateway.upstream import ENCODED, NOT_A_STREAM, is_encoded
from earthward.http.client import ClientConnection, ConnectFailed
from earthward.http.refusal import Headers
from earthward.http.sweep import Sweep
from earthward.quality import lowly
from earthward.routing import egress
from earthward.routing.context import Lengths
from earthward.routing.tiers import allocated, least, most

LOOK = 0.02
"""Seconds between two looks whether users need the slot."""
REST = 30.0
"""Seconds for which a target that has too much to do is left alone, unless it says."""
LARGEST = 1024 * 1024
"""Bytes of an answer."""
OK = 200
TOO_MUCH = (FailureKind.RATE_LIMITED, FailureKind.OVERLOADED)
NOTHING_USED = Usage()
UNTAUGHT = Lengths()


class Answered(msgspec.Struct, frozen=True):
    """`cost` is in nano-dollars, None unknown; times are nanoseconds. With `gave_way`, it made room for users."""

    target: str
    endpoint: str
    started_at: int
    stream: bool = False
    duration: int = 0
    first_content: int | None = None
    status: int | None = None
    answer: Answer | None = None
    failure: Failure | None = None
    usage: Usage = NOTHING_USED
    cost: int | None = 0
    gave_way: bool = False


class Asking:
    """The targets of a snapshot, for the process that asks in the background."""

    def __init__(self, board: Board, engines: Mapping[str, str]) -> None:
        self._board = board
        self._engines = engines
        self._sweep = Sweep(0.25)
        self._known = Known(board, {}, {})
        self._identities = Identities()
        self._pools: IdlePools = {}
        self._ours: Counter[int] = Counter()
        self._rests_until: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.serving: Serving | None = None

    def take_over(self, snapshot: Snapshot) -> None:
        """Raises OSError, ValueError or LookupError where a secret can't be had; the one before stays then."""
        serving = Serving(snapshot, self._pools, self._engines, self._sweep, self._known, self._identities)
        left = [pool for identity, pool in self._pools.items() if identity not in serving.pools]
        self._pools, self.serving = serving.pools, serving
        for pool in left:
            task = asyncio.get_running_loop().create_task(pool.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def deadlines(self, route: Route, target: ServingTarget) -> Deadlines:
        """Those of its users there."""
        assert self.serving is not None, "whoever has a target has been told of one"
        return self.serving.deadlines(route, target.provider)

    def target(self, name: str) -> ServingTarget | None:
        return self.serving.targets.get(name) if self.serving else None

    # -- room ------------------------------------------------------------------------------------------------------

    def place(self, target: ServingTarget) -> int | None:
        """An endpoint with room to spare, one that holds the model first; None where all are for users now."""
        if self._rests_until.get(target.name, 0.0) > time.monotonic():
            return None
        zone, balancing = target.target.zone, target.provider.balancing
        free = []
        for place, endpoint in enumerate(target.provider.endpoints):
            standing = balancing.standings[place]
            users, ours = self._board.in_flight(endpoint.cell), self._ours[endpoint.cell]
            is_out = bool(standing.out(int(time.monotonic() * 1000)))
            if not is_out and lowly.may_begin(self._slots(target, place), users, ours, zone):
                free.append((not standing.holds(target.model), users + ours, place))
        return min(free)[2] if free else None

    def _slots(self, target: ServingTarget, place: int) -> int | None:
        assert self.serving is not None
        told = next(it for it in self.serving.snapshot.providers if it.name == target.provider.name)
        return told.endpoints[place].slots

    def why_not(self, target: ServingTarget, place: int, data_class: str, boundary: object) -> str | None:
        """Asked at the last step before the socket. A host that sends a model on to a cloud is in the cloud."""
        is_remote = target.model in target.provider.balancing.standings[place].remote
        zone: Zone = "cloud" if is_remote else target.target.zone
        return egress.why_not(data_class, "local" if boundary == "local" else None, zone)

    # -- one question ------------------------------------------------------------------------------------------------

    async def ask(self, target: ServingTarget, place: int, chat: ChatRequest, deadlines: Deadlines) -> Answered:
        """One attempt, whole or streamed as the chat says: both arms' answers are timed alike then, and no token
        of what was asked for whole wakes this process. Whatever goes wrong is told in the result."""
        cell = target.provider.endpoints[place].cell
        self._ours[cell] += 1
        try:
            return await self._asked(target, place, chat, deadlines)
        finally:
            self._ours[cell] -= 1

    async def _asked(self, target: ServingTarget, place: int, chat: ChatRequest, deadlines: Deadlines) -> Answered:
        started_at, endpoint = time.time_ns(), target.provider.endpoints[place]
        begun = Answered(target.name, endpoint.url, started_at, chat.stream)
        wanted = msgspec.structs.replace(chat, model=target.target.model, stream_usage=chat.stream)
        way = way_for(target, place, wanted)
        body = way.write_request(wanted)
        if isinstance(body, Failure):
            return msgspec.structs.replace(begun, failure=body)
        provider = target.provider
        _, credential = provider.credentials.current(time.monotonic())
        head = target.chat_head(place, stream=wanted.stream)
        request = b"%b%b%bcontent-length: %d\r\n\r\n%b" % (head, credential, provider.all_lines, len(body), body)
        kept = endpoint.pool.idle()
        while True:
            try:
                connection = kept or await endpoint.pool.connect(deadlines.connect)
            except ConnectFailed as failed:
                failure = provider.as_seen_by_callers(Failure(failed.kind, failed.message))
                return msgspec.structs.replace(begun, failure=failure)
            hearing: _Hearing = (
                _Streamed(connection, way.reader(wanted), target.exit.stream_type)
                if wanted.stream
                else _Whole(connection, way, wanted)
            )
            connection.send(request, hearing, deadlines)
            gave_way = await self._heard_out(hearing, target, place)
            if kept is None or not hearing.is_stale:
                return self._told(begun, hearing, target, gave_way=gave_way)
            kept = None

    async def _heard_out(self, hearing: "_Hearing", target: ServingTarget, place: int) -> bool:
        """Waits for the answer, or until users need the slot; whether it was given up."""
        cell, slots = target.provider.endpoints[place].cell, self._slots(target, place)
        loop, gave_way = asyncio.get_running_loop(), False
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal gave_way, timer
            if lowly.must_yield(slots, self._board.in_flight(cell), self._ours[cell]):
                gave_way = not hearing.done.is_set()
                hearing.leave()
            timer = loop.call_later(LOOK, look)

        # Without a task for each look: there are fifty a second for each shadow.
        if slots is not None:
            timer = loop.call_later(LOOK, look)
        try:
            await hearing.done.wait()
        finally:
            if timer is not None:
                timer.cancel()
        return gave_way

    def _told(self, begun: Answered, hearing: "_Hearing", target: ServingTarget, *, gave_way: bool) -> Answered:
        failure, answer = hearing.failure, None
        if failure is None and hearing.status != OK:
            failure = target.exit.failure_of(hearing.status, hearing.headers, bytes(hearing.error))
        elif failure is None and not gave_way:
            said = hearing.answer()
            failure, answer = (said, None) if isinstance(said, Failure) else (None, said)
        if failure is not None and failure.kind in TOO_MUCH:
            self._rests_until[target.name] = time.monotonic() + (failure.retry_after or REST)
        usage = answer.usage if answer is not None else NOTHING_USED
        was_billed = hearing.status in (0, OK)
        return msgspec.structs.replace(
            begun,
            duration=time.time_ns() - begun.started_at,
            first_content=hearing.first - begun.started_at if hearing.first else None,
            status=hearing.status or None,
            answer=answer,
            failure=failure and target.provider.as_seen_by_callers(failure),
            usage=usage,
            cost=billed(target, usage, begun.started_at, was_billed=was_billed),
            gave_way=gave_way,
        )

    def close(self) -> None:
        for pool in self._pools.values():
            task = asyncio.get_running_loop().create_task(pool.close())
            self._closing.add(task)


def way_for(target: ServingTarget, place: int, chat: ChatRequest) -> Way:
    """As users would ask there: what nobody waits for must not have a model loaded anew that has context enough."""
    about = target.target
    if not about.tiers:
        return target.way
    need = tiers.need_of(chat, about.model, UNTAUGHT)
    wanted = Wanted(target.model, allocated(about, least(about, need)), most=most(about))
    return at(target.way, tiers.at_place(target, place, wanted))


def billed(target: ServingTarget, usage: Usage, at: int, *, was_billed: bool) -> int | None:
    """What runs in the house and has no price sends no bill."""
    if not was_billed or is_free(target):
        return 0
    return cost_at(target.target, usage, at)


def is_free(target: ServingTarget) -> bool:
    return target.target.zone == "local" and target.target.price.input is None


class _Hearing:
    """Hears an answer out. `first` is when its first content came, in Unix nanoseconds; 0 where that can't be told."""

    def __init__(self, connection: ClientConnection) -> None:
        self.done = asyncio.Event()
        self.status = 0
        self.headers: Headers = []
        self.error = bytearray()
        self.failure: Failure | None = None
        self.first = 0
        self._connection = connection
        self._size = 0

    def answer(self) -> Answer | Failure:
        """What was said, once all of it is here."""
        raise NotImplementedError

    def _take(self, data: bytes) -> None:
        raise NotImplementedError

    def on_head(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers
        if is_encoded(headers):
            self._give_up(ENCODED)

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LARGEST:
            self._give_up(Failure(FailureKind.MALFORMED, f"the answer is larger than {LARGEST} bytes"))
        elif self.status != OK:
            self.error += data
        else:
            self._take(data)

    def on_end(self) -> None:
        self.done.set()

    def on_error(self, kind: FailureKind, message: str) -> None:
        self.failure = self.failure or Failure(kind, message)
        self.done.set()

    @property
    def is_stale(self) -> bool:
        """Whether a kept connection turned out to have been closed before anything was said."""
        return not self.status and self.failure is not None and self.failure.kind is FailureKind.RESET

    def leave(self) -> None:
        self._connection.cancel()
        self.done.set()

    def _give_up(self, failure: Failure) -> None:
        self.failure = self.failure or failure
        self._connection.cancel()
        self.done.set()


class _Whole(_Hearing):
    """One that comes at once."""

    def __init__(self, connection: ClientConnection, way: Way, chat: ChatRequest) -> None:
        super().__init__(connection)
        self._way, self._chat = way, chat
        self._pieces: list[bytes] = []

    def answer(self) -> Answer | Failure:
        return self._way.read_answer(self._chat, b"".join(self._pieces))

    def _take(self, data: bytes) -> None:
        self._pieces.append(data)


class _Streamed(_Hearing):
    """One that comes event by event; `type` is how the content type of its streams begins."""

    def __init__(self, connection: ClientConnection, reader: Reader, type: bytes) -> None:
        super().__init__(connection)
        self._reader = reader
        self._type = type
        self._events: list[Event] = []

    def answer(self) -> Answer | Failure:
        return collect(self._events)

    def on_head(self, status: int, headers: Headers) -> None:
        super().on_head(status, headers)
        if status == OK and not dict(headers).get(b"content-type", b"").startswith(self._type):
            self._give_up(NOT_A_STREAM)

    def on_end(self) -> None:
        if self.status == OK and not self.done.is_set():
            self._hear(self._reader.end())
        super().on_end()

    def _take(self, data: bytes) -> None:
        self._hear(self._reader.feed(data))

    def _hear(self, events: list[Event]) -> None:
        if not self.first and any(map(is_content, events)):
            self.first = time.time_ns()
        self._events += events
        if any(isinstance(event, Failed) for event in events):
            self.leave()
