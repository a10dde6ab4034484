"""Who may try again, over a real board and a real loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from earthward.gateway import board as boards
from earthward.gateway.board import Board
from earthward.gateway.drive import drive
from earthward.gateway.retrying import Retries
from earthward.routing.retries import PER_SECOND, WINDOW

ROOM = PER_SECOND * WINDOW


@pytest.fixture
def board(tmp_path: Path) -> Board:
    boards.create(tmp_path / "board")
    return Board(tmp_path / "board", 0)


def run(play: Callable[[], Awaitable[Any]]) -> Any:
    async def patiently() -> Any:
        async with asyncio.timeout(200):
            return await play()

    return asyncio.run(patiently())


def taken(retries: Retries) -> list[int]:
    """All there is room for: the second in which each was. That of now may be a later one."""
    return [second for second in iter(retries.take, None) if second is not None]


def spent(board: Board) -> Retries:
    retries = Retries(board, asyncio.get_running_loop())
    taken(retries)
    return retries


async def word(waiting: Awaitable[int | None]) -> int | None:
    """What is told to one who waits: what the gateway drives by itself is driven by a task here."""
    told = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        told.set_result(await waiting)

    drive(wait())  # type: ignore[arg-type]
    return await told


def test_a_budget_that_is_spent_refuses_where_nobody_stands(board: Board) -> None:
    async def play() -> Any:
        retries = spent(board)
        return await word(retries.turn(lambda: False, 5.0))

    assert run(play) is None


def test_one_who_waits_has_the_turn_that_an_attempt_that_served_gives_back(board: Board) -> None:
    async def play() -> Any:
        retries = Retries(board, asyncio.get_running_loop())
        *_, last = taken(retries)
        waiting = asyncio.ensure_future(word(retries.turn(lambda: True, 5.0)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        retries.give_back(last)
        return await waiting

    assert run(play) is not None


def test_whoever_comes_later_waits_behind_those_who_wait(board: Board) -> None:
    async def play() -> list[int]:
        order: list[int] = []
        retries = Retries(board, asyncio.get_running_loop())
        seconds = taken(retries)

        async def one(number: int) -> None:
            assert await word(retries.turn(lambda: True, 5.0)) is not None
            order.append(number)

        waiting = [asyncio.ensure_future(one(number)) for number in range(3)]
        await asyncio.sleep(0.01)
        for second in seconds[-3:]:
            retries.give_back(second)
        await asyncio.gather(*waiting)
        return order

    assert run(play) == [0, 1, 2]


def test_a_wait_ends_when_hope_does_and_when_patience_does(board: Board) -> None:
    async def play() -> tuple[int | None, int | None]:
        retries = spent(board)
        hope = [True]
        hopes = asyncio.ensure_future(word(retries.turn(lambda: hope[0], 5.0)))
        hurried = await word(retries.turn(lambda: True, 0.05))
        assert not hopes.done()
        hope[0] = False
        return hurried, await hopes

    assert run(play) == (None, None)


def test_attempts_that_come_to_nothing_stay_within_the_budget_however_many_wait(board: Board) -> None:
    async def play() -> int:
        retries = Retries(board, asyncio.get_running_loop())
        answers = await asyncio.gather(*(word(retries.turn(lambda: True, 0.1)) for _ in range(3 * ROOM)))
        return sum(answer is not None for answer in answers)

    assert run(play) == ROOM


def test_what_is_given_back_long_after_opens_no_room_for_others(board: Board) -> None:
    async def play() -> None:
        retries = spent(board)
        for _ in range(50):
            retries.give_back(int(time.monotonic()) - boards.RING)
        assert retries.take() is None

    run(play)
