"""The control process's side of keeping responses: the socket that workers ask at, the keys, and letting go in time."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.config import secrets
from earthward.gateway.keeping import Ask, Forget, Keep, Recall, Reply, frame, read_ask, read_frame
from earthward.gateway.sockets import listening
from earthward.store import responses
from earthward.store.content import ContentKeys

log = logging.getLogger("earthward.responses")

SWEEP = 60.0
"""Seconds between two looks for what has been kept long enough."""
OPENS_WITHIN = 3.0
"""Seconds; less than a worker waits."""
NANO = 1_000_000_000


class Responses:
    """`engine` gives the store once it is open, `references` those of the content keys that are in force."""

    def __init__(
        self, path: Path, engine: Callable[[], Engine | None], references: Callable[[], tuple[str, ...]]
    ) -> None:
        self._path = path
        self._engine = engine
        self._references = references
        # SQLite has one writer at a time anyway, and what was kept must be there for who asks next.
        self._thread = ThreadPoolExecutor(1, "responses")
        self._keys: tuple[tuple[str, ...], ContentKeys] | None = None
        self._server: asyncio.Server | None = None

    async def run(self) -> None:
        """Answers workers, and deletes what has been kept long enough, until cancelled."""
        self._server = await listening(self._path, self._serve)
        try:
            while True:
                await self._in_thread(self._swept)
                await asyncio.sleep(SWEEP)
        finally:
            self._server.close()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError):
            while True:
                ask = read_ask(await read_frame(reader))
                writer.write(frame(await self._in_thread(self._answer, ask)))
                await writer.drain()
        writer.close()

    async def _in_thread(self, work: Callable[..., Reply], *arguments: object) -> Reply:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _answer(self, ask: Ask) -> Reply:
        engine = self._opened()
        if engine is None:
            return Reply(ask.number, "away")
        try:
            return self._done(engine, ask)
        except (SQLAlchemyError, OSError, LookupError, ValueError) as error:
            log.error("a stored response can't be served: %s", type(error).__name__)
            return Reply(ask.number, "away")

    def _opened(self) -> Engine | None:
        """The store, waited for a little: it is about to be opened when a gateway starts."""
        end = time.monotonic() + OPENS_WITHIN
        while (engine := self._engine()) is None and time.monotonic() < end:
            time.sleep(0.02)
        return engine

    def _done(self, engine: Engine, ask: Ask) -> Reply:
        now = time.time_ns()
        match ask:
            case Keep():
                until = now + ask.kept_for * NANO
                names = (ask.id, ask.owner, ask.root, ask.previous)
                responses.keep(engine, self._content_keys(), responses.Kept(*names, now, until, ask.content))
                return Reply(ask.number, "ok", ask.root)
            case Recall():
                look = responses.conversation if ask.whole else responses.response
                found = look(engine, self._content_keys(), ask.id, ask.owner, now)
                return Reply(ask.number, found.state, found.root, found.contents)
            case Forget():
                return Reply(ask.number, "ok" if responses.forget(engine, ask.id, ask.owner) else "missing")

    def _content_keys(self) -> ContentKeys:
        references = self._references()
        if self._keys is None or self._keys[0] != references:
            found = secrets.content_keys(references, os.environ, lambda path: Path(path).read_text())
            if not found:
                raise LookupError("there is no content key")
            self._keys = references, ContentKeys(found)
        return self._keys[1]

    def _swept(self) -> Reply:
        engine = self._engine()
        if engine is not None:
            try:
                gone = responses.forget_expired(engine, time.time_ns())
                if gone:
                    log.info("%d stored responses were kept long enough and are deleted", gone)
            except SQLAlchemyError as error:
                log.warning("stored responses can't be swept: %s", type(error).__name__)
        return Reply(0, "ok")
