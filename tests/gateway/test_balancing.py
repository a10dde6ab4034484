"""The balancing of one provider in one worker, with a real board and a real loop."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import Endpoint, Provider, Queue
from earthward.gateway import board as boards
from earthward.gateway.balancing import Balancing, Wanted
from earthward.gateway.board import Board
from earthward.gateway.scores import Scored, scores
from earthward.gateway.waiting import MOST_LOOKED_AT, Waiting
from earthward.routing import health
from earthward.routing.admission import BATCH_EVERY
from earthward.routing.balance.standing import UNTOLD_LOAD, Report
from earthward.routing.balance.view import Resident

LLAMA = "llama3.1:8b"
WANTED = Wanted(LLAMA)
BROKEN = Failure(FailureKind.UPSTREAM_ERROR, "500")
PATIENCE = 5.0
ANY = Queue()


class At(NamedTuple):
    url: str
    cell: int


class Stage:
    """One provider of so many endpoints, as workers see it who share a board."""

    def __init__(self, folder: Path) -> None:
        boards.create(folder / "board")
        self._path = folder / "board"
        self._rows = 0

    def worker(
        self, count: int = 2, balance: str = "least_busy", slots: int | None = 1, queue: Queue = ANY
    ) -> Balancing:
        board = Board(self._path, self._rows)
        self._rows += 1
        endpoints = tuple(Endpoint(f"http://gpu-{cell}:11434", cell, slots) for cell in range(count))
        provider = Provider("gpus", "ollama", "ollama", "local", endpoints, balance=balance, queue=queue)
        return Balancing(provider, [At(it.url, it.cell) for it in endpoints], {}, board)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def run(play: Callable[[], Awaitable[Any]]) -> Any:
    async def patiently() -> Any:
        async with asyncio.timeout(200):
            return await play()

    return asyncio.run(patiently())


async def word(waiting: int | Failure | Waiting) -> int | Failure | None:
    assert isinstance(waiting, Waiting)
    told = asyncio.get_running_loop().create_future()
    waiting.told.add_done_callback(lambda _: told.set_result(None))
    await told
    return await waiting.told


def test_a_place_is_taken_until_it_is_given_back(stage) -> None:
    one = stage.worker(1)

    async def play() -> Any:
        assert one.take(WANTED, PATIENCE) == 0
        waiting = one.take(WANTED, PATIENCE)
        assert isinstance(waiting, Waiting)
        one.give_back(0)
        return await waiting.told

    assert run(play) == 0


def test_a_request_goes_where_it_was_drawn_to_and_waits_where_all_is_taken(stage) -> None:
    one = stage.worker(2)

    async def play() -> None:
        places = []
        for _ in range(2):
            place = one.drawn(WANTED)
            places.append(one.take(WANTED, PATIENCE, place))
            assert places[-1] == place
        assert sorted(places) == [0, 1]
        assert one.is_well
        assert one.drawn(WANTED) is None
        waiting = one.take(WANTED, PATIENCE, None)
        assert isinstance(waiting, Waiting)
        # Nobody passes by who waits.
        assert not one.is_well
        one.give_back(0)
        assert await waiting.told == 0

    run(play)


def test_one_endpoint_that_is_not_well_is_enough_to_look_twice(stage) -> None:
    one = stage.worker(3, slots=None)
    assert one.is_well
    one.ended(2, LLAMA, 0.1, BROKEN)
    assert not one.is_well
    one.served(2, LLAMA, 0.1, 1.0, 0)
    assert one.is_well


def test_a_slot_that_another_worker_frees_is_found(stage) -> None:
    mine, other = stage.worker(1), stage.worker(1)

    async def play() -> Any:
        assert other.take(WANTED, PATIENCE) == 0
        waiting = mine.take(WANTED, PATIENCE)
        other.give_back(0)
        return await word(waiting)

    assert run(play) == 0


def test_those_who_wait_are_served_in_turn_and_nobody_passes_them(stage) -> None:
    one = stage.worker(1)

    async def play() -> list[int]:
        order: list[int] = []
        one.ended(0, LLAMA, 0.01, None)
        one.take(WANTED, PATIENCE)
        waiting = [one.take(WANTED, PATIENCE) for _ in range(3)]
        for number, each in enumerate(waiting):
            each.told.add_done_callback(lambda _, number=number: order.append(number))
        one.give_back(0)
        assert isinstance(one.take(WANTED, PATIENCE), Waiting)
        one.give_back(0)
        one.give_back(0)
        return order

    assert run(play) == [0, 1, 2]


def test_one_who_waited_too_long_is_told_when_to_come_again(stage) -> None:
    one = stage.worker(1, queue=Queue(deadline=0.05))

    async def play() -> Any:
        one.standings[0].ended(LLAMA, 0.01, 1.0)
        one.take(WANTED, PATIENCE)
        return await word(one.take(WANTED, PATIENCE))

    failure = run(play)
    assert failure.kind is FailureKind.OVERLOADED
    assert failure.retry_after >= 1


def test_a_full_queue_turns_away_at_once(stage) -> None:
    one = stage.worker(1, queue=Queue(length=2))

    async def play() -> list[Any]:
        one.take(WANTED, PATIENCE)
        return [one.take(Wanted(LLAMA, key=key), PATIENCE) for key in "abc"]

    first, second, third = run(play)
    assert isinstance(first, Waiting)
    assert isinstance(second, Waiting)
    assert isinstance(third, Failure)


def test_one_who_left_gives_up_their_place_in_the_queue(stage) -> None:
    one = stage.worker(1)

    async def play() -> Any:
        one.take(WANTED, PATIENCE)
        first, second = one.take(WANTED, PATIENCE), one.take(WANTED, PATIENCE)
        first.leave()
        one.give_back(0)
        return await first.told, await second.told

    assert run(play) == (None, 0)
    assert len(one.queue) == 0


def test_a_place_tried_before_is_avoided_while_there_is_another(stage) -> None:
    one = stage.worker(3, slots=None)

    async def play() -> Any:
        return [one.take(Wanted(LLAMA, avoid=avoid), PATIENCE) for avoid in ((0, 1), (1, 2), (0, 1, 2))]

    taken = run(play)
    assert taken[:2] == [2, 0]
    assert taken[2] in (0, 1, 2)


def test_one_that_fails_in_a_row_is_left_alone_and_half_of_all_at_most(stage) -> None:
    one = stage.worker(4, "round_robin", slots=None)
    for place in range(4):
        for _ in range(6):
            one.ended(place, LLAMA, 0.1, BROKEN)

    async def play() -> set[Any]:
        return {one.take(WANTED, PATIENCE) for _ in range(8)}

    assert run(play) == {2, 3}
    assert not one.is_out


def test_where_nobody_answers_one_failure_is_enough_and_all_may_be_out(stage) -> None:
    one = stage.worker(2, slots=None)
    unreachable = Failure(FailureKind.UNREACHABLE, "refused")
    one.ended(0, LLAMA, 0.0, unreachable, at_once=True)
    assert not one.is_out
    one.ended(1, LLAMA, 0.0, unreachable, at_once=True)
    assert one.is_out

    async def play() -> Any:
        return one.take(WANTED, PATIENCE)

    assert run(play) in (0, 1), "with all of them out one is tried all the same"


def test_a_refused_key_says_nothing_of_the_endpoint(stage) -> None:
    one = stage.worker(2, slots=None)
    for kind in (
        FailureKind.UPSTREAM_AUTH,
        FailureKind.RATE_LIMITED,
        FailureKind.BAD_REQUEST,
        FailureKind.CONTEXT_LENGTH,
    ):
        for _ in range(20):
            one.ended(0, LLAMA, 0.1, Failure(kind, "no"), at_once=False)
    assert not one.standings[0].health.failures


def test_warmest_follows_what_the_prober_found(stage) -> None:
    one = stage.worker(3, "warmest", slots=4)

    async def play() -> Any:
        for place, at in enumerate(one.places):
            one.heard(at.url, Report(1.0, (Resident(LLAMA, 8192, 1, 1),) if place == 2 else ()))
        return one.take(WANTED, PATIENCE), one.sent(2, LLAMA), one.sent(0, LLAMA)

    assert run(play) == (2, False, True)


def test_why_is_told_for_every_endpoint_best_first(stage) -> None:
    one = stage.worker(10, "warmest", slots=4)
    for place, at in enumerate(one.places):
        one.heard(at.url, Report(1.0, (Resident(LLAMA, 8192, 1, 1),) if place == 7 else ()))
    told = scores(one, WANTED)
    assert len(told.endpoints) == 10
    assert told.endpoints[0] == Scored("http://gpu-7:11434", 0.0, "loaded, 0 in flight", 0, 4)
    assert (told.waiting, told.expected_wait) == (0, 0.0)


def test_one_that_was_out_gets_one_request_and_if_that_goes_well_the_others_come(stage) -> None:
    one = stage.worker(2, "least_busy", slots=None)
    one.ended(0, LLAMA, 0.0, BROKEN, at_once=True)
    out = one.standings[0].health
    one.standings[0].health = health.Health(0, 1, out.until - 10_000)

    async def play() -> list[Any]:
        first = [one.take(WANTED, PATIENCE) for _ in range(3)]
        for place in first:
            one.give_back(place)
        one.ended(0, LLAMA, 0.1, None)
        return [first, {one.take(WANTED, PATIENCE) for _ in range(20)}]

    assert run(play) == [[0, 1, 1], {0, 1}]


def test_who_is_pushed_out_may_give_a_place_back_at_once(stage) -> None:
    """They hear of it in the middle of somebody else's question."""
    one = stage.worker(1, queue=Queue(length=2, deadline=60.0))

    async def play() -> Any:
        assert one.take(WANTED, PATIENCE) == 0
        batch = [one.take(Wanted(LLAMA, key=name, priority="batch"), 60.0) for name in "abd"]
        assert isinstance(batch[2], Waiting)
        batch[2].told.add_done_callback(lambda _: one.give_back(0))
        urgent = one.take(Wanted(LLAMA, key="c"), 60.0)
        assert isinstance(urgent, Waiting)
        assert isinstance(await batch[2].told, Failure)
        return await urgent.told

    assert run(play) == 0


