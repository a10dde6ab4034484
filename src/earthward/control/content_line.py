"""The control process's side of the line for content: samples come in, feedback comes in and is replied to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from earthward.gateway.messages import Frames
from earthward.gateway.samples import Feedback, Reply, Sample, framed, read_to_control
from earthward.gateway.sockets import listening

log = logging.getLogger("earthward.content")


class ContentLine:
    """`on_sample` must return at once; `on_feedback` may wait."""

    def __init__(
        self, path: Path, on_sample: Callable[[Sample], None], on_feedback: Callable[[Feedback], Awaitable[Reply]]
    ) -> None:
        self._path = path
        self._on_sample = on_sample
        self._on_feedback = on_feedback
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await listening(self._path, self._serve)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.close()

    async def _serve(self, reader: asyncio.StreamReader, line: asyncio.StreamWriter) -> None:
        frames = Frames()
        self._lines.add(line)
        try:
            while data := await reader.read(1 << 18):
                for payload in frames.feed(data):
                    self._hear(line, payload)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            log.warning("a worker's line for content broke: %s", error)
        finally:
            self._lines.discard(line)
            line.close()

    def _hear(self, line: asyncio.StreamWriter, payload: bytes) -> None:
        message = read_to_control(payload)
        if isinstance(message, Sample):
            self._on_sample(message)
            return
        task = asyncio.get_running_loop().create_task(self._answer(line, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, line: asyncio.StreamWriter, given: Feedback) -> None:
        reply = await self._on_feedback(given)
        if not line.is_closing():
            line.write(framed(reply))
