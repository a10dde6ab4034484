"""What came of samples on its way into the store, several at once: a transaction costs far more than what is in it.

Bounded: who has one more waits where too many are unwritten. What the store does not take is dropped, and counted.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from earthward.store import quality as store
from earthward.store.content import ContentKeys
from earthward.store.quality import Looked

log = logging.getLogger("earthward.samples")

TOGETHER = 0.25
"""Seconds for which they are gathered."""
MOST_UNWRITTEN = 64
MOST_BYTES = 16 * 1024 * 1024
"""Samples, and bytes of their content, that may be on their way."""
Counts = Counter[tuple[str, str]]


class SampleStore:
    """`parts` are the store and the content keys, once there; `done` and `dropped` count by route and word."""

    def __init__(self, parts: Callable[[], tuple[Engine, ContentKeys] | None], done: Counts, dropped: Counts) -> None:
        self._parts = parts
        self._done = done
        self._dropped = dropped
        self._gathered: list[Looked] = []
        self._unwritten = 0
        self._bytes = 0
        self._some = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, looked: Looked) -> None:
        """Takes it over, once there is room."""
        while self._unwritten >= MOST_UNWRITTEN or self._bytes >= MOST_BYTES:
            self._room.clear()
            await self._room.wait()
        self._gathered.append(looked)
        self._unwritten += 1
        self._bytes += size_of(looked)
        self._some.set()

    async def run(self) -> None:
        """Writes until cancelled, and then what is left."""
        try:
            while True:
                await self._some.wait()
                await asyncio.sleep(TOGETHER)
                self._some.clear()
                batch, self._gathered = self._gathered, []
                await asyncio.to_thread(self._write, batch)
                self._unwritten -= len(batch)
                self._bytes -= sum(map(size_of, batch))
                self._room.set()
        finally:
            self._write(self._gathered)

    def _write(self, batch: Sequence[Looked]) -> None:
        parts = self._parts()
        problem: str | None = "not open yet"
        if parts is not None:
            try:
                store.keep(*parts, batch)
                problem = None
            except OperationalError as error:
                problem = type(error.orig).__name__
            except (SQLAlchemyError, OSError) as error:
                problem = type(error).__name__
                if len(batch) > 1:
                    # One that no database takes must not take others with it.
                    for looked in batch:
                        self._write([looked])
                    return
        if problem is not None and batch:
            log.warning("%d samples can't be kept: %s", len(batch), problem)
        for looked in batch:
            self._count(looked, is_written=problem is None)

    def _count(self, looked: Looked, *, is_written: bool) -> None:
        of = looked.kept or looked.pair
        assert of is not None, "something came of it"
        if not is_written:
            self._dropped[of.route, "store away"] += 1
            return
        if looked.pair is not None:
            self._done[of.route, "pair"] += 1
        self._done[of.route, "kept"] += 1


def size_of(looked: Looked) -> int:
    """Characters of its content, about."""
    if looked.kept is None:
        return 0
    content = looked.kept.content
    answers = (content.baseline, content.candidate)
    return len(content.prompt) + sum(len(it.text) for it in answers if it) + sum(map(len, content.judged))
