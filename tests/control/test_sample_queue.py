import asyncio

import msgspec
import pytest

from earthward.control.sample_queue import MOST_BYTES, MOST_OF_A_ROUTE, MOST_UNDER_WAY, SampleQueue, size_of
from earthward.gateway.samples import AT_ONCE, Sample

SAMPLE = Sample(
    *("x1", 1, "chat", "baseline", 0, 0, 0, "u", "", "", "", "", b"/v1/chat/completions", b""),
    *(False, "ok", "mini", "stop", None, 5, "llama", b"{}", b"{}"),
)


def of(route: str, number: int = 0, size: int = 2) -> Sample:
    return msgspec.structs.replace(SAMPLE, route=route, id=f"{route}{number}", answer=b"x" * size)


async def at_hand(queue: SampleQueue) -> list[Sample]:
    """All that may begin now."""
    found = []
    while True:
        try:
            found.append(await asyncio.wait_for(queue.next(), 0.01))
        except TimeoutError:
            return found


def test_samples_come_in_their_order():
    async def play() -> list[str]:
        queue = SampleQueue()
        for number in range(3):
            assert queue.offer(of("a", number)) == []
        return [it.id for it in await at_hand(queue)]

    assert asyncio.run(play()) == ["a0", "a1", "a2"]


def test_a_route_whose_samples_hang_holds_up_no_other():
    async def play() -> None:
        queue = SampleQueue()
        for number in range(10):
            queue.offer(of("hangs", number))
        queue.offer(of("quick"))
        hanging = await at_hand(queue)
        assert [it.route for it in hanging] == ["hangs"] * MOST_OF_A_ROUTE + ["quick"]
        assert await at_hand(queue) == []
        queue.over(hanging[0])
        assert [it.id for it in await at_hand(queue)] == [f"hangs{MOST_OF_A_ROUTE}"]

    asyncio.run(play())


def test_no_more_than_so_many_are_under_way_and_one_that_ends_wakes_who_waits():
    async def play() -> None:
        queue = SampleQueue()
        for route in range(MOST_UNDER_WAY + 1):
            queue.offer(of(f"r{route}"))
        begun = await at_hand(queue)
        assert len(begun) == queue.under_way == MOST_UNDER_WAY
        waiting = asyncio.create_task(queue.next())
        await asyncio.sleep(0)
        queue.over(begun[3])
        assert (await asyncio.wait_for(waiting, 5)).route == f"r{MOST_UNDER_WAY}"

    asyncio.run(play())


def test_a_full_queue_pushes_out_the_newest_of_the_route_with_most():
    queue = SampleQueue()
    for number in range(AT_ONCE):
        assert queue.offer(of("crowd", number)) == []
    assert [it.id for it in queue.offer(of("crowd", AT_ONCE))] == [f"crowd{AT_ONCE}"]
    assert [it.id for it in queue.offer(of("rare"))] == [f"crowd{AT_ONCE - 1}"]
    assert len(queue) == AT_ONCE


@pytest.mark.parametrize("large", [MOST_BYTES // 4, MOST_BYTES // 5])
def test_so_many_bytes_wait_at_most(large):
    queue = SampleQueue()
    queue.offer(of("rare"))
    out = [it for number in range(6) for it in queue.offer(of("crowd", number, large))]
    assert {it.route for it in out} == {"crowd"}
    assert len(queue) + len(out) == 7
    kept = sum(size_of(of("crowd", 0, large)) for _ in range(len(queue) - 1)) + size_of(of("rare"))
    assert kept <= MOST_BYTES
