"""What a worker sends the control process of content: samples of exchanges, and what callers say of answers.

On a line of its own, and never by the spool: nothing here is written down before it is sealed. Nobody waits for room:
a sample that finds the line full, or nobody at its other end, is dropped and counted.
"""

import asyncio
import logging
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.gateway import board as columns
from earthward.gateway.board import Board
from earthward.gateway.messages import Frames
from earthward.gateway.settling import named_reason
from earthward.gateway.sockets import dialled
from earthward.ledger.record import Arm, Status
from earthward.quality.sampling import Taken

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange

log = logging.getLogger("earthward.samples")

LARGEST = 512 * 1024
"""Bytes of a request, and of an answer. What is larger is not sampled."""
MOST_UNSENT = 4 * 1024 * 1024
"""Bytes that may wait on the line to the control process."""
TOGETHER = 0.25
"""Seconds for which samples are gathered: each time wakes the control process."""
A_SECOND = 25
AT_ONCE = 128
"""Samples that the control process works off a second at most, and that may wait there. What is beyond both costs a
worker as good as nothing: it is dropped here, before it is packed, sent, read and dropped there."""
PAUSE = 0.2
PATIENCE = 5.0
"""Seconds that a caller who gives feedback waits for the control process to say that it is written down."""
_LENGTH = struct.Struct(">I")


class Sample(msgspec.Struct, frozen=True, array_like=True, tag="sample"):
    """One exchange with its content. Times as in `Record`. `other` is the target that is to answer as well, if any;
    `answer` is as the caller got it, in the dialect of `path`."""

    id: str
    at: int
    route: str
    arm: Arm
    share: int
    stage: int
    epoch: int
    unit: str
    task: str
    data_class: str
    app: str
    team: str
    path: bytes
    query: bytes
    stream: bool
    status: Status
    target: str
    finish: str
    first_content: int | None
    duration: int
    other: str | None
    request: bytes
    answer: bytes


class Feedback(msgspec.Struct, frozen=True, array_like=True, tag="feedback"):
    """What the holder of `key` says of an answer: a score from 0 to 1. `number` is what is replied to."""

    number: int
    id: str
    key: str
    score: float
    comment: str = ""


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """`status` is as in HTTP."""

    number: int
    status: int
    message: str = ""


ToControl = Sample | Feedback
_to_control: msgspec.msgpack.Decoder[ToControl] = msgspec.msgpack.Decoder(ToControl)
_reply = msgspec.msgpack.Decoder(Reply)
_encode = msgspec.msgpack.Encoder().encode


def framed(message: ToControl | Reply) -> bytes:
    payload = _encode(message)
    return _LENGTH.pack(len(payload)) + payload


def read_to_control(payload: bytes) -> ToControl:
    """Raises msgspec.DecodeError."""
    return _to_control.decode(payload)


class Tap:
    """Hears an answer on its way to the caller, for one exchange that is sampled."""

    __slots__ = ("_pieces", "_size", "_taken")

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._pieces: list[bytes] = []
        self._size = 0

    def hear(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= LARGEST:
            self._pieces.append(data)

    def through(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """A way to write that is listened in on."""

        def written(data: bytes) -> None:
            self.hear(data)
            write(data)

        return written

    def sample(self, exchange: "Exchange", status: Status, failure: Failure | None) -> Sample | None:
        """All of it, once it is over; None where it is too large to be kept, or nobody was there to hear it."""
        decision, question, attempts = exchange.decision, exchange.question, exchange.attempts
        body = exchange.request.body
        if decision is None or question is None or status == "cancelled":
            return None
        if failure is not None and failure.kind not in ANOTHER_MAY_SERVE:
            return None
        if len(body) > LARGEST or self._size > LARGEST:
            return None
        plan, key, heard = decision.plan, exchange.caller.key, attempts.heard
        return Sample(
            exchange.id,
            exchange.accepted_at,
            plan.route,
            plan.arm,
            plan.share,
            plan.stage,
            plan.epoch,
            decision.unit,
            exchange.hints.task,
            decision.data_class,
            key.app,
            key.team,
            exchange.request.path,
            exchange.request.query,
            question.glance.stream,
            status,
            attempts.target.name if attempts.target else "",
            (named_reason(heard.finish_reason) or "") if heard else "",
            exchange.first_content,
            exchange.elapsed(),
            self._taken.other,
            body,
            b"" if failure is not None else b"".join(self._pieces),
        )


class SampleLine:
    """The line itself: dialled again for ever. `offer` never waits."""

    def __init__(self, path: Path, board: Board) -> None:
        self._path = path
        self._board = board
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, asyncio.Future[Reply]] = {}
        self._number = 0
        self._frames: list[bytes] = []
        self._size = 0
        self._samples = 0
        self._allowed = float(AT_ONCE)
        self._allowed_at = time.monotonic()

    def offer(self, made: Callable[[], Sample | None]) -> None:
        """What is beyond what may be sent is not even made; None is one that can't be kept. Whether it was sent is
        counted once that is known."""
        sample = made() if self._is_allowed() else None
        if sample is not None and self._send(sample):
            self._allowed -= 1
            self._samples += 1
        else:
            self._board.add(columns.SAMPLES_DROPPED)

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        self._allowed = min(AT_ONCE, self._allowed + (now - self._allowed_at) * A_SECOND)
        self._allowed_at = now
        return self._allowed >= 1

    async def tell(self, id: str, key: str, score: float, comment: str) -> Reply | None:
        """What the control process says to feedback; None where it does not say anything in time."""
        self._number += 1
        number = self._number
        if not self._send(Feedback(number, id, key, score, comment)):
            return None
        # Somebody waits for this one.
        self._flush()
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            return await asyncio.wait_for(future, PATIENCE)
        except (TimeoutError, asyncio.CancelledError):
            return None
        finally:
            self._asked.pop(number, None)

    def _send(self, message: ToControl) -> bool:
        """Puts it with those that go out together a moment later: a system call for each would cost more than it."""
        writer = self._open_writer()
        if writer is None or writer.transport.get_write_buffer_size() + self._size > MOST_UNSENT:
            return False
        frame = framed(message)
        if not self._frames:
            asyncio.get_running_loop().call_later(TOGETHER, self._flush)
        self._frames.append(frame)
        self._size += len(frame)
        return True

    def _flush(self) -> None:
        if not self._frames:
            return
        frames, samples = self._frames, self._samples
        self._frames, self._size, self._samples = [], 0, 0
        writer = self._open_writer()
        if writer is None:
            self._board.add(columns.SAMPLES_DROPPED, samples)
            self._give_up()
            return
        writer.write(b"".join(frames))
        self._board.add(columns.SAMPLED, samples)

    def _open_writer(self) -> asyncio.StreamWriter | None:
        """None, too, where the line is broken and its listener was not woken yet."""
        writer = self._writer
        return None if writer is None or writer.transport.is_closing() else writer

    async def run(self) -> None:
        while True:
            try:
                reader, writer = await dialled(self._path)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            self._writer = writer
            try:
                await self._listen(reader)
            except (OSError, ValueError) as error:
                log.warning("the line for content broke: %s", error)
            finally:
                self._writer = None
                self._give_up()
                writer.close()
            await asyncio.sleep(PAUSE)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        while data := await reader.read(1 << 16):
            for payload in frames.feed(data):
                reply = _reply.decode(payload)
                future = self._asked.get(reply.number)
                if future is not None and not future.done():
                    future.set_result(reply)

    def _give_up(self) -> None:
        for future in self._asked.values():
            future.cancel()
