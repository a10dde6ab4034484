"""A worker's line to what the control process keeps of people's words, for those requests alone that ask for it.

Bounded in time and in bytes: a control process that is away, or slow, is told of, and holds nobody up for long.
"""

import asyncio
import struct
from pathlib import Path
from typing import Literal

import msgspec

from earthward.gateway.drive import Told
from earthward.gateway.sockets import dialled

PATIENCE = 5.0
"""Seconds for an answer."""
PAUSE = 0.05
"""Seconds between two tries to reach the control process."""
MOST_WAITING = 1024
MOST_UNSENT = 64 * 1024 * 1024
"""Bytes."""
LONGEST = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Keep(msgspec.Struct, frozen=True, tag="keep"):
    """`kept_for` is in seconds; `previous` and `root` are ids, the root's being its own for the first of them."""

    number: int
    id: str
    owner: str
    root: str
    previous: str
    kept_for: int
    content: bytes


class Recall(msgspec.Struct, frozen=True, tag="recall"):
    """`whole` asks for all turns up to this one."""

    number: int
    id: str
    owner: str
    whole: bool


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    number: int
    id: str
    owner: str


class Reply(msgspec.Struct, frozen=True):
    """`away` is what is said without the control process, or its store."""

    number: int
    state: Literal["ok", "missing", "broken", "unreadable", "away"]
    root: str = ""
    contents: tuple[bytes, ...] = ()


Ask = Keep | Recall | Forget
_ask: msgspec.msgpack.Decoder[Ask] = msgspec.msgpack.Decoder(Ask)
_reply = msgspec.msgpack.Decoder(Reply)
_encode = msgspec.msgpack.Encoder().encode


def frame(message: Ask | Reply) -> bytes:
    payload = _encode(message)
    return _LENGTH.pack(len(payload)) + payload


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Raises ValueError for one that is longer than any of ours, IncompleteReadError when the line ends."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > LONGEST:
        raise ValueError(f"a frame of {length} bytes")
    return await reader.readexactly(length)


def read_ask(payload: bytes) -> Ask:
    return _ask.decode(payload)


class Keeper:
    """Asks, and tells each answer to whom it is for."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._path = path
        self._loop = loop
        self._waiting: dict[int, Told[Reply]] = {}
        self._number = 0
        self._writer: asyncio.StreamWriter | None = None
        self._unsent: list[bytes] = []
        self._line: asyncio.Task[None] | None = None

    def keep(self, id: str, owner: str, root: str, previous: str, kept_for: int, content: bytes) -> Told[Reply]:
        return self._asked(Keep(self._next(), id, owner, root, previous, kept_for, content))

    def recall(self, id: str, owner: str, *, whole: bool) -> Told[Reply]:
        return self._asked(Recall(self._next(), id, owner, whole))

    def forget(self, id: str, owner: str) -> Told[Reply]:
        return self._asked(Forget(self._next(), id, owner))

    def close(self) -> None:
        if self._line is not None:
            self._line.cancel()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _asked(self, ask: Ask) -> Told[Reply]:
        told: Told[Reply] = Told()
        data = frame(ask)
        if len(self._waiting) >= MOST_WAITING or self._unsent_bytes() + len(data) > MOST_UNSENT:
            told.tell(Reply(ask.number, "away"))
            return told
        self._waiting[ask.number] = told
        self._loop.call_later(PATIENCE, self._tell, Reply(ask.number, "away"))
        if self._writer is not None:
            self._writer.write(data)
        else:
            self._unsent.append(data)
            if self._line is None or self._line.done():
                self._line = self._loop.create_task(self._listen())
        return told

    def _unsent_bytes(self) -> int:
        unsent = self._writer.transport.get_write_buffer_size() if self._writer is not None else 0
        return unsent + sum(map(len, self._unsent))

    def _tell(self, reply: Reply) -> None:
        told = self._waiting.pop(reply.number, None)
        if told is not None:
            told.tell(reply)

    async def _listen(self) -> None:
        """One line, for as long as it lasts; who waits when it breaks is told at once."""
        try:
            reader, self._writer = await self._connected()
            self._writer.write(b"".join(self._unsent))
            self._unsent.clear()
            while True:
                self._tell(_reply.decode(await read_frame(reader)))
        except (OSError, ValueError, EOFError):
            pass
        finally:
            if self._writer is not None:
                self._writer.close()
            self._writer = None
            self._unsent.clear()
            for number in list(self._waiting):
                self._tell(Reply(number, "away"))

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Tries again while somebody has patience: the control process may be about to start."""
        while True:
            try:
                return await dialled(self._path)
            except OSError:
                if not self._waiting:
                    raise
                await asyncio.sleep(PAUSE)
