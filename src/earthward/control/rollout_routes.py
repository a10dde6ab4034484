"""The rollouts of all routes: told what is stored and what people say, and asked where they have brought their routes.

The intake's thread brings records, others bring verbs and configurations; a lock lets in one at a time. Who holds it
waits neither for the store nor for the user's own metrics, so that what people say is done at once. Where the rollouts
stand is read without it, since who feeds the workers must not wait.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.config.snapshot import OwnMetric, Route, Snapshot
from earthward.control.judging import judge_digest
from earthward.control.own_metrics import OwnMetrics
from earthward.control.rollout_files import RolloutFiles, Unreadable
from earthward.control.rollouts import LiveRollout
from earthward.control.standing import Standing, standing
from earthward.control.weights import Named, named, weights
from earthward.fleet.found import Probed
from earthward.ledger.record import Record
from earthward.rollout.metrics import METRICS
from earthward.rollout.own import Verdict
from earthward.rollout.plan import Plan
from earthward.rollout.state import Subject, Transition
from earthward.rollout.verbs import NotNow, Verb
from earthward.store import quality, queries
from earthward.store.fresh import Fresh, Stored

log = logging.getLogger("earthward.rollout")

BATCH = 5_000
"""Numbers of exchanges that are read from the store at a time."""
AFTER_ERROR = 1.0
NOT_YET = float("-inf")
"""Lets no time pass: there is more to be read from before now."""
BEGINNING: tuple[Verb, ...] = ("start", "retry", "undo")
"""What was stored before one of these is left aside."""


Moved = tuple[Transition, ...]


class Work(Protocol):
    """What is to be told to a rollout, at that time of the clock."""

    def __call__(self, live: LiveRollout, /, *, clock: float) -> Moved: ...


class NoRollout(Exception):
    """There is no such rollout, or it can't be told anything now."""


