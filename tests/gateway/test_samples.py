import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from earthward.gateway import board as columns
from earthward.gateway.board import Board, create
from earthward.gateway.messages import Frames
from earthward.gateway.samples import AT_ONCE, LARGEST, MOST_UNSENT, Feedback, Reply, Sample, SampleLine, framed
from earthward.gateway.samples import read_to_control as read

SAMPLE = Sample(
    *("x1", 1, "chat", "baseline", 0, 0, 0, "u", "", "", "", "", b"/v1/chat/completions", b""),
    *(False, "ok", "mini", "stop", None, 5, "llama", b"{}", b"{}"),
)


class ControlProcess:
    """The far end, which hears what comes as long as it `listens`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Sample | Feedback] = []
        self.listens = asyncio.Event()
        self.listens.set()
        self.lines: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self.server = await asyncio.start_unix_server(self.serve, str(self.path))

    async def serve(self, reader: asyncio.StreamReader, line: asyncio.StreamWriter) -> None:
        frames = Frames()
        self.lines.append(line)
        while data := await reader.read(1 << 18):
            await self.listens.wait()
            for payload in frames.feed(data):
                message = read(payload)
                self.heard.append(message)
                if isinstance(message, Feedback):
                    line.write(framed(Reply(message.number, 200, message.comment)))
        line.close()

    def die(self) -> None:
        self.server.close()
        for line in self.lines:
            line.close()
        self.lines.clear()


class Both:
    """Both ends, joined."""

    def __init__(self, folder: Path) -> None:
        create(folder / "board")
        self.board = Board(folder / "board", 0)
        self.far = ControlProcess(folder / "content.sock")
        self.line = SampleLine(self.far.path, self.board)

    async def joined(self) -> None:
        """Once each has heard of the other."""
        while await self.line.tell("x", "k", 1.0, "is anybody there?") is None:
            await asyncio.sleep(0.005)
        self.far.heard.clear()

    @property
    def counted(self) -> tuple[int, int]:
        """Sent and dropped."""
        return self.board.total(columns.SAMPLED), self.board.total(columns.SAMPLES_DROPPED)


def played(folder: Path, play: Callable[[Both], Awaitable[None]]) -> None:
    async def live() -> None:
        both = Both(folder)
        await both.far.start()
        running = asyncio.create_task(both.line.run())
        await both.joined()
        try:
            await play(both)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            both.far.die()

    asyncio.run(live())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.005)


def test_samples_arrive_as_they_were_and_are_counted_as_sent(tmp_path: Path) -> None:
    async def play(both: Both) -> None:
        samples = [msgspec.structs.replace(SAMPLE, id=f"x{number}") for number in range(3)]
        for sample in samples:
            both.line.offer(lambda sample=sample: sample)
        assert both.counted == (0, 0), "nobody knows yet"
        await until(lambda: both.far.heard == samples)
        assert both.counted == (3, 0)

    played(tmp_path, play)


def test_what_can_not_be_kept_is_counted_as_dropped(tmp_path: Path) -> None:
    async def play(both: Both) -> None:
        both.line.offer(lambda: None)
        assert both.counted == (0, 1)

    played(tmp_path, play)


def test_more_than_the_control_process_works_off_are_dropped_at_once_and_counted(tmp_path: Path) -> None:
    async def play(both: Both) -> None:
        made = 0

        def make() -> Sample:
            nonlocal made
            made += 1
            return SAMPLE

        for _ in range(4 * AT_ONCE):
            both.line.offer(make)
        await until(lambda: sum(both.counted) == 4 * AT_ONCE)
        assert AT_ONCE <= both.counted[0] == made < 2 * AT_ONCE, "what is dropped costs nothing"
        await until(lambda: len(both.far.heard) == both.counted[0])
        await asyncio.sleep(0.2)
        both.line.offer(lambda: SAMPLE)
        await until(lambda: sum(both.counted) == 4 * AT_ONCE + 1)
        assert both.counted[0] > AT_ONCE, "a moment later there is room again"

    played(tmp_path, play)


def test_a_line_that_nobody_reads_holds_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    async def play(both: Both) -> None:
        both.far.listens.clear()
        large = msgspec.structs.replace(SAMPLE, request=b"x" * LARGEST, answer=b"x" * LARGEST)
        for _ in range(20):
            both.line.offer(lambda: large)
        await until(lambda: sum(both.counted) == 20)
        sent, dropped = both.counted
        assert 0 < sent * 2 * LARGEST <= MOST_UNSENT + 2 * LARGEST
        assert dropped == 20 - sent
        both.far.listens.set()
        await until(lambda: both.far.heard == [large] * sent)

    played(tmp_path, play)


def test_where_nobody_is_at_the_other_end_samples_are_dropped_and_counted(tmp_path: Path) -> None:
    async def play(both: Both) -> None:
        both.line.offer(lambda: SAMPLE)
        both.far.die()
        await until(lambda: sum(both.counted) == 1)
        assert both.counted == (0, 1), "gathered, and then there was nobody to send it to"
        both.line.offer(lambda: SAMPLE)
        assert both.counted == (0, 2)
        await both.far.start()
        await both.joined()
        both.line.offer(lambda: SAMPLE)
        await until(lambda: both.far.heard == [SAMPLE])
        assert both.counted == (1, 2)

    played(tmp_path, play)


@pytest.mark.parametrize("score", [0.0, 0.75])
def test_feedback_is_replied_to(tmp_path: Path, score: float) -> None:
    async def play(both: Both) -> None:
        reply = await both.line.tell("x1", "k1", score, "left out the totals")
        assert reply is not None
        assert (reply.status, reply.message) == (200, "left out the totals")
        assert both.far.heard == [Feedback(reply.number, "x1", "k1", score, "left out the totals")]
        assert both.counted == (0, 0)

    played(tmp_path, play)


def test_feedback_under_way_when_the_line_breaks_is_told_so(tmp_path: Path) -> None:
    async def play(both: Both) -> None:
        both.far.listens.clear()
        told = asyncio.create_task(both.line.tell("x1", "k1", 1.0, ""))
        await asyncio.sleep(0.1)
        both.far.die()
        assert await told is None

    played(tmp_path, play)


def test_a_line_that_broke_a_moment_ago_takes_nothing_more_and_counts_what_was_gathered(tmp_path: Path) -> None:
    """The transport is closed some turns before whoever listens is woken."""

    async def play(both: Both) -> None:
        both.line.offer(lambda: SAMPLE)
        writer = both.line._writer
        assert writer is not None
        writer.transport.abort()
        both.line.offer(lambda: SAMPLE)
        assert both.counted == (0, 1), "nobody is there"
        assert await both.line.tell("x1", "k", 1.0, "") is None
        await until(lambda: sum(both.counted) == 2)
        # Where it is dialled anew meanwhile, what was gathered goes there.
        await until(lambda: len(both.far.heard) == both.counted[0])

    played(tmp_path, play)
