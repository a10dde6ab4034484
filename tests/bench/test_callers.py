"""What callers hear, read off the wire; and that they ask by the clock."""

import asyncio
import time

import pytest

from earthward.bench.callers import Heard, ask, by_the_clock, evenly, in_turn, question, said, unchunked

DELTA = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n'


def test_a_whole_answer_is_whole() -> None:
    assert said(b'{"choices":[{"message":{"content":"t0 t1"}}]}') == ("t0 t1", True)


@pytest.mark.parametrize(
    ("end", "is_whole"),
    [(b"data: [DONE]\n\n", True), (b"", False), (b'data: {"error":{}}\n\ndata: [DONE]\n\n', False)],
)
def test_a_stream_is_whole_with_its_end_and_without_an_error(end: bytes, is_whole: bool) -> None:
    assert said(b": waiting\n\n" + DELTA % b"t0 " + DELTA % b"t1" + end) == ("t0 t1", is_whole)


def test_chunks_are_read_as_far_as_they_came() -> None:
    assert unchunked(b"3\r\nabc\r\n5\r\nde") == b"abcde"
    assert unchunked(b"3\r\nabc\r\n0\r\n\r\n") == b"abc"


async def answered(raw: bytes) -> Heard:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await ask(port, question("m", "hello"), time.monotonic(), timeout=90)


def test_a_refusal_tells_when_to_come_again() -> None:
    heard = asyncio.run(answered(b"HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n"))
    assert (heard.status, heard.retry_after, heard.is_whole) == (503, "3", False)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n{broken"])
def test_what_is_no_answer_is_not_whole(raw: bytes) -> None:
    assert not asyncio.run(answered(raw)).is_whole


def test_calls_come_by_the_clock_though_earlier_ones_are_not_over() -> None:
    async def slow(number: int, due: float) -> float:
        late = time.monotonic() - due
        await asyncio.sleep(1.0)
        return late

    async def run() -> tuple[list[float], float]:
        start = time.monotonic()
        return await by_the_clock(evenly(100, 0.1), slow), time.monotonic() - start

    late, whole = asyncio.run(run())
    assert len(late) == 10
    assert whole < 10 * 1.0


def test_callers_in_turn_ask_again_until_the_time_is_over() -> None:
    async def quick(number: int, due: float) -> int:
        await asyncio.sleep(0.01)
        return number

    heard = asyncio.run(in_turn(3, 1.0, quick))
    assert set(heard) == {0, 1, 2}
    assert len(heard) > 3