class Rollouts:
    """`folder` is where they are written down. `on_moved` is called, in any thread, when a route is to change."""

    def __init__(self, folder: Path, on_moved: Callable[[], None], clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._on_moved = on_moved
        self._clock = clock
        self._lock = threading.Lock()
        self._routes: dict[str, Route] = {}
        self._live: dict[str, LiveRollout] = {}
        self._named: dict[str, Named] = {}
        self._hosts: Sequence[Probed] = ()
        self._hosts_seen: Sequence[Probed] = ()
        self._try_again_at = 0.0
        self.standings: dict[str, Standing] = {}
        self.own = OwnMetrics()
        self._metrics: Sequence[OwnMetric] = ()
        self._fresh = Fresh()

    # ── what comes in ──

    def take_over(self, snapshot: Snapshot) -> None:
        """Takes the rollouts that this snapshot's routes name. Those whose plan is the same go on as they are."""
        with self._lock:
            self._metrics = snapshot.metrics
            before, self._routes = self._routes, {route.name: route for route in snapshot.routes if route.plan}
            self._named = {name: named(route, snapshot) for name, route in self._routes.items()}
            self._hosts_seen = ()
            for gone in before.keys() - self._routes.keys():
                self._live.pop(gone, None)
            self.standings = {name: it for name, it in self.standings.items() if name in self._routes}
            for name, route in self._routes.items():
                known = before.get(name)
                if known is None or known.plan != route.plan or name not in self._live:
                    self._begin(name)
                self._try(name, partial(LiveRollout.try_out, subject=_subject(route, snapshot), now=self._clock()))

    def hear(self, stored: Stored) -> None:
        """What was just stored need not be read back by what is under way."""
        self._fresh.add(stored)

    def hear_of_hosts(self, found: Sequence[Probed]) -> None:
        """What hosts have on their disks; looked at with the next exchanges. Waits for nobody."""
        self._hosts = found

    def take(self, engine: Engine) -> None:
        """Takes in what was stored since, and lets time pass. A store that is away is asked again the next time."""
        with self._lock:
            under_way = [name for name, live in self._live.items() if live.controller.state.is_under_way]
            self._take_up_again()
            self._see_models()
            metrics = self._metrics
        self.own.take_over(metrics)
        self.own.begin_turn()
        if not under_way:
            self._fresh = Fresh()
            return
        try:
            end = queries.end(engine)
            for name in under_way:
                self._read_on(name, engine, end)
        except SQLAlchemyError as error:
            log.debug("the store is away: %s", error)

    def act(self, name: str, verb: Verb, by: str, why: str, engine: Engine | None, at: str = "") -> Standing:
        """Does what somebody says, only if the rollout is `at` that place where one is named. Raises NotNow, NoRollout,
        and OSError where it can't be written down."""
        self._found(name)
        ends = _ends(engine) if verb in BEGINNING else None
        with self._lock:
            live = self._found(name)
            try:
                if not live.controller.state.is_under_way:
                    live = self._made_ready(name, ends)
                self._note(live, live.set_back(self._clock()))
                moved = live.act(verb, self._clock(), by, why, at=at)
            except NotNow as refusal:
                self._note(live, refusal.moved)
                raise
            except OSError:
                self._begin(name)
                raise
            self._note(live, moved)
            return self.standings[name]

    # ── what is asked ──

    def placed(self, snapshot: Snapshot) -> Snapshot:
        """Every route where its rollout has brought it. The version counts the moves, since workers decide by it."""
        standings = self.standings
        routes = [
            standings[route.name].placed(route) if route.plan and route.name in standings else route
            for route in snapshot.routes
        ]
        moves = sum(standings[route.name].moves for route in routes if route.plan and route.name in standings)
        version = f"{snapshot.version}~{moves}" if moves else snapshot.version
        return msgspec.structs.replace(snapshot, version=version, routes=tuple(routes))

    def histories(self) -> dict[str, tuple[str, int]]:
        """Each route's plan, and how many entries its history has. Waits for nobody."""
        return {name: (it.plan, it.moves) for name, it in self.standings.items()}

    def entries(self, name: str, first: int) -> list[Transition]:
        """A route's history from there on. Waits for nobody."""
        known = self.standings.get(name)
        return RolloutFiles(self._folder, name).entries(first, known.moves) if known else []

    def needed_from(self) -> int | None:
        """The number of the exchange behind which none may be deleted yet; None where nobody is behind."""
        with self._lock:
            under_way = [live.read_up_to for live in self._live.values() if live.controller.state.is_under_way]
            return min(under_way, default=None)

    def told(self, name: str) -> dict[str, Any]:
        """All about one rollout, its evidence and its history too. Raises NoRollout."""
        with self._lock:
            live = self._found(name)
            controller = live.controller
            evidence, history, plan = controller.findings(), live.history(), controller.plan
            return {**self.standings[name].told(), "stages": plan, "evidence": evidence, "history": history}

    # ── one of them ──

    def _found(self, name: str) -> LiveRollout:
        if name in self._live:
            return self._live[name]
        if name in self.standings:
            raise NoRollout(self.standings[name].problem)
        known = ", ".join(self._routes) or "none"
        raise NoRollout(f"no route `{name}` has a rollout; those that have one: {known}")

    def _made_ready(self, name: str, ends: tuple[int, int] | NoRollout | None) -> LiveRollout:
        """With the plan as it is now, and with what is stored up to these ends left aside, for one that may begin."""
        self._begin(name)
        live = self._found(name)
        if isinstance(ends, NoRollout):
            raise ends
        if ends is not None:
            live.read_up_to = max(live.read_up_to, ends[0])
            live.told_up_to = max(live.told_up_to, ends[1])
        return live

    def _begin(self, name: str) -> None:
        """Takes it up from what is written down. One that can't be read leaves its route as it is."""
        self._live.pop(name, None)
        try:
            plan = msgspec.msgpack.decode(self._routes[name].plan, type=Plan)
            live = LiveRollout(name, plan, RolloutFiles(self._folder, name))
        except (Unreadable, OSError, msgspec.DecodeError) as error:
            self._stand_still(name, str(error))
            return
        self._live[name] = live
        self._note(live, ())

    def _take_up_again(self) -> None:
        broken = [name for name in self._routes if name not in self._live]
        if broken and self._clock() >= self._try_again_at:
            self._try_again_at = self._clock() + AFTER_ERROR
            for name in broken:
                self._begin(name)

    def _see_models(self) -> None:
        found = self._hosts
        if found is self._hosts_seen:
            return
        self._hosts_seen = found
        for name, of in self._named.items():
            arms, judge = weights(of.arms, found), weights(of.judge, found)
            if arms or judge:
                self._try(name, partial(LiveRollout.see, arms=arms, judge=judge, now=self._clock()))

    def _read_on(self, name: str, engine: Engine, end: int) -> None:
        """Asks for what there is, then tells it: until `end`, or until somebody has ended the rollout meanwhile."""
        now = self._clock()
        try:
            while (live := self._under_way(name)) is not None and live.read_up_to < end:
                records, up_to = self._behind(engine, live.read_up_to, end)
                own = self._own_verdicts(live, records)
                self._tell(name, partial(_take, records=records, up_to=up_to, end=end, now=now, own=own))
            if live is not None and live.controller.state.is_under_way:
                later = quality.told_after(engine, name, live.told_up_to)
                self._tell(name, partial(_let_pass, later=later, now=now))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  what can't be asked must not end the intake
            with self._lock:
                self._give_up(name, error)

    def _under_way(self, name: str) -> LiveRollout | None:
        with self._lock:
            live = self._live.get(name)
            return live if live is not None and live.controller.state.is_under_way else None

    def _behind(self, engine: Engine, after: int, end: int) -> tuple[list[Record], int]:
        """The next records, and the number that they go up to."""
        records = self._fresh.behind(after, min(BATCH, end - after))
        if records:
            return records, after + len(records)
        up_to = min(end, after + BATCH)
        return queries.stored_after(engine, after, up_to), up_to

    def _tell(self, name: str, work: Work) -> None:
        """To one that was ended while this was asked for it says nothing, and one that was begun anew has it behind."""
        with self._lock:
            clock = self._clock()
            self._try(name, lambda it: it.set_back(clock) + work(it, clock=clock))

    def _own_verdicts(self, live: LiveRollout, records: Sequence[Record]) -> list[dict[str, Verdict]]:
        """What the user's own metrics say of each record; nothing where the plan has none."""
        names = [gate.metric for gate in live.controller.plan.gates if gate.metric not in METRICS]
        if not names:
            return []
        asked = [place for place, record in enumerate(records) if record.route == live.route]
        found: list[dict[str, Verdict]] = [{} for _ in records]
        for place, verdicts in zip(asked, self.own.verdicts(names, [records[it] for it in asked]), strict=True):
            found[place] = verdicts
        return found

    def _try(self, name: str, work: Callable[[LiveRollout], Moved]) -> None:
        """What fails by itself is taken up again from the disk; the others don't suffer."""
        live = self._live.get(name)
        if live is None:
            return
        try:
            self._note(live, work(live))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  one that fails must end neither the others nor the intake
            self._give_up(name, error)

    def _give_up(self, name: str, error: Exception) -> None:
        self._live.pop(name, None)
        self._stand_still(name, f"stands still, and is tried again: {type(error).__name__}: {error}")

    def _note(self, live: LiveRollout, moved: Sequence[Transition]) -> None:
        before, now = self.standings.get(live.route), standing(live)
        self.standings = {**self.standings, live.route: now}
        for it in moved:
            log.warning("rollout of %s: %s -> %s (%r: %r)", live.route, it.before, it.after, it.by, it.why)
        if before is None or before.moves != now.moves:
            self._on_moved()

    def _stand_still(self, name: str, problem: str) -> None:
        before = self.standings.get(name)
        if before is None:
            route = self._routes[name]
            before = Standing(name, "", "pending", "unknown", route.share, route.stage, route.epoch, None, "", 0)
        if before.problem != problem:
            log.error("rollout of %s: %s", name, problem)
        self.standings = {**self.standings, name: msgspec.structs.replace(before, problem=problem)}


def unplaced(version: str) -> str:
    """The version of the configuration itself, without what was changed at run time."""
    return version.partition("+")[0].partition("~")[0]


def _subject(route: Route, snapshot: Snapshot) -> Subject:
    """What is being tried, in place of what: evidence about other models says nothing of these."""
    targets = {target.name: f"{target.provider}\0{target.model}" for target in snapshot.targets}
    both = [name for name in (route.baseline, route.candidate) if name in targets]
    arms = [targets[name] for name in both]
    tools = {target.name: target.tools or "" for target in snapshot.targets}
    candidate = _digest(targets.get(route.candidate or "", ""))
    # How a model is told of tools is the only part of a prompt that is ours.
    prompt = _digest("\0".join(tools[name] for name in both)) if any(tools[name] for name in both) else ""
    return Subject(_digest("\0".join(arms)), prompt, judge_digest(route, snapshot), candidate)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _take(
    live: LiveRollout,
    clock: float,
    *,
    records: Sequence[Record],
    up_to: int,
    end: int,
    now: float,
    own: Sequence[Mapping[str, Verdict]],
) -> Moved:
    """`now` is when somebody looked what there is: more may have come since, or the clock may have been set back."""
    now = min(now, clock)
    return live.take(records, up_to, now if up_to == end else NOT_YET, own=own, latest=now)


def _let_pass(live: LiveRollout, clock: float, *, later: Sequence[tuple[int, quality.Later]], now: float) -> Moved:
    now = min(now, clock)
    moved = live.hear(later, now)
    state = live.controller.state
    return moved + live.take((), live.read_up_to, now) if state.is_under_way and state.due <= now else moved


def _ends(engine: Engine | None) -> tuple[int, int] | NoRollout:
    """The numbers of the last exchange and of the last word on exchanges, or why they can't be had."""
    if engine is None:
        return NoRollout("the store is not open yet, so nothing can begin; try again in a moment")
    try:
        return queries.end(engine), quality.later_end(engine)
    except SQLAlchemyError:
        return NoRollout("the store is away, so nothing can begin; try again when it is back")
