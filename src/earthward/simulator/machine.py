"""One machine that keeps models in memory and lets requests wait for them, as Ollama does.

Requests for a model that is not loaded as they want it wait in a bounded queue for one load at a time; those for a
loaded one wait for a slot, without bound. It knows no wire format.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from earthward.simulator.hardware import LIBRARY, Hardware, LocalModel, tagged
from earthward.simulator.wheel import Ticker, Turn

_ON_CPU = 5.0
"""How many times slower a layer is that found no room in the graphics memory."""
_BYTES_A_TOKEN = 4


class Seat(msgspec.Struct, frozen=True):
    """A slot a request has got. Times are in seconds since it joined; rates in tokens per second, None: no time."""

    loaded: float
    waited: float
    cached: int
    prefill: float | None
    decode: float | None


class Visit:
    """One request. `prompt` and what follows it, `answer`, stay in the slot's cache; `tokens` is the prompt's length.

    `options` are those a model has to be loaded with, `context` among them; with `keep_alive` None it stays as long as
    it would. `ready` is called once, with a seat or, when too many wait, with None. Without a prompt, loading is all.
    """

    __slots__ = (
        *("answer", "context", "joined", "keep_alive", "loaded", "model", "options", "prompt"),
        *("ready", "runner", "slot", "tokens"),
    )

    def __init__(
        self,
        model: LocalModel,
        context: int,
        options: tuple[object, ...] = (),
        *,
        prompt: bytes = b"",
        answer: bytes = b"",
        tokens: int = 0,
        keep_alive: float | None = None,
    ) -> None:
        self.model = model
        self.context = context
        self.options = (context, *options)
        self.prompt = prompt
        self.answer = answer
        self.tokens = tokens
        self.keep_alive = keep_alive
        self.ready: Callable[[Seat | None], None] = lambda seat: None
        self.runner: Runner | None = None
        self.slot: Slot | None = None
        self.joined = 0.0
        self.loaded = 0.0


class Slot:
    """What one of a runner's places has in its cache, and since when it is free."""

    __slots__ = ("text", "used_at")

    def __init__(self) -> None:
        self.text = b""
        self.used_at = 0.0


class Runner:
    """A model in memory. `size` bytes in all, `vram` of them where it is fast."""

    __slots__ = (
        *("context", "expires_at", "expiry", "is_leaving", "is_ready", "keep_alive", "loader", "model", "options"),
        *("_free", "_unused", "busy", "size", "vram", "waiting"),
    )

    def __init__(self, visit: Visit, slots: int, size: int, vram: int, keep_alive: float) -> None:
        self.model = visit.model
        self.context = visit.context
        self.options = visit.options
        self.size = size
        self.vram = vram
        self.keep_alive = keep_alive
        # Thousands of places cost nothing until they are used.
        self._unused = slots
        self._free: list[Slot] = []
        self.busy = 0
        self.waiting: deque[Visit] = deque()
        self.loader: Visit | None = visit
        self.is_ready = False
        self.is_leaving = False
        self.expires_at = 0.0
        self.expiry: Turn | None = None

    @property
    def is_idle(self) -> bool:
        return self.is_ready and not self.waiting and not self.busy

    def slowed(self, rate: float | None, crowding: float) -> float | None:
        """The rate of one request beside the others, with part of the model where it is slow."""
        if rate is None:
            return None
        outside = 1 - self.vram / self.size if self.size else 0.0
        return rate * max(0.05, 1 - crowding * (self.busy - 1)) / (1 + (_ON_CPU - 1) * outside)

    def take_slot(self, prompt: bytes) -> tuple[Slot, int] | None:
        """The free slot that shares most with a prompt, the longest unused of equals, and how many bytes it shares."""
        free = [(common(slot.text, prompt), -slot.used_at, slot) for slot in self._free]
        if self._unused:
            free.append((0, 0.0, Slot()))
        if not free:
            return None
        shared, _, slot = max(free, key=lambda each: each[:2])
        if slot in self._free:
            self._free.remove(slot)
        else:
            self._unused -= 1
        self.busy += 1
        return slot, shared

    def give_back(self, slot: Slot, now: float) -> None:
        slot.used_at = now
        self.busy -= 1
        self._free.append(slot)


