"""A machine with time that passes as the test says: what loads, waits, leaves and is remembered."""

from collections.abc import Callable
from typing import Any

import pytest

from earthward.simulator.hardware import GIB, Hardware, LocalModel
from earthward.simulator.machine import Machine, Visit, common

SMALL = LocalModel("small:latest", 4 * GIB, kv=0)
OTHER = LocalModel("other:latest", 4 * GIB, kv=0)
THIRD = LocalModel("third:latest", 4 * GIB, kv=0)
EMBEDS = LocalModel("embeds:latest", GIB, kv=0, capabilities=("embedding",))


class Later:
    """A ticker whose turns come when the test wants them."""

    def __init__(self) -> None:
        self.turns: list[Any] = []

    def at(self, at: float, call: Callable[[], None]) -> Any:
        turn = Turn(call)
        self.turns.append(turn)
        return turn

    def ring(self) -> None:
        """What has been set until now comes, the first to be set first."""
        turns, self.turns = self.turns, []
        for turn in turns:
            if turn.call is not None:
                turn.call()


class Turn:
    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


def machine(**fields: Any) -> tuple[Machine, Any]:
    made = Machine(Hardware(**{"memory": 10 * GIB, "models": (SMALL, OTHER, THIRD, EMBEDS)} | fields), lambda: 1000.0)
    later: Any = Later()
    made.ticker = later
    return made, later


