"""Tells people what happens to rollouts: each entry of a history once to each hook, in order, however long it is away.

What is waiting is not kept anywhere: it is what the histories hold beyond the number that a hook was told up to, which
is written down after each. Killed between the two, it tells one again, with the same id. Each hook has a thread, so
that one that is slow or away keeps nobody else waiting.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from earthward.config.snapshot import Hook
from earthward.control.webhooks import NotTold, tell
from earthward.gateway.state import write_whole
from earthward.rollout.notices import Notice, notice
from earthward.rollout.state import Transition

log = logging.getLogger("earthward.notify")

LOOK = 1.0
"""Seconds between two looks where nobody calls."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds after a failure; twice as long after each further one."""
MOST_WAITING = 200
STALE = 86_400.0
"""Seconds after which nobody needs to be told any more."""

Histories = Callable[[], Mapping[str, tuple[str, int]]]
"""Each route's plan and how many entries its history has."""
Entries = Callable[[str, int], Sequence[Transition]]
"""A route's entries from a number on."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one hook is doing, for people."""

    hook: str
    waiting: int
    told: int
    given_up: int
    problem: str = ""


class Teller:
    """One hook: what it was told, and what is next. `step` is called by one thread."""

    def __init__(self, hook: Hook, file: Path, histories: Histories, entries: Entries) -> None:
        self.hook = hook
        self._file = file
        self._histories = histories
        self._entries = entries
        self._up_to = self._read()
        self._failures = 0
        self._waiting = 0
        self._told = self._given_up = 0
        self._said: deque[Notice] = deque(maxlen=MOST_WAITING)
        self._problem = ""

    @property
    def state(self) -> Told:
        return Told(self.hook.name, self._waiting, self._told, self._given_up, self._problem)

    def say(self, it: Notice) -> None:
        """Something that is in no history, and is forgotten when the process ends."""
        if self._is_meant(it):
            self._said.append(it)

    def follow(self, other: "Teller") -> None:
        """Goes on where one of this name has ended, which may have been telling something until now."""
        self._up_to = dict(other._up_to)
        for it in other._said:
            self.say(it)

    def step(self, now: float) -> float:
        """Tells what is next, if anything; how many seconds to wait before the next step."""
        waiting = list(self._next(now))
        self._waiting = len(waiting) + len(self._said)
        if not self._waiting:
            return LOOK
        number, it = waiting[0] if waiting else (None, self._said[0])
        body = it.slack() if self.hook.format == "slack" else it.body()
        try:
            tell(self.hook, body, now, it.id)
        except NotTold as problem:
            return self._put_off(it, problem)
        self._failures, self._problem = 0, ""
        if number is None:
            self._said.remove(it)
        else:
            self._move_to(it.route, number + 1)
        self._told += 1
        self._waiting -= 1
        return 0.0

    def _put_off(self, it: Notice, problem: NotTold) -> float:
        pause = min(LONGEST_PAUSE, max(FIRST_PAUSE * 2.0**self._failures, problem.after or 0.0))
        self._failures = min(self._failures + 1, 20)
        if str(problem) != self._problem:
            log.error("`%s` was not told of %s of %s, trying again: %s", self.hook.name, it.event, it.route, problem)
        self._problem = str(problem)
        return pause

    def _next(self, now: float) -> Iterable[tuple[int, Notice]]:
        """What it has not been told yet, the oldest first, each with its number."""
        found: list[tuple[int, Notice]] = []
        for route, (plan, length) in self._histories().items():
            start = self._up_to.get(route, 0)
            if start > length:
                # Somebody moved the history away: what is there now is another.
                start = 0
            if start < length:
                for number, entry in enumerate(self._entries(route, start), start):
                    it = notice(route, number, entry, plan)
                    if it is not None and self._is_meant(it):
                        found.append((number, it))
                if not any(it.route == route for _, it in found):
                    self._move_to(route, length)
        found.sort(key=lambda pair: pair[1].t)
        return self._without_what_is_too_much(found, now)

    def _is_meant(self, it: Notice) -> bool:
        hook = self.hook
        return (not hook.events or it.event in hook.events) and (not hook.routes or it.route in hook.routes)

    def _without_what_is_too_much(self, found: list[tuple[int, Notice]], now: float) -> list[tuple[int, Notice]]:
        """Bounds what waits, in number and in age."""
        kept = [pair for pair in found[-MOST_WAITING:] if now - pair[1].t < STALE]
        left_out = found[: len(found) - len(kept)]
        for number, it in left_out:
            self._move_to(it.route, number + 1)
        if left_out:
            self._given_up += len(left_out)
            log.error("`%s` is not told of %d entries any more: too many, or too old", self.hook.name, len(left_out))
        return kept

    # ── what is written down ──

    def _read(self) -> dict[str, int]:
        """A hook that is new hears of what happens from now on."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, int])
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("what `%s` was told can't be read, so it hears of what is new: %s", self.hook.name, error)
        begun = {route: length for route, (_, length) in self._histories().items()}
        self._save(begun)
        return begun

    def _move_to(self, route: str, number: int) -> None:
        self._up_to[route] = number
        self._save(self._up_to)

    def _save(self, up_to: dict[str, int]) -> None:
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._file, msgspec.json.encode(up_to))
        except OSError as error:
            # In memory it is known. A restart may tell once more what was told.
            log.error("what `%s` was told can't be written down: %s", self.hook.name, error)


class Work(NamedTuple):
    """A teller at work in a thread of its own: `stop` tells it to end, `over` that it has."""

    teller: Teller
    stop: threading.Event
    wake: threading.Event
    over: threading.Event


class Notifier:
    """All hooks of the configuration, a thread for each. `folder` is where it is written down what they were told."""

    def __init__(
        self, folder: Path, histories: Histories, entries: Entries, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._histories = histories
        self._entries = entries
        self._clock = clock
        self._tellers: dict[str, Work] = {}
        self._ended: dict[str, Work] = {}

    @property
    def told(self) -> list[Told]:
        return [work.teller.state for work in self._tellers.values()]

    def take_over(self, hooks: Sequence[Hook]) -> None:
        """Takes the hooks of a configuration. Those that are as before go on."""
        wanted = {hook.name: hook for hook in hooks}
        for name, work in list(self._tellers.items()):
            if wanted.get(name) != work.teller.hook:
                self._ended[name] = self._tellers.pop(name)
                work.stop.set()
                work.wake.set()
        for name, hook in wanted.items():
            if name not in self._tellers:
                self._tellers[name] = self._begun(hook, self._ended.pop(name, None))

    def say(self, it: Notice) -> None:
        """Tells what is in no history. May be called in any thread."""
        for work in list(self._tellers.values()):
            work.teller.say(it)
            work.wake.set()

    def wake(self) -> None:
        """Something has happened; may be called in any thread."""
        for work in list(self._tellers.values()):
            work.wake.set()

    def close(self) -> None:
        self.take_over(())

    def _begun(self, hook: Hook, before: Work | None) -> Work:
        teller = Teller(hook, self._folder / f"{hook.name}.json", self._histories, self._entries)
        stop, wake, over = threading.Event(), threading.Event(), threading.Event()
        work = Work(teller, stop, wake, over)
        # One that hangs on a slow service must not keep the process from ending.
        threading.Thread(target=self._run, args=(work, before), name=f"notify {hook.name}", daemon=True).start()
        return work

    def _run(self, work: Work, before: Work | None) -> None:
        teller, stop, wake, over = work
        try:
            if before is not None:
                # It may be in the middle of telling what this one would tell as well.
                before.over.wait()
                teller.follow(before.teller)
            self._tell_on(teller, stop, wake)
        finally:
            over.set()

    def _tell_on(self, teller: Teller, stop: threading.Event, wake: threading.Event) -> None:
        while not stop.is_set():
            try:
                pause = teller.step(self._clock())
            except Exception:
                log.exception("an error of our own in telling `%s`, trying again", teller.hook.name)
                pause = LONGEST_PAUSE
            if pause <= LOOK:
                wake.wait(pause)
                wake.clear()
            else:
                # News do not shorten the pause that follows a failure.
                stop.wait(pause)
