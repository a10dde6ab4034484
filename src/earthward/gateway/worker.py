"""One worker process: listens, runs exchanges, spools records, and applies what the control process sends.

Holds no store and makes no plan of its own; everything it decides on lies in its snapshot.
"""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from earthward.config.boot import Boot
from earthward.config.snapshot import Key, Snapshot
from earthward.dialects.json_limits import JsonLimits
from earthward.gateway import board as columns
from earthward.gateway import heartbeat, verdicts
from earthward.gateway.access_log import AccessLog
from earthward.gateway.balancing import Known
from earthward.gateway.board import Board
from earthward.gateway.callers import Acceptance
from earthward.gateway.exchange import Exchange
from earthward.gateway.fetching import Room
from earthward.gateway.gone import give_up_on
from earthward.gateway.identity import Identities
from earthward.gateway.keeping import Keeper
from earthward.gateway.link import Link
from earthward.gateway.loading import Loads
from earthward.gateway.messages import FleetNews, Hello, KeyChange, KeyFile, NewSnapshot, ToWorker
from earthward.gateway.meters import CARRIED, Meters
from earthward.gateway.observing import Observed
from earthward.gateway.retrying import Retries
from earthward.gateway.samples import SampleLine
from earthward.gateway.serving import IdlePools, Serving
from earthward.gateway.state import State
from earthward.gateway.straight import Straight
from earthward.gateway.surface import Surface
from earthward.gateway.verdicts import Verdicts
from earthward.http.server import Server, server_context
from earthward.http.sweep import Sweep
from earthward.ledger.plausible import plausible
from earthward.ledger.record import Record, Settled
from earthward.routing.context import Lengths
from earthward.routing.drill import Pace
from earthward.store.digest import digest_of, pepper
from earthward.store.spool import SpoolBroken, SpoolFull, SpoolWriter

log = logging.getLogger("earthward.worker")

DRAIN = 30.0
ORPHAN = 10.0
"""Seconds a worker goes on serving after its supervisor died, for a new one to take over without a gap."""
LOOPBACK_NAMES = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
LAST_RECORDS = 1.0
"""Seconds for what was cut off to be put on record."""
LONGEST_SILENCE = 30.0
"""Seconds for which callers wait at a start for the ledger to tell what was spent."""
FIRST_TOKENS = 5.0
"""Seconds for which access tokens are waited for before the first caller is let in."""
HEARTBEAT = 0.5
SWEEP = 0.25
MOST_PRESENTED = 10_000
SPOOL_STATES = ("ok", "full", "broken")


class Seat(msgspec.Struct, frozen=True):
    """What the supervisor hands a worker."""

    row: int
    boot: Boot
    engines: Mapping[str, str]
    listener: socket.socket
    lifeline: int
    generation: str
    board: Board
    workers: int = 1


