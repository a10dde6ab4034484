"""Ollama hosts as far as balancing can tell: loads, evictions, queues without end, slots, caches of prompts.

What is loaded is asked at once and waits without a limit; one load at a time; a load that needs room waits for the
least recently used model to have nothing to do.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable

import msgspec

from earthward.routing.balance.view import Resident

SLOWER = 0.35
"""By how much an answer takes longer for each other answer the host is busy with."""


class Model(msgspec.Struct, frozen=True):
    """`size` in bytes; tokens per second read and written by a host of speed 1."""

    name: str
    size: int
    reads: float
    writes: float


class HostKind(msgspec.Struct, frozen=True):
    """`speed` is against a host of speed 1; `disk` in bytes per second; `parallel` answers at a time for each model."""

    speed: float
    disk: float
    room: int = 2
    parallel: int = 2


class Job(msgspec.Struct):
    """One request at a host. Tokens; `tell_first` and `tell_end` are called when they come."""

    model: Model
    conversation: int
    prompt: int
    known: int
    output: int
    tell_first: Callable[[float], None]
    tell_end: Callable[[], None]
    loaded_for: float | None = None


class Clock:
    """Simulated time: calls what is due, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, time: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._count), call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now + seconds, call)

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _, call = heapq.heappop(self._due)
            call()


class Runner:
    """A loaded model: its slots, each with the conversation it last answered, and those who wait."""

    def __init__(self, model: Model, parallel: int) -> None:
        self.model = model
        self.parallel = parallel
        self.running = 0
        self.waiting: deque[Job] = deque()
        self.used_at = 0.0
        self.is_leaving = False
        self._caches: deque[int] = deque(maxlen=parallel)

    @property
    def is_idle(self) -> bool:
        return not self.running and not self.waiting

    def known(self, job: Job) -> int:
        """Tokens of the prompt that a slot still holds."""
        return job.known if job.conversation in self._caches else 0

    def remember(self, conversation: int) -> None:
        if conversation in self._caches:
            self._caches.remove(conversation)
        self._caches.append(conversation)


class Host:
    """One host; `loads` counts how often it loaded a model."""

    def __init__(self, kind: HostKind, clock: Clock) -> None:
        self.kind = kind
        self.clock = clock
        self.loads = 0
        self.runners: dict[str, Runner] = {}
        self._pending: deque[Job] = deque()
        self._loading: str | None = None

    def residents(self) -> tuple[Resident, ...]:
        return tuple(Resident(it.model.name, 8192, it.model.size, it.model.size) for it in self.runners.values())

    def take(self, job: Job) -> None:
        runner = self.runners.get(job.model.name)
        if runner is not None and not runner.is_leaving:
            runner.waiting.append(job)
            self._serve(runner)
        else:
            self._pending.append(job)
            self._schedule()

    def _schedule(self) -> None:
        """Loads what the first in the queue needs, once there is room."""
        if self._loading is not None:
            return
        while self._pending:
            job = self._pending[0]
            runner = self.runners.get(job.model.name)
            if runner is not None and not runner.is_leaving:
                runner.waiting.append(self._pending.popleft())
                self._serve(runner)
                continue
            if len(self.runners) < self.kind.room:
                self._load(job.model)
            else:
                self._make_room()
            return

    def _make_room(self) -> None:
        leaving = next((it for it in self.runners.values() if it.is_leaving), None)
        if leaving is None:
            leaving = min(self.runners.values(), key=lambda it: (not it.is_idle, it.used_at))
            leaving.is_leaving = True
        if leaving.is_idle:
            del self.runners[leaving.model.name]
            self._schedule()

    def _load(self, model: Model) -> None:
        self._loading = model.name
        self.loads += 1
        seconds = model.size / self.kind.disk
        self.clock.after(seconds, lambda: self._loaded(model, seconds))

    def _loaded(self, model: Model, seconds: float) -> None:
        self._loading = None
        self.runners[model.name] = Runner(model, self.kind.parallel)
        for job in self._pending:
            if job.model.name == model.name:
                job.loaded_for = seconds
        self._schedule()

    def _serve(self, runner: Runner) -> None:
        while runner.waiting and runner.running < runner.parallel:
            job = runner.waiting.popleft()
            busy = sum(it.running for it in self.runners.values())
            runner.running += 1
            runner.used_at = self.clock.now
            slower = (1 + SLOWER * busy) / self.kind.speed
            reading = (job.prompt - runner.known(job)) / job.model.reads * slower
            writing = job.output / job.model.writes * slower
            self.clock.after(reading, lambda job=job: job.tell_first(job.loaded_for or 0.0))  # type: ignore[misc]
            self.clock.after(reading + writing, lambda job=job: self._ended(runner, job))  # type: ignore[misc]

    def _ended(self, runner: Runner, job: Job) -> None:
        runner.running -= 1
        runner.remember(job.conversation)
        self._serve(runner)
        job.tell_end()
        if runner.is_leaving:
            self._schedule()