def test_those_who_wait_for_another_model_are_not_held_up_by_a_crowd(stage) -> None:
    one = stage.worker(2, "warmest")
    for place, model in enumerate((LLAMA, "qwen:7b")):
        one.standings[place].heard(Report(0.0, (Resident(model, 4096, 1, 1),), ((model, 1),)), 0.0)

    async def play() -> Any:
        one.ended(0, LLAMA, 0.01, None)
        assert one.take(WANTED, PATIENCE) == 0
        assert one.take(Wanted("qwen:7b"), PATIENCE) == 1
        crowd = [one.take(Wanted(LLAMA, key=str(number)), 60.0) for number in range(MOST_LOOKED_AT + 1)]
        waiting = one.take(Wanted("qwen:7b", priority="batch"), 60.0)
        one.give_back(1)
        assert isinstance(waiting, Waiting)
        assert waiting.told.is_told
        for each in crowd:
            each.leave()
        return await waiting.told

    assert run(play) == 1


def test_a_trial_whose_caller_left_is_given_back_and_the_next_request_is_one(stage) -> None:
    one = stage.worker(2)
    one.standings[0].health = health.Health(0, 1, 1)

    async def play() -> tuple[Any, ...]:
        assert one.take(WANTED, PATIENCE) == 0
        trial = one.trial_at(0)
        assert trial is not None
        assert one.take(WANTED, PATIENCE) == 1, "one at a time"
        assert one.trial_at(1) is None
        one.give_back(0, trial)
        again = one.take(WANTED, PATIENCE)
        return again, one.trial_at(0), one.standings[0].health.times

    place, trial, times = run(play)
    assert (place, times) == (0, 1)
    assert trial is not None


