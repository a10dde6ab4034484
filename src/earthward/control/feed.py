"""The control process's side of the line to the workers: tells each what it has not got yet."""

import asyncio
import logging
from collections.abc import Collection

import msgspec

from earthward.config.snapshot import Key, Snapshot
from earthward.gateway.messages import FleetNews, Frames, Hello, KeyChange, KeyFile, NewSnapshot, frame, read_to_control
from earthward.gateway.sockets import listening
from earthward.gateway.state import State, write_whole

log = logging.getLogger("earthward.feed")

MOST_UNREAD = 1 << 20
"""Bytes that a worker may leave unread before it is told no more news."""


class Feed:
    """What all workers should have, kept on disk as well, and who has it."""

    def __init__(self, state: State, snapshot: Snapshot) -> None:
        self._state = state
        self._snapshot = NewSnapshot(snapshot.version, msgspec.msgpack.encode(snapshot))
        self._keys: dict[bytes, Key] = {}
        self.keys_version = -1
        self.unsaved = ""
        self._change: KeyChange | None = None
        self._lines: dict[asyncio.StreamWriter, Hello | None] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await listening(self._state.control_socket, self._serve)

    @property
    def workers(self) -> list[Hello]:
        """What each connected worker last said it has."""
        return [hello for hello in self._lines.values() if hello is not None]

    @property
    def keys(self) -> Collection[Key]:
        return self._keys.values()

    @property
    def version(self) -> str:
        return self._snapshot.version

    def publish(self, snapshot: Snapshot) -> None:
        """Puts a snapshot before every worker, then on disk."""
        self._snapshot = NewSnapshot(snapshot.version, msgspec.msgpack.encode(snapshot))
        for line in self._lines:
            line.write(frame(self._snapshot))
        self.save()

    def publish_keys(self, version: int, keys: list[Key]) -> None:
        """Puts what changed of the callers' keys before every worker, then all of them on disk."""
        now = {key.digest: key for key in keys}
        put = tuple(key for digest, key in now.items() if self._keys.get(digest) != key)
        drop = tuple(digest for digest in self._keys if digest not in now)
        self._change = KeyChange(version, self.keys_version, put, drop)
        self._keys = now
        self.keys_version = version
        for line, hello in self._lines.items():
            self._tell_keys(line, hello)
        self.save()

    def tell(self, news: FleetNews) -> None:
        """Tells every worker that keeps up how the hosts are. There is more to come, so none is waited for."""
        data = frame(news)
        for line in self._lines:
            if line.transport.get_write_buffer_size() < MOST_UNREAD:
                line.write(data)

    def save(self) -> None:
        """What a worker finds that starts while this process is away. `unsaved` says why it is not on disk."""
        was, self.unsaved = self.unsaved, ""
        try:
            write_whole(self._state.snapshot, self._snapshot.data)
            if self.keys_version >= 0:
                file = KeyFile(self.keys_version, tuple(self._keys.values()))
                write_whole(self._state.keys, msgspec.msgpack.encode(file))
        except OSError as error:
            self.unsaved = f"snapshot and keys can't be written: {error.strerror}"
            if not was:
                log.error("%s; workers have them, and writing is tried again", self.unsaved)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.close()

    # -- one worker ----------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, line: asyncio.StreamWriter) -> None:
        frames = Frames()
        self._lines[line] = None
        try:
            while data := await reader.read(1 << 16):
                for payload in frames.feed(data):
                    self._hear(line, read_to_control(payload))
        except (OSError, ValueError) as error:
            log.warning("a worker's line broke: %s", error)
        finally:
            self._lines.pop(line, None)
            line.close()

    def _hear(self, line: asyncio.StreamWriter, hello: Hello) -> None:
        first = self._lines.get(line) is None
        self._lines[line] = hello
        if hello.problem:
            log.error("worker %d could not apply what it was sent: %s", hello.row, hello.problem)
        if first and hello.snapshot != self._snapshot.version:
            line.write(frame(self._snapshot))
        if hello.keys != self.keys_version and (first or hello.problem):
            self._tell_keys(line, hello)

    def _tell_keys(self, line: asyncio.StreamWriter, hello: Hello | None) -> None:
        if self.keys_version < 0 or hello is None:
            return
        change = self._change
        if change is None or hello.keys != change.since or hello.problem:
            change = KeyChange(self.keys_version, None, tuple(self._keys.values()))
        line.write(frame(change))