class Worker:
    """The state of one worker process."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.loop = asyncio.get_running_loop()
        self.state = State(Path(seat.boot.state))
        self.name = secrets.token_hex(8)
        self.board = seat.board
        self.spool = SpoolWriter(self.state.spool, seat.boot.replica, self.name)
        self.pepper = pepper(self.state.folder)
        self.salt = self.state.secret("salt")
        self.exchanges: set[Exchange | Straight] = set()
        self.started = int(time.time())
        self.is_draining = False
        self._cut_off_at = float("inf")
        self._spool_was = "ok"
        self.keys: dict[bytes, Key] = {}
        self.keys_version = -1
        self._presented: dict[bytes, Key] = {}
        self.acceptance = Acceptance()
        self._pools: IdlePools = {}
        self.sweep = Sweep(SWEEP)
        self._count = 0
        self._background: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self.loads = Loads(self.loop)
        self.retries = Retries(seat.board, self.loop)
        self.observed = Observed(self.state.observed / f"{seat.row}.json")
        self.keeper = Keeper(self.state.responses_socket, self.loop)
        self.lengths = Lengths()
        self.drill_pace = Pace(seat.workers, seat.row, self.loop.time())
        self.room = Room()
        # A row for each worker, and one for the control process.
        self.meters = Meters(self.state.meters / seat.generation, seat.row, seat.workers + 1)
        self.meters.take_over()
        self._verdicts = Verdicts(seat.board)
        self._known = Known(seat.board, {}, {}, self.meters, self._verdicts)
        self.samples = SampleLine(self.state.content_socket, seat.board)
        self.identities = Identities()
        self.serving = self._made_ready(self._snapshot_on_disk())
        self._pools = self.serving.pools
        self.access_log = AccessLog(sys.stderr) if self.serving.snapshot.access_log else None
        self.json_limits = JsonLimits(depth=self.serving.snapshot.limits.json_depth)
        self.surface = Surface(self)
        self.server = Server(
            self.surface.answer,
            self.serving.snapshot.limits,
            error_body=self.surface.error_body,
            admit=self.surface.turned_away,
            allowed_hosts=self._hosts(),
        )

    # -- one request ---------------------------------------------------------------------------------------------

    def next_id(self) -> str:
        self._count += 1
        return f"{self.name}-{self._count:x}"

    def key_of(self, presented: bytes) -> Key | None:
        """The caller's key by what was presented. Remembered while the keys stay the same; a hash costs, too."""
        known = self._presented.get(presented)
        if known is None:
            known = self.keys.get(digest_of(self.pepper, presented))
            if known is not None:
                if len(self._presented) >= MOST_PRESENTED:
                    self._presented.clear()
                self._presented[presented] = known
        return known

    def count_request(self) -> None:
        self.board.count_request(int(time.monotonic()), retry=False)

    def settle(self, record: Record) -> int | None:
        """Spools a record; its sequence number, or None when the disk doesn't take it and the spool holds on to it."""
        record = plausible(record)
        sequence = None
        with contextlib.suppress(SpoolFull, SpoolBroken):
            sequence = self.spool.append(Settled(record))
        if self.access_log is not None:
            self.access_log.write(record)
        return sequence

    def settle_packed(self, record: bytes) -> None:
        """Spools a record that is packed and plausible already."""
        try:
            self.spool.append_packed(record)
        except (SpoolFull, SpoolBroken):
            pass  # The spool holds on to it.

    # -- what the control process sends --------------------------------------------------------------------------

    def apply(self, message: ToWorker) -> str:
        """Applies a snapshot or a change of keys, whole; returns why not, if not."""
        match message:
            case NewSnapshot(version, data):
                return self._apply_snapshot(version, data)
            case KeyChange():
                return self._apply_keys(message)
            case FleetNews(found):
                self.serving.hear(found)
                give_up_on(found, self.exchanges)
                return ""

    def hello(self, problem: str) -> Hello:
        return Hello(self.seat.row, os.getpid(), self.serving.snapshot.version, self.keys_version, problem)

    def _apply_snapshot(self, version: str, data: bytes) -> str:
        if version == self.serving.snapshot.version:
            return ""
        try:
            snapshot = msgspec.msgpack.decode(data, type=Snapshot)
            serving = self._made_ready(snapshot)
        except (msgspec.DecodeError, OSError, ValueError, LookupError) as error:
            log.error("snapshot %s can't be applied, %s stays: %s", version, self.serving.snapshot.version, error)
            return str(error)
        self._take(serving)
        return ""

    def _made_ready(self, snapshot: Snapshot) -> Serving:
        return Serving(snapshot, self._pools, self.seat.engines, self.sweep, self._known, self.identities)

    def _take(self, serving: Serving) -> None:
        left = [pool for identity, pool in self._pools.items() if identity not in serving.pools]
        self._pools = serving.pools
        self.serving = serving
        self.server.limits = serving.snapshot.limits
        self.server.allowed_hosts = self._hosts()
        self.json_limits = JsonLimits(depth=serving.snapshot.limits.json_depth)
        self.access_log = (self.access_log or AccessLog(sys.stderr)) if serving.snapshot.access_log else None
        for pool in left:
            closing = self.loop.create_task(pool.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _hosts(self) -> frozenset[bytes] | None:
        """The names this gateway may be called by: any, unless it is open to all who can reach it.

        A page from the web may give its own name to this machine's address; with a name of ours it can't.
        """
        return LOOPBACK_NAMES if self.serving.snapshot.auth == "open" else None

    def _apply_keys(self, change: KeyChange) -> str:
        if change.since is None:
            self.keys = {key.digest: key for key in change.put}
        elif change.since != self.keys_version:
            return f"keys changed from {change.since}, and {self.keys_version} is here"
        else:
            for digest in change.drop:
                self.keys.pop(digest, None)
            self.keys.update((key.digest, key) for key in change.put)
        self.keys_version = change.version
        self._presented.clear()
        return ""

    def _snapshot_on_disk(self) -> Snapshot:
        return msgspec.msgpack.decode(self.state.snapshot.read_bytes(), type=Snapshot)

    def _load_keys(self) -> None:
        try:
            file = msgspec.msgpack.decode(self.state.keys.read_bytes(), type=KeyFile)
        except (OSError, msgspec.DecodeError):
            return
        self.keys = {key.digest: key for key in file.keys}
        self.keys_version = file.version

    # -- life ----------------------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        return not self.is_draining and (self.serving.snapshot.auth != "keys" or self.keys_version >= 0)

    @property
    def is_cutting_off(self) -> bool:
        """Whether those that are still connected are being cut off because stopping takes too long."""
        return time.monotonic() >= self._cut_off_at

    async def run(self) -> None:
        """Serves until told to stop, then lets what is under way end."""
        stop = asyncio.Event()
        self.loop.add_signal_handler(signal.SIGTERM, stop.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.board.set(columns.PID, os.getpid())
        self._load_keys()
        link = Link(self.state.control_socket, self.apply, self.hello)
        self._background.append(self.loop.create_task(link.run()))
        self._background.append(self.loop.create_task(self.samples.run()))
        self._background.append(self.loop.create_task(self._beat()))
        self._background.append(self.loop.create_task(self._hear_verdicts()))
        self._background.append(self.loop.create_task(self._watch_supervisor(stop)))
        self._background.append(self.loop.create_task(self._keep_waiting()))
        while not self.is_ready and not stop.is_set():
            await asyncio.sleep(0.01)
        await self._hear_what_was_spent(stop)
        await self.identities.first(FIRST_TOKENS)
        # What is here by now stays: the collector need not look at it again with every exchange's leavings.
        gc.freeze()
        await self.server.serve(self.seat.listener, ssl=_tls(self.seat.boot))
        await stop.wait()
        await self.drain()

    async def _hear_what_was_spent(self, stop: asyncio.Event) -> None:
        """Waits a moment for what was spent before the gateway started, if anybody has a budget."""
        quotas = [account.quota for account in self.serving.snapshot.accounts]
        quotas += [key.quota for key in self.keys.values() if key.quota is not None]
        if not any(quota.budgets for quota in quotas):
            return
        end = time.monotonic() + LONGEST_SILENCE
        while not self.meters.was_asked(CARRIED) and not stop.is_set():
            if time.monotonic() > end:
                log.warning("the ledger can't tell what was spent; budgets count from now on until it can")
                return
            await asyncio.sleep(0.01)

    async def drain(self) -> None:
        """Takes no new work, ends what is under way, closes."""
        self.is_draining = True
        self._cut_off_at = time.monotonic() + DRAIN
        self.server.stop_accepting()
        await self.server.drain(DRAIN)
        end = time.monotonic() + LAST_RECORDS
        while self.exchanges and time.monotonic() < end:
            await asyncio.sleep(0.01)
        self.loads.cancel()
        self.keeper.close()
        self.identities.stop()
        for task in self._background:
            task.cancel()
        self.spool.close()

    async def _beat(self) -> None:
        while True:
            self.board.set(columns.HEARTBEAT, time.time_ns())
            self.board.set(columns.CONNECTIONS, self.server.connections)
            self.board.set(columns.IN_FLIGHT, len(self.exchanges))
            self._show_spool()
            with contextlib.suppress(OSError):
                self.observed.save()
            if self.access_log is not None:
                self.access_log.flush()
            await asyncio.sleep(HEARTBEAT)

    async def _hear_verdicts(self) -> None:
        while True:
            self._verdicts.hear()
            await asyncio.sleep(verdicts.LOOK)

    async def _keep_waiting(self) -> None:
        """Lets those who have waited for long hear that they still do."""
        while True:
            await asyncio.sleep(heartbeat.LOOK)
            now = time.monotonic()
            for exchange in tuple(self.exchanges):
                exchange.beat(now)

    def _show_spool(self) -> None:
        spool = self.spool.state
        if spool.name != self._spool_was:
            level = logging.INFO if spool.name == "ok" else logging.ERROR
            log.log(level, "the spool is %s: %s", spool.name, spool.message or "records are written again")
            self._spool_was = spool.name
        self.board.set(columns.SPOOL_STATE, SPOOL_STATES.index(spool.name))
        self.board.set(columns.UNRECORDED, spool.held + spool.lost)

    async def _watch_supervisor(self, stop: asyncio.Event) -> None:
        """When the supervisor dies, serves on until its successor is up, or for a while, then drains."""
        died = asyncio.Event()
        self.loop.add_reader(self.seat.lifeline, died.set)
        await died.wait()
        self.loop.remove_reader(self.seat.lifeline)
        log.warning("the supervisor died; serving on until a new one is up, at most %.0f s", ORPHAN)
        end = time.monotonic() + ORPHAN
        while time.monotonic() < end and not self._has_successor():
            await asyncio.sleep(0.1)
        stop.set()

    def _has_successor(self) -> bool:
        try:
            return self.state.supervisor.read_text() not in ("", self.seat.generation)
        except OSError:
            return False


def _tls(boot: Boot) -> ssl.SSLContext | None:
    if boot.tls is None or boot.tls.certificate is None:
        return None
    return server_context(boot.tls.certificate, boot.tls.key or boot.tls.certificate, boot.tls.ca)


def run_worker(seat: Seat) -> None:
    """The whole life of a forked worker process."""
    import uvloop

    async def live() -> None:
        await Worker(seat).run()

    uvloop.run(live())