def test_a_trial_that_ended_well_is_over(stage) -> None:
    one = stage.worker(2)
    one.standings[0].health = health.Health(0, 1, 1)

    async def play() -> Any:
        assert one.take(WANTED, PATIENCE) == 0
        trial = one.trial_at(0)
        one.ended(0, LLAMA, 0.1, None)
        one.give_back(0, trial)
        return one.standings[0].health.back

    assert run(play) > 0


def held_by(*workers: Balancing, context: int = 4096) -> None:
    for each in workers:
        each.standings[0].heard(Report(0.0, (Resident(LLAMA, context, 1, 1),)), 0.0)


def test_a_load_with_more_context_that_another_worker_set_going_is_joined_and_not_undone(stage) -> None:
    mine, other = stage.worker(1), stage.worker(1)
    held_by(mine, other)
    short = Wanted(LLAMA, 4096, most=16384)
    assert mine.context_for(0, short) == 4096
    assert other.sent(0, LLAMA, 16384, 16384)
    assert mine.context_for(0, short) == 16384
    assert not mine.sent(0, LLAMA, 4096, 16384)
    assert mine.context_for(0, Wanted("qwen:7b", 4096, most=16384)) == 4096, "that is another model"
    assert mine.context_for(0, Wanted(LLAMA, 4096)) == 4096, "nobody here asks for more"