class Machine:
    """Give it a `ticker` before anything else. `version` counts the changes on its disk, `loads` those of models;
    `now` is Unix seconds."""

    def __init__(self, hardware: Hardware | None = None, now: Callable[[], float] = time.time) -> None:
        self.hardware = hardware or Hardware()
        self.models: dict[str, LocalModel] = {}
        self.runners: dict[str, Runner] = {}
        self.version = 0
        self.loads = 0
        self.ticker: Ticker | None = None
        self._now = now
        self._pending: deque[Visit] = deque()
        self._loading: tuple[Runner, Turn | None] | None = None
        self.add(LIBRARY if self.hardware.models is None else self.hardware.models)

    # What is on its disk.

    def add(self, models: Iterable[LocalModel]) -> None:
        for model in models:
            self.models[tagged(model.name)] = model
            self.version += 1

    def remove(self, name: str) -> bool:
        self.version += 1
        self.unload(name)
        return self.models.pop(tagged(name), None) is not None

    # What is in its memory.

    def join(self, visit: Visit, ready: Callable[[Seat | None], None]) -> None:
        visit.ready, visit.joined = ready, time.monotonic()
        runner = self._fitting(visit)
        if runner is not None:
            self._take(runner, visit)
        elif len(self._pending) >= self.hardware.queue:
            ready(None)
        else:
            self._pending.append(visit)
            self._go_on()

    def leave(self, visit: Visit) -> None:
        """The request is over, or its client has left: a load for it is given up, its slot is the next one's."""
        runner = visit.runner
        if runner is None:
            if visit in self._pending:
                self._pending.remove(visit)
                self._go_on()
            return
        visit.runner = None
        if runner.loader is visit:
            self._abort_load()
            return
        if visit.slot is not None:
            runner.give_back(visit.slot, time.monotonic())
            visit.slot = None
        elif visit in runner.waiting:
            runner.waiting.remove(visit)
        self._serve(runner)

    def unload(self, name: str) -> None:
        runner = self.runners.get(tagged(name))
        if runner is not None:
            self._evict(runner)
            self._go_on()

    def stop(self) -> None:
        self._pending.clear()
        self.runners.clear()
        self.ticker = None

    def _fitting(self, visit: Visit) -> Runner | None:
        """The runner that has the model loaded as it is wanted."""
        runner = self.runners.get(tagged(visit.model.name))
        fits = runner is not None and runner.is_ready and not runner.is_leaving and runner.options == visit.options
        return runner if fits else None

    def _take(self, runner: Runner, visit: Visit) -> None:
        visit.runner, visit.loaded = runner, time.monotonic()
        if runner.expiry is not None:
            runner.expiry.cancel()
            runner.expiry = None
        if visit.keep_alive is not None:
            runner.keep_alive = visit.keep_alive
        runner.waiting.append(visit)
        self._serve(runner)

    def _serve(self, runner: Runner) -> None:
        """Gives free slots to those that wait, the first to come first; without any, the model's time runs."""
        while runner.waiting:
            visit = runner.waiting[0]
            found = runner.take_slot(visit.prompt) if visit.prompt else None
            if visit.prompt and found is None:
                return
            runner.waiting.popleft()
            self._seat(runner, visit, found)
        if runner.is_idle and self.runners.get(tagged(runner.model.name)) is runner:
            self._rest(runner)

    def _seat(self, runner: Runner, visit: Visit, found: tuple[Slot, int] | None) -> None:
        now, cached = time.monotonic(), 0
        if found is not None:
            slot, shared = found
            # The last token of a prompt is always evaluated: without it there is nothing to go on from.
            cached = max(0, min(shared // _BYTES_A_TOKEN, visit.tokens - 1))
            slot.text, visit.slot = visit.prompt + visit.answer, slot
        self._touch(runner)
        visit.ready(
            Seat(
                loaded=visit.loaded - visit.joined,
                waited=now - visit.joined,
                cached=cached,
                prefill=runner.slowed(self.hardware.prefill, 0.0),
                decode=runner.slowed(self.hardware.decode, self.hardware.crowding),
            )
        )

    def _touch(self, runner: Runner) -> None:
        runner.expires_at = self._now() + (runner.keep_alive if runner.keep_alive >= 0 else 100 * 365 * 86_400)

    def _rest(self, runner: Runner) -> None:
        if runner.is_leaving or runner.keep_alive == 0:
            del self.runners[tagged(runner.model.name)]
            self._go_on()
            return
        self._touch(runner)
        if runner.expiry is not None:
            runner.expiry.cancel()
        if runner.keep_alive > 0 and self.ticker is not None:
            due = time.monotonic() + runner.keep_alive
            runner.expiry = self.ticker.at(due, lambda: self._evict(runner))
        # One that waits to be loaded may have waited for this one to be idle.
        if self._pending:
            self._go_on()

    def _evict(self, runner: Runner) -> None:
        """At once if it is idle, else as soon as it is."""
        runner.is_leaving = True
        if runner.is_idle:
            self.runners.pop(tagged(runner.model.name), None)
            if runner.expiry is not None:
                runner.expiry.cancel()

    def _go_on(self) -> None:
        """Loads for those that wait, the first to come first; what is in the way of one holds up all behind it."""
        while self._pending and self._loading is None:
            visit = self._pending[0]
            runner = self._fitting(visit)
            if runner is not None:
                self._pending.popleft()
                self._take(runner, visit)
                continue
            in_the_way = self.runners.get(tagged(visit.model.name)) or self._to_make_room(visit)
            if in_the_way is None:
                self._pending.popleft()
                self._load(visit)
                continue
            self._evict(in_the_way)
            if not in_the_way.is_idle:
                return

    def _needed(self, visit: Visit) -> int:
        return visit.model.size + visit.model.kv * visit.context * self._slots_of(visit.model)

    def _slots_of(self, model: LocalModel) -> int:
        return 1 if "embedding" in model.capabilities else self.hardware.slots

    def _to_make_room(self, visit: Visit) -> Runner | None:
        """What has to go: idle ones first, of these the one that would leave soonest. None if there is room."""
        used = sum(runner.vram for runner in self.runners.values())
        if not self.runners or (
            used + self._needed(visit) <= self.hardware.memory and len(self.runners) < self.hardware.resident
        ):
            return None
        return min(self.runners.values(), key=lambda runner: (not runner.is_idle, runner.expires_at))

    def _load(self, visit: Visit) -> None:
        self.loads += 1
        needed = self._needed(visit)
        free = self.hardware.memory - sum(runner.vram for runner in self.runners.values())
        keep_alive = self.hardware.keep_alive if visit.keep_alive is None else visit.keep_alive
        runner = Runner(visit, self._slots_of(visit.model), needed, max(0, min(needed, free)), keep_alive)
        self.runners[tagged(visit.model.name)] = visit.runner = runner
        self._touch(runner)
        if self.hardware.load is None or self.ticker is None:
            self._loading = (runner, None)
            self._loaded()
        else:
            due = time.monotonic() + visit.model.size / self.hardware.load
            self._loading = (runner, self.ticker.at(due, self._loaded))

    def _loaded(self) -> None:
        assert self._loading is not None
        runner, _ = self._loading
        visit, runner.loader, self._loading = runner.loader, None, None
        runner.is_ready = True
        assert visit is not None
        self._take(runner, visit)
        self._go_on()

    def _abort_load(self) -> None:
        assert self._loading is not None
        runner, turn = self._loading
        if turn is not None:
            turn.cancel()
        self._loading = None
        self.runners.pop(tagged(runner.model.name), None)
        self._go_on()


def common(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common from their start."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
