"""Keeps the embedded engines of a gateway alive: each on a port of its own, started again when it dies.

Never blocks its caller: a model that loads for a while is simply not reachable yet.
"""

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from earthward.engine.model import default_model, usable
from earthward.engine.ports import free_port
from earthward.engine.process import EngineFailed, EngineProcess

log = logging.getLogger("earthward.engine")

LONGEST_PAUSE = 30.0
SETTLED_AFTER = 10.0


class Wanted(Protocol):
    """What the configuration says of one engine; None means its own default."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str | None: ...
    @property
    def context(self) -> int | None: ...
    @property
    def slots(self) -> int | None: ...
    @property
    def threads(self) -> int | None: ...


class _Kept:
    """One engine, and when it may be started again."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.model = usable(Path(wanted.model) if wanted.model else default_model())
        self.port = free_port()
        self.process: EngineProcess | None = None
        self.started = 0.0
        self.deaths = 0
        self.due = 0.0

    def start(self) -> None:
        wanted = self.wanted
        self.started = time.monotonic()
        self.process = EngineProcess.start(
            self.model,
            port=self.port,
            context=wanted.context or 4096,
            slots=wanted.slots or 4,
            threads=wanted.threads,
        )

    def look(self, now: float) -> None:
        if self.process is not None and not self.process.is_alive:
            self._bury(self.process, now)
        if self.process is None and now >= self.due:
            self.start()

    def _bury(self, process: EngineProcess, now: float) -> None:
        self.deaths = self.deaths + 1 if now - self.started < SETTLED_AFTER else 0
        pause = min(0.5 * 2**self.deaths, LONGEST_PAUSE) if self.deaths else 0.0
        self.due = now + pause
        log.warning(
            "the engine of %s ended (%s); starting it again in %.1f s", self.wanted.provider, _why(process), pause
        )
        process.stop()
        self.process = None


class EngineKeeper:
    """Raises UnusableModel for a model that can't be served, before anything is started."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._kept = [_Kept(each) for each in wanted]

    @property
    def urls(self) -> dict[str, str]:
        """Where each provider's engine answers, or will once its model is loaded."""
        return {kept.wanted.provider: f"http://127.0.0.1:{kept.port}/v1" for kept in self._kept}

    def revive(self) -> None:
        """Starts what is not running and due."""
        now = time.monotonic()
        for kept in self._kept:
            kept.look(now)

    def __enter__(self) -> Self:
        self.revive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for kept in self._kept:
            if kept.process is not None:
                kept.process.stop()


def _why(process: EngineProcess) -> str:
    try:
        process.wait_ready(0)
    except (EngineFailed, TimeoutError) as failed:
        return str(failed)
    return "it had been ready"
