"""All that looks at answers: the line for content, shadows and their judge, feedback, and the sweep of what is kept."""

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sqlalchemy import Engine

from earthward.config.secrets import content_keys
from earthward.config.snapshot import Snapshot
from earthward.control.asking import Asking
from earthward.control.content_line import ContentLine
from earthward.control.crowding import Crowding
from earthward.control.feedback import FeedbackDesk
from earthward.control.purses import Purses
from earthward.control.quality_metrics import QualityMetrics
from earthward.control.quality_report import judge_warnings
from earthward.control.shadows import Shadows, sweep_for_ever
from earthward.fleet.found import Probed
from earthward.gateway import board as columns
from earthward.gateway.board import Board
from earthward.gateway.state import State
from earthward.ledger.record import Record, Settled
from earthward.store.content import ContentKeys
from earthward.store.digest import kept_secret
from earthward.store.spool import SpoolBroken, SpoolFull, SpoolWriter

log = logging.getLogger("earthward.quality")

SWEEP = 60.0
"""Seconds."""


class Quality:
    """`engine` is the store, once it is open; `engines` the addresses of embedded ones; what was spooled before
    `stored_up_to` is in the store."""

    def __init__(
        self,
        state: State,
        replica: str,
        board: Board,
        engines: Mapping[str, str],
        engine: Callable[[], Engine | None],
        stored_up_to: Callable[[], float],
    ) -> None:
        self._state = state
        self._engine = engine
        self._replica = replica
        self._spool: SpoolWriter | None = None
        self._keys: ContentKeys | None = None
        self._configured: tuple[str, ...] = ()
        self._warned: set[str] = set()
        self._asking = Asking(board, engines)
        self.purses = Purses(state.folder / "shadow-spend.msgpack")
        crowding = Crowding(lambda: board.column(columns.PID))
        self.shadows = Shadows(self._asking, self.purses, self._put_on_record, self.parts, crowding.part)
        self.feedback = FeedbackDesk(self.parts, stored_up_to)
        self._line = ContentLine(state.content_socket, self.shadows.offer, self.feedback.hear)

    def metrics(self, board: Board) -> QualityMetrics:
        def spent() -> dict[str, int]:
            return {route: purse.committed for route, purse in self.purses.purses.items()}

        shadows = self.shadows
        return QualityMetrics(board, shadows.done, shadows.dropped, self.feedback.told, spent, lambda: shadows.waiting)

    def parts(self) -> tuple[Engine, ContentKeys] | None:
        """The store and the keys that content is sealed with; None as long as the store is not open."""
        engine = self._engine()
        if engine is None:
            return None
        if self._keys is None:
            # What was sealed before a key was configured still opens.
            own = kept_secret(self._state.folder, "content").decode()
            self._keys = ContentKeys([*self._configured, own])
        return engine, self._keys

    def take_over(self, snapshot: Snapshot) -> None:
        """What cannot be asked for want of a secret is left out, and workers tell of it."""
        self._warn(snapshot)
        try:
            self._configured = content_keys(snapshot.content_key, os.environ, lambda path: Path(path).read_text())
            self._keys = None
        except (OSError, ValueError, LookupError) as error:
            log.error("the content key can't be had, so the one before stays: %s", error)
        if not any(route.sampling for route in snapshot.routes) and self._asking.serving is None:
            self.shadows.take_over(snapshot)
            return
        try:
            self._asking.take_over(snapshot)
        except (OSError, ValueError, LookupError) as error:
            log.error("shadows go on with the configuration before: %s", error)
            return
        self.shadows.take_over(snapshot)

    def _warn(self, snapshot: Snapshot) -> None:
        """Once of each, not at each change of the file."""
        warnings = {f"route {route.name}: {it}" for route in snapshot.routes for it in judge_warnings(route, snapshot)}
        for warning in sorted(warnings - self._warned):
            log.warning(warning)
        self._warned = warnings

    def hear(self, found: Iterable[Probed]) -> None:
        """What the prober found: which hosts hold which models, and which they send on to a cloud."""
        if self._asking.serving is not None:
            self._asking.serving.hear(found)

    async def run(self) -> None:
        await self._line.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.shadows.run())
                group.create_task(sweep_for_ever(self.parts, SWEEP))
        finally:
            self._line.close()
            if self._spool is not None:
                self._spool.close()

    def _put_on_record(self, record: Record) -> None:
        if self._spool is None:
            self._spool = SpoolWriter(self._state.spool, self._replica, f"shadow-{secrets.token_hex(8)}")
        with contextlib.suppress(SpoolFull, SpoolBroken):
            self._spool.append(Settled(record))
