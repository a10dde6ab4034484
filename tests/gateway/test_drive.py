"""Coroutines that run without a task."""

import asyncio
import gc

from earthward.gateway.drive import Told, drive


def test_it_runs_at_once_as_far_as_it_gets_and_on_before_telling_returns():
    seen = []
    told: Told[str] = Told()

    async def life() -> None:
        seen.append("begun")
        seen.append(await told)

    drive(life())
    assert seen == ["begun"]
    told.tell("answer")
    assert seen == ["begun", "answer"]


def test_what_was_told_before_is_not_waited_for():
    seen = []
    told: Told[int] = Told()
    told.tell(1)

    async def life() -> None:
        seen.append(await told)

    drive(life())
    assert seen == [1]


def test_only_the_first_word_counts():
    seen = []
    told: Told[int] = Told()

    async def life() -> None:
        seen.append(await told)

    drive(life())
    told.tell(1)
    told.tell(2)
    assert seen == [1]
    assert told.is_told


def test_a_future_and_a_task_are_waited_for_in_the_loop_and_their_errors_are_heard():
    async def slow() -> int:
        # Needs a task, which a driven coroutine is not.
        async with asyncio.timeout(100):
            await asyncio.sleep(0)
            return 1

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        seen: list[object] = []
        future = loop.create_future()

        async def life() -> None:
            seen.append(await loop.create_task(slow()))
            try:
                await future
            except OSError as error:
                seen.append(str(error))
            over.set()

        over = asyncio.Event()
        drive(life())
        assert seen == []
        loop.call_later(0.001, future.set_exception, OSError("no disk"))
        await over.wait()
        return seen

    assert asyncio.run(main()) == [1, "no disk"]


def test_what_has_ended_leaves_nothing_for_the_collector():
    class Left:
        told: Told[int]

    async def life(left: Left) -> None:
        await left.told

    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        left = Left()
        left.told = Told()
        drive(life(left))
        left.told.tell(1)
        del left
        assert gc.collect() == 0
    finally:
        gc.enable()
        gc.unfreeze()
