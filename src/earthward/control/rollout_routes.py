"""The rollouts of all routes: told what is stored and what people say, and asked where they have brought their routes.

The intake's thread brings records, others bring verbs and configurations; a lock lets in one at a time. Who holds it
waits neither for the store nor for the user's own metrics, so that what people say is done at once. Where the rollouts
stand is read without it, since who feeds the workers must not wait.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.config.snapshot import OwnMetric, Route, Snapshot
from earthward.control.own_metrics import OwnMetrics
from earthward.control.rollout_files import RolloutFiles, Unreadable
from earthward.control.rollout_reading import Moved, Reading, Work, said_later
from earthward.control.rollouts import LiveRollout
from earthward.control.standing import Standing, placed, standing
from earthward.control.subjects import subject
from earthward.control.weights import Named, named, weights
from earthward.fleet.found import Probed
from earthward.rollout.plan import Plan
from earthward.rollout.state import Transition
from earthward.rollout.verbs import NotNow, Verb
from earthward.store import quality, queries
from earthward.store.fresh import Stored

log = logging.getLogger("earthward.rollout")

AFTER_ERROR = 1.0
BEGINNING: tuple[Verb, ...] = ("start", "retry", "undo")
"""What was stored before one of these is left aside."""


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
        self._metrics: Sequence[OwnMetric] = ()
        self._reading = Reading()

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
                self._try(name, partial(LiveRollout.try_out, subject=subject(route, snapshot), now=self._clock()))

    def hear(self, stored: Stored) -> None:
        """What was just stored need not be read back by what is under way."""
        self._reading.hear(stored)

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
        self._reading.begin(metrics)
        if not under_way:
            self._reading.forget()
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

    @property
    def own(self) -> OwnMetrics:
        """The user's own metrics, which all of them ask."""
        return self._reading.own

    def placed(self, snapshot: Snapshot) -> Snapshot:
        """Every route where its rollout has brought it. Waits for nobody."""
        return placed(snapshot, self.standings)

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
            problems = self.own.problems
            unmeasured = {it.metric: problems[it.metric] for it in evidence if it.metric in problems}
            parts = {"stages": plan, "evidence": evidence, "unmeasured": unmeasured, "history": history}
            return {**self.standings[name].told(), **parts}

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
                self._tell(name, self._reading.exchanges(live, engine, end, now))
            if live is not None and live.controller.state.is_under_way:
                self._tell(name, said_later(live, engine, now))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  what can't be asked must not end the intake
            with self._lock:
                self._give_up(name, error)

    def _under_way(self, name: str) -> LiveRollout | None:
        with self._lock:
            live = self._live.get(name)
            return live if live is not None and live.controller.state.is_under_way else None

    def _tell(self, name: str, work: Work) -> None:
        """To one that was ended while this was asked for it says nothing, and one that was begun anew has it behind."""
        with self._lock:
            clock = self._clock()
            self._try(name, lambda it: it.set_back(clock) + work(it, clock=clock))

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


def _ends(engine: Engine | None) -> tuple[int, int] | NoRollout:
    """The numbers of the last exchange and of the last word on exchanges, or why they can't be had."""
    if engine is None:
        return NoRollout("the store is not open yet, so nothing can begin; try again in a moment")
    try:
        return queries.end(engine), quality.later_end(engine)
    except SQLAlchemyError:
        return NoRollout("the store is away, so nothing can begin; try again when it is back")
