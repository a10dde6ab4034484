"""A worker's line to the control process: hears of new snapshots and keys, and dials again for ever."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from earthward.gateway.messages import Frames, Hello, ToWorker, frame, read_to_worker
from earthward.gateway.sockets import dialled

log = logging.getLogger("earthward.link")

PAUSE = 0.2


class Link:
    """`apply` is called with each message; `hello` says what this worker now has."""

    def __init__(self, path: Path, apply: Callable[[ToWorker], str], hello: Callable[[str], Hello]) -> None:
        self._path = path
        self._apply = apply
        self._hello = hello

    async def run(self) -> None:
        """Keeps the line up until cancelled. Without a control process the worker goes on with what it has."""
        while True:
            try:
                reader, writer = await dialled(self._path)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            try:
                await self._listen(reader, writer)
            except (OSError, ValueError) as error:
                log.warning("the line to the control process broke: %s", error)
            finally:
                writer.close()
            await asyncio.sleep(PAUSE)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames()
        writer.write(frame(self._hello("")))
        while data := await reader.read(1 << 16):
            for payload in frames.feed(data):
                problem = self._apply(read_to_worker(payload))
                writer.write(frame(self._hello(problem)))