class Asking:
    """A request that notes what it was given."""

    def __init__(self, made: Machine, model: LocalModel = SMALL, prompt: bytes = b"p" * 400, **more: Any) -> None:
        self.seats: list[Any] = []
        self.visit = Visit(
            model, more.pop("context", 4096), prompt=prompt, tokens=more.pop("tokens", len(prompt) // 4), **more
        )
        self.machine = made
        made.join(self.visit, self.seats.append)

    @property
    def runs(self) -> bool:
        return bool(self.seats)

    def end(self) -> None:
        self.machine.leave(self.visit)


def test_a_model_is_loaded_once_and_stays():
    made, later = machine(load=GIB)
    first = Asking(made)
    assert not first.runs
    later.ring()
    assert first.runs
    first.end()
    assert Asking(made).runs


def test_a_loaded_model_takes_any_number_of_requests_one_after_another():
    made, _ = machine(queue=2)
    asking = [Asking(made) for _ in range(600)]
    assert [each.runs for each in asking] == [True] + [False] * 599
    for nth, each in enumerate(asking[:-1]):
        each.end()
        assert asking[nth + 1].runs
    assert not any(seat is None for each in asking for seat in each.seats)


def test_slots_let_as_many_requests_run_at_once():
    made, _ = machine(slots=3)
    assert [Asking(made).runs for _ in range(4)] == [True, True, True, False]


def test_embedding_models_have_one_slot():
    made, _ = machine(slots=3)
    assert [Asking(made, EMBEDS).runs for _ in range(2)] == [True, False]


def test_what_waits_for_a_load_waits_in_a_queue_with_an_end():
    made, _ = machine(load=GIB, queue=2)
    asking = [Asking(made, model) for model in (SMALL, OTHER, THIRD, OTHER)]
    assert [each.seats for each in asking] == [[], [], [], [None]]


def test_the_idle_model_that_would_leave_soonest_makes_room():
    made, _ = machine()
    Asking(made, SMALL, keep_alive=60).end()
    Asking(made, OTHER, keep_alive=30).end()
    assert Asking(made, THIRD).runs
    assert set(made.runners) == {"small:latest", "third:latest"}


def test_an_idle_model_makes_room_before_a_busy_one_that_would_leave_sooner():
    made, _ = machine()
    Asking(made, SMALL, keep_alive=10)
    Asking(made, OTHER, keep_alive=60).end()
    assert Asking(made, THIRD).runs
    assert set(made.runners) == {"small:latest", "third:latest"}


def test_no_more_models_are_resident_than_may_be():
    made, _ = machine(memory=100 * GIB, resident=1)
    Asking(made, SMALL).end()
    Asking(made, OTHER).end()
    assert set(made.runners) == {"other:latest"}


def test_a_busy_model_goes_once_its_requests_are_over_and_takes_no_more():
    made, _ = machine(memory=5 * GIB)
    first, waits = Asking(made, SMALL), Asking(made, SMALL)
    other, late = Asking(made, OTHER), Asking(made, SMALL)
    first.end()
    assert waits.runs
    assert not other.runs
    waits.end()
    assert other.runs
    assert not late.runs
    other.end()
    assert late.runs


def test_another_context_loads_the_model_again():
    made, later = machine(load=GIB)
    first = Asking(made, context=4096)
    later.ring()
    first.end()
    second = Asking(made, context=8192)
    assert not second.runs
    later.ring()
    assert second.runs
    assert made.runners["small:latest"].context == 8192


def test_a_client_that_leaves_aborts_the_load_for_it():
    made, later = machine(load=GIB)
    first, second = Asking(made), Asking(made, OTHER)
    first.end()
    later.ring()
    assert not first.runs
    assert second.runs
    assert set(made.runners) == {"other:latest"}


def test_a_client_that_leaves_while_it_waits_is_passed_over():
    made, _ = machine()
    first, second, third = (Asking(made) for _ in range(3))
    second.end()
    first.end()
    assert third.runs
    assert not second.runs
    pending, _ = machine(load=GIB)
    _, gone = Asking(pending), Asking(pending, OTHER)
    gone.end()
    assert Asking(pending, OTHER).seats == []


@pytest.mark.parametrize(("keep_alive", "stays"), [(None, True), (-1, True), (60, True), (0, False)])
def test_a_model_stays_as_long_as_it_is_to(keep_alive, stays):
    made, later = machine()
    Asking(made, keep_alive=keep_alive).end()
    assert bool(made.runners) is stays
    later.ring()
    assert bool(made.runners) is (keep_alive == -1)


def test_a_request_that_says_nothing_keeps_what_was_said():
    made, later = machine()
    Asking(made, keep_alive=-1).end()
    Asking(made).end()
    later.ring()
    assert made.runners


def test_a_later_request_may_say_how_long_a_loaded_model_stays():
    made, later = machine()
    Asking(made).end()
    Asking(made, keep_alive=-1).end()
    later.ring()
    assert made.runners


def test_a_model_that_is_used_again_does_not_leave_at_its_old_time():
    made, later = machine()
    Asking(made).end()
    second = Asking(made)
    later.ring()
    assert made.runners
    second.end()
    later.ring()
    assert not made.runners


def test_a_model_too_large_for_the_memory_is_loaded_in_part_and_slower():
    made, _ = machine(memory=2 * GIB, decode=100.0)
    asking = Asking(made)
    runner = made.runners["small:latest"]
    assert (runner.size, runner.vram) == (4 * GIB, 2 * GIB)
    assert asking.seats[0].decode == pytest.approx(100 / 3)


def test_each_other_request_takes_its_share_of_the_rate():
    made, _ = machine(slots=3, decode=100.0, crowding=0.2)
    assert [Asking(made).seats[0].decode for _ in range(3)] == pytest.approx([100, 80, 60])


def test_the_context_takes_memory_for_every_slot():
    made, _ = machine(slots=2)
    Asking(made, LocalModel("kv:latest", GIB, kv=1024 * 1024), context=1024)
    assert made.runners["kv:latest"].size == 3 * GIB


def test_a_prompt_that_begins_like_the_last_one_needs_only_its_rest():
    made, _ = machine()
    first = Asking(made, prompt=b"a" * 400, answer=b"b" * 40)
    first.end()
    longer = Asking(made, prompt=b"a" * 400 + b"b" * 40 + b"c" * 40)
    longer.end()
    same = Asking(made, prompt=b"a" * 400 + b"b" * 40 + b"c" * 40)
    same.end()
    assert [each.seats[0].cached for each in (first, longer, same)] == [0, 110, 119]
    assert Asking(made, prompt=b"z" * 400).seats[0].cached == 0


def test_of_free_slots_the_one_that_shares_most_is_taken():
    made, _ = machine(slots=2)
    one, two = Asking(made, prompt=b"a" * 400), Asking(made, prompt=b"b" * 400)
    one.end()
    two.end()
    assert Asking(made, prompt=b"b" * 440).seats[0].cached == 100
    assert Asking(made, prompt=b"a" * 440).seats[0].cached == 100


def test_loading_forgets_what_was_cached():
    made, _ = machine()
    Asking(made).end()
    Asking(made, context=8192).end()
    assert Asking(made).seats[0].cached == 0


def test_without_a_prompt_loading_is_all_and_no_slot_is_needed():
    made, _ = machine()
    Asking(made)
    assert Asking(made, prompt=b"").runs


def test_unloading_and_removing_end_a_model():
    made, _ = machine()
    Asking(made).end()
    made.unload("small")
    assert not made.runners
    Asking(made).end()
    assert made.remove("small")
    assert not made.runners
    assert not made.remove("small")


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [(b"", b"", 0), (b"a", b"b", 0), (b"ab", b"ab", 2), (b"abc", b"abd", 2), (b"ab", b"abc", 2)],
)
def test_what_two_texts_have_in_common(one, other, shared):
    assert common(one, other) == shared


def test_every_load_is_counted_and_what_is_loaded_is_not_loaded_again() -> None:
    made, later = machine()
    for model in (SMALL, SMALL, OTHER):
        Asking(made, model)
        later.ring()
    assert made.loads == 2
