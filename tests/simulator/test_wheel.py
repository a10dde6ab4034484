import asyncio
import time
from itertools import pairwise

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from earthward.simulator.wheel import Ticker, Wheel

times = st.floats(0, 1e6, allow_nan=False)
slots = st.sampled_from([0.001, 0.002, 0.004, 0.005])


@given(st.lists(times, max_size=40), slots, st.lists(times, max_size=10))
def test_nothing_is_due_before_its_time_nor_later_than_two_slots_after(ats, slot, looks):
    wheel = Wheel(slot)
    waiting = dict(enumerate(ats))
    for number, at in waiting.items():
        wheel.add(at, lambda number=number: waiting.pop(number))
    for now in sorted(looks):
        for call in wheel.due(now):
            call()
        assert not [at for at in waiting.values() if at + 2 * slot <= now]
    gone = set(range(len(ats))) - set(waiting)
    assert all(ats[number] <= max(looks) for number in gone)


@given(st.lists(times, min_size=1, max_size=40), slots)
def test_of_two_turns_the_one_added_first_and_not_for_later_comes_first(ats, slot):
    wheel = Wheel(slot)
    for number, at in enumerate(ats):
        wheel.add(at, lambda number=number: order.append(number))
    order: list[int] = []
    for call in wheel.due(2e6):
        call()
    place = {number: index for index, number in enumerate(order)}
    assert len(order) == len(ats)
    for first in range(len(ats)):
        for second in range(first + 1, len(ats)):
            if ats[first] <= ats[second]:
                assert place[first] < place[second]


@given(st.lists(st.tuples(times, st.booleans()), max_size=30))
def test_a_cancelled_turn_never_comes(turns):
    wheel = Wheel()
    came: list[int] = []
    added = [wheel.add(at, lambda number=number: came.append(number)) for number, (at, _) in enumerate(turns)]
    for turn, (_, cancelled) in zip(added, turns, strict=True):
        if cancelled:
            turn.cancel()
    for call in wheel.due(2e6):
        call()
    assert sorted(came) == [number for number, (_, cancelled) in enumerate(turns) if not cancelled]


def test_what_a_call_adds_for_the_past_waits_for_the_next_slot():
    wheel = Wheel(0.002)
    rounds: list[float] = []

    def again() -> None:
        rounds.append(1.0)
        wheel.add(0.5, again)

    wheel.add(0.5, again)
    for call in wheel.due(1.0):
        call()
    assert len(rounds) == 1
    assert wheel.next_at is not None
    assert 1.0 < wheel.next_at <= 1.004


def test_an_empty_wheel_asks_for_no_timer():
    wheel = Wheel()
    wheel.add(1.0, lambda: None)
    assert wheel.next_at is not None
    for _ in wheel.due(2.0):
        pass
    assert wheel.next_at is None


def test_a_ticker_rings_in_order_and_never_early():
    async def play() -> list[tuple[int, float]]:
        ticker = Ticker(asyncio.get_running_loop())
        rung: list[tuple[int, float]] = []
        done = asyncio.Event()
        begun = time.monotonic()

        def ring(number: int, at: float) -> None:
            rung.append((number, time.monotonic() - at))
            if len(rung) == 50:
                done.set()

        # The furthest first: a nearer turn has to bring the timer forward.
        for number in reversed(range(50)):
            at = begun + number * 0.001
            ticker.at(at, lambda number=number, at=at: ring(number, at))
        await done.wait()
        ticker.stop()
        return rung

    rung = uvloop.run(play())
    assert all(late >= 0 for _, late in rung)
    for earlier, later in pairwise(rung):
        # Within a slot, turns keep the order in which they were added; over slots, that of their times.
        assert later[0] >= earlier[0] - 3


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_call_that_raises_is_reported_and_stops_no_other(new_loop):
    async def play() -> tuple[list[str], list[str]]:
        loop = asyncio.get_running_loop()
        reported: list[str] = []
        loop.set_exception_handler(lambda _, context: reported.append(str(context["exception"])))
        ticker, came, done = Ticker(loop), [], asyncio.Event()

        def fail() -> None:
            raise ValueError("on purpose")

        at = time.monotonic()
        ticker.at(at, lambda: came.append("before"))
        ticker.at(at, fail)
        ticker.at(at, lambda: came.append("after"))
        ticker.at(at + 0.005, done.set)
        await done.wait()
        return came, reported

    with asyncio.Runner(loop_factory=new_loop) as runner:
        came, reported = runner.run(play())
    assert came == ["before", "after"]
    assert reported == ["on purpose"]