def test_a_load_that_failed_is_joined_by_nobody(stage) -> None:
    mine, other = stage.worker(1), stage.worker(1)
    held_by(mine, other)
    other.sent(0, LLAMA, 16384, 16384)
    other.ended(0, LLAMA, 1.0, BROKEN, context=16384)
    assert mine.context_for(0, Wanted(LLAMA, 4096, most=16384)) == 4096
    other.sent(0, LLAMA, 16384, 16384)
    other.load_ended(0, LLAMA, 16384, went_well=False)
    assert mine.context_for(0, Wanted(LLAMA, 4096, most=16384)) == 4096


def test_a_load_that_a_report_shows_is_under_way_no_more(stage) -> None:
    mine, other = stage.worker(1), stage.worker(1)
    held_by(mine, other)
    other.sent(0, LLAMA, 16384, 16384)
    held_by(mine, context=16384)
    assert mine.context_for(0, Wanted(LLAMA, 4096, most=16384)) == 16384
    assert mine.standings[0].view(0, 1, LLAMA, 0, 1.0, 4096, 16384).loading is None


def test_a_load_of_which_nothing_came_is_not_believed_in_for_ever(stage) -> None:
    mine = stage.worker(1)
    held_by(mine)
    mine.standings[0].heard_of_load(LLAMA, 16384, 1.0, 1.0 + 2 * UNTOLD_LOAD + 6.0)
    assert mine.context_for(0, Wanted(LLAMA, 4096, most=16384)) == 4096


def test_batch_has_its_turn_though_somebody_interactive_always_waits(stage) -> None:
    one = stage.worker(1)

    async def play() -> list[str]:
        one.ended(0, LLAMA, 0.01, None)
        assert one.take(WANTED, PATIENCE) == 0
        order: list[str] = []

        def come(priority: str) -> None:
            waiting = one.take(Wanted(LLAMA, key=priority, priority=priority), 60.0)
            assert isinstance(waiting, Waiting)
            waiting.told.add_done_callback(lambda _: order.append(priority))

        come("batch")
        come("interactive")
        for _ in range(2 * BATCH_EVERY):
            come("interactive")
            one.give_back(0)
        return order

    order = run(play)
    assert order.index("batch") == BATCH_EVERY - 1
    assert order.count("batch") == 1
