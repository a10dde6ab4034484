"""The control process: takes records in, watches configuration and keys, feeds the workers, serves the admin API.

Nothing a request waits for happens here; when this process dies, workers go on and it catches up.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from sqlalchemy import Engine

from earthward.config import secrets
from earthward.config.boot import Boot
from earthward.config.money import unpacked
from earthward.config.snapshot import Snapshot
from earthward.control.admin import application
from earthward.control.admin_limits import serve_limits
from earthward.control.admin_quality import serve_quality
from earthward.control.admin_rollouts import serve_rollouts
from earthward.control.availability import Availabilities, AvailabilityMetrics, serve_availability
from earthward.control.bookkeeper import Bookkeeper
from earthward.control.drills import Drills
from earthward.control.endpoint_metrics import EndpointMetrics
from earthward.control.feed import Feed
from earthward.control.fleet import Fleet
from earthward.control.limit_metrics import LimitMetrics
from earthward.control.limits import Limits
from earthward.control.metrics import Metrics
from earthward.control.notifier import Notifier
from earthward.control.quality import Quality
from earthward.control.responses import Responses
from earthward.control.rollout_routes import Rollouts
from earthward.control.standing import unplaced
from earthward.control.warm_up import WarmUps, needs
from earthward.control.watch import ConfigWatch
from earthward.fleet.found import Probed
from earthward.gateway import board as columns
from earthward.gateway import switch
from earthward.gateway.board import Board
from earthward.gateway.last_run import read_snapshot
from earthward.gateway.messages import FleetNews
from earthward.gateway.meters import Meters
from earthward.gateway.state import State, write_whole
from earthward.gateway.supervisor import Supervisor
from earthward.store import keys as keys_table
from earthward.store.fresh import Fresh, Stored
from earthward.store.intake import Intake, pause_after
from earthward.store.tables import open as open_store

log = logging.getLogger("earthward.control")

LOOK = 0.25
"""Seconds between two looks at the configuration file and the keys."""
LAST_INTAKE = 5.0
"""Seconds to get the last records into the store when stopping; what is left is taken in at the next start."""


class Control:
    """The parts of the control process, and how they hang together."""

    def __init__(
        self,
        boot: Boot,
        config: Path,
        workers: int,
        board: Board,
        host: str,
        engines: Mapping[str, str],
        generation: str,
        started: int,
    ) -> None:
        self.boot = boot
        self.state = State(Path(boot.state))
        last = read_snapshot(self.state)
        self.base: Snapshot = msgspec.structs.replace(last, version=unplaced(last.version))
        self._loop: asyncio.AbstractEventLoop | None = None
        self.rollouts = Rollouts(self.state.rollouts, self._rollouts_moved)
        self.rollouts.take_over(self.base)
        self.snapshot: Snapshot = switch.switched(self.rollouts.placed(self.base), last.switch)
        self.workers = workers
        self.board = board
        self.feed = Feed(self.state, self.snapshot)
        self.limits = Limits(Meters(self.state.meters / generation, workers, workers + 1), started)
        self.watch = ConfigWatch(config, boot, self.base, host)
        self.fleet = Fleet(self._hear_of_hosts)
        self.warm_ups = WarmUps()
        self.notifier = Notifier(self.state.folder / "notices", self.rollouts.histories, self.rollouts.entries)
        self.drills = Drills(self.notifier.say)
        self.metrics = Metrics(
            self.board,
            workers,
            lambda: self.intake_state,
            lambda: self.rollouts.standings.values(),
            lambda: self.notifier.told,
            lambda: self.drills.routes,
        )
        self.metrics.registry.register(EndpointMetrics(self.board, lambda: self.snapshot))
        self.metrics.registry.register(LimitMetrics(self.board, self.limits.configured))
        self.availabilities = Availabilities(self._store, lambda: self.snapshot)
        self.metrics.registry.register(AvailabilityMetrics(self.availabilities.of_stated))
        # All that was spooled before is in the store; on the monotonic clock.
        self.stored_up_to = float("-inf")
        self.quality = Quality(self.state, boot.replica, board, engines, self._store, lambda: self.stored_up_to)
        self.quality.take_over(self.snapshot)
        self.metrics.registry.register(self.quality.metrics(board))
        self.responses = Responses(self.state.responses_socket, self._store, lambda: self.snapshot.content_key)
        self.stop = asyncio.Event()
        self._keys_seen: tuple[int, int, int] | None = None
        self.intake: Intake | None = None
        self.fresh = Fresh()
        self.intake_state = "starting"
        self._look_again = asyncio.Event()
        self._ending = threading.Event()

    async def run(self, lifeline: int, admin: Any) -> None:
        """Runs until told to stop, or at once no more when the supervisor is gone."""
        self._loop = loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        loop.add_signal_handler(signal.SIGHUP, self._look_again.set)
        loop.add_reader(lifeline, lambda: os._exit(0))
        await self.feed.start()
        self.feed.save()
        intake = threading.Thread(target=self._take_in, name="intake")
        intake.start()
        self.fleet.watch(self.snapshot)
        self.notifier.take_over(self.base.notify)
        works = (self._look(), self._serve_admin(admin), self.fleet.run(), self.quality.run(), self.responses.run())
        tasks = [loop.create_task(work) for work in works]
        await self.stop.wait()
        for task in tasks:
            task.cancel()
        self.feed.close()
        self.notifier.close()
        self._ending.set()
        await asyncio.to_thread(intake.join)
        self.rollouts.own.close()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- records -------------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        """Opens the store and takes records in, in a thread of its own; a store that is away is tried again."""
        while self.intake is None:
            was_told_to_end = self._ending.is_set()
            try:
                engine = open_store(self.boot.store)
                self.intake = Intake(engine, self.state.spool, self.boot.replica, on_stored=self._stored)
                self.engine = engine
            except Exception as error:  # noqa: BLE001  whatever the driver raises: the store is away, and is tried again
                self.intake_state = f"store away: {type(error).__name__}"
                log.error("the store can't be opened, trying again: %s", error)
                if was_told_to_end:
                    return
                self._ending.wait(1.0)
        books = threading.Thread(target=self._keep_books, name="books")
        books.start()
        self._tail(self.intake)
        books.join()

    def _stored(self, stored: Stored) -> None:
        self.fresh.add(stored)
        self.rollouts.hear(stored)
        self.metrics.fold(stored.records)
        self.drills.fold(stored.records)

    def _keep_books(self) -> None:
        keeper = Bookkeeper(
            self.engine,
            lambda: self.snapshot,
            lambda: unpacked(self.snapshot.money),
            needed_from=self.rollouts.needed_from,
            counted=self.limits.budgets,
            fresh=self.fresh,
        )
        keeper.run(self._ending)

    def _tail(self, intake: Intake) -> None:
        """Takes records in until told to end; then goes on until all that is spooled is stored, or for a while."""
        while not self._ending.is_set():
            began = time.monotonic()
            result = intake.step()
            self.intake_state = result.state
            if result.is_drained:
                self.stored_up_to = began
            self.rollouts.take(self.engine)
            if not result.is_behind:
                self._ending.wait(pause_after(result.settled))
        end = time.monotonic() + LAST_INTAKE
        while not intake.step().is_drained and time.monotonic() < end:
            time.sleep(0.01)
        intake.close()

    # -- configuration and keys ----------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Looks at file and keys for ever: whatever goes wrong in one look is tried again in the next."""
        while True:
            try:
                await self._look_at_file()
                if self.intake is not None:
                    await self._look_at_keys()
                    await asyncio.to_thread(self.limits.look, self.engine)
                if self.feed.unsaved:
                    self.feed.save()
            except Exception as error:  # noqa: BLE001  a store or a disk that is away must not end this
                log.warning("configuration and keys can't be looked at: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look_again.wait(), LOOK)

    async def _look_at_file(self) -> None:
        anyway = self._look_again.is_set()
        self._look_again.clear()
        snapshot = await asyncio.to_thread(self.watch.look, anyway=anyway)
        if snapshot is not None:
            await asyncio.to_thread(self.rollouts.take_over, snapshot)
            self.base = snapshot
            self.notifier.take_over(snapshot.notify)
        is_switched = switch.read(self.state.switch) != self.snapshot.switch
        self._publish()
        if snapshot is not None or is_switched:
            self.fleet.watch(self.snapshot)

    def _publish(self) -> None:
        """Puts before the workers what holds now, if that is news: what the file, the rollouts and the switch say."""
        wanted = self.rollouts.placed(self.base)
        self.fleet.need(needs(wanted))
        placed = self.warm_ups.held(wanted, self.snapshot, self.fleet.is_loaded, time.monotonic())
        snapshot = switch.switched(placed, switch.read(self.state.switch))
        if snapshot.version != self.snapshot.version:
            self.snapshot = snapshot
            self.feed.publish(snapshot)
            self.limits.know(snapshot, self.feed.keys)
            self.quality.take_over(snapshot)
            log.info("configuration %s is in force", snapshot.version)

    def _store(self) -> Engine | None:
        return self.intake.engine if self.intake else None

    def _hear_of_hosts(self, found: tuple[Probed, ...]) -> None:
        self.feed.tell(FleetNews(found))
        self.quality.hear(found)
        self.rollouts.hear_of_hosts(found)

    def _rollouts_moved(self) -> None:
        """Called in any thread. What moved before the loop runs is in the first snapshot."""
        if self._loop is not None:
            self.notifier.wake()
            self._loop.call_soon_threadsafe(self._publish)

    async def _look_at_keys(self) -> None:
        version = await asyncio.to_thread(keys_table.keys_version, self.engine)
        if version != self._keys_seen:
            keys = await asyncio.to_thread(keys_table.active_keys, self.engine)
            self.feed.publish_keys(time.time_ns(), keys)
            self.limits.know(self.snapshot, keys)
            self._keys_seen = version

    # -- admin ---------------------------------------------------------------------------------------------------

    async def _serve_admin(self, listener: Any) -> None:
        app = application(token=self._token(), hosts=self._hosts(), metrics=self.metrics, status=self.status)
        serve_limits(app, self.limits)
        serve_availability(app, self.availabilities)
        serve_quality(app, lambda: self.snapshot, lambda: self.rollouts.standings, self.quality.parts)
        serve_rollouts(app, self.rollouts, self._store)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        server = _QuietServer(config)
        await server.serve(sockets=[listener])

    def _token(self) -> str:
        if self.boot.admin_token:
            return secrets.resolve(self.boot.admin_token, os.environ, lambda path: Path(path).read_text())
        return self.state.secret(self.state.admin_token.name).decode()

    def _hosts(self) -> frozenset[str]:
        return frozenset({"127.0.0.1", "localhost", "::1", self.boot.admin_host.lower()})

    def status(self) -> dict[str, Any]:
        """How the gateway is, for people and probes."""
        hellos = self.feed.workers
        current = [hello for hello in hellos if hello.snapshot == self.feed.version]
        return {
            "ready": bool(current),
            "snapshot": self.feed.version,
            "config_problem": self.watch.problem,
            "workers": {"wanted": self.workers, "connected": len(hellos), "current": len(current)},
            "store": self.intake_state,
            "unsaved": self.feed.unsaved,
            "unrecorded": self.board.total(columns.UNRECORDED),
            "connections": self.board.total(columns.CONNECTIONS),
            "in_flight": self.board.total(columns.IN_FLIGHT),
            "hosts": [_host(it) for it in self.fleet.found],
            "warming": self.fleet.warming,
            "waiting_for_loads": self.warm_ups.holding,
            "rollouts": [it.told() for it in self.rollouts.standings.values()],
            "metrics": self.rollouts.own.problems,
            "notify": [msgspec.to_builtins(it) for it in self.notifier.told],
        }


def _host(it: Probed) -> dict[str, Any]:
    report = it.report
    return {
        "provider": it.provider,
        "url": it.url,
        "problem": report.problem,
        "down": report.is_down,
        "version": report.version,
        "loaded": [
            {"model": each.model, "context": each.context, "on_cpu": round(each.spill, 3)}
            for each in report.residents or ()
        ],
    }


class _QuietServer(uvicorn.Server):
    """uvicorn, without its own signal handlers: this process has one set already."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def run_control(supervisor: Supervisor, config: Path) -> None:
    """The whole life of the forked control process. Waits for one before it that is still ending."""
    lock = os.open(State(Path(supervisor.boot.state)).control_lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)

    async def live() -> None:
        control = Control(
            supervisor.boot,
            config,
            supervisor.workers,
            supervisor.board,
            supervisor.host,
            supervisor.engines,
            supervisor.generation,
            supervisor.started,
        )
        with contextlib.suppress(OSError):
            # A disk that is full keeps commands from finding the admin port, and nothing else.
            write_whole(control.state.admin_url, supervisor.admin_url.encode())
        await control.run(supervisor.lifeline, supervisor.admin_listener)

    asyncio.run(live())
