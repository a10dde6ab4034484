"""What every policy promises, and then each its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.routing.balance import POLICIES, choices
from earthward.routing.balance.fastest import two_of
from earthward.routing.balance.sticky import bound
from earthward.routing.balance.view import Ask, Endpoint, Resident

MODEL = "llama3.1:8b"
WARM = Resident(MODEL, 8192, 100, 100)

every_policy = pytest.mark.parametrize("name", POLICIES)


def best(name: str, *endpoints: Endpoint, **ask) -> int:
    return choices(POLICIES[name], endpoints, Ask(count=len(endpoints), **ask))[0].place


def reason(name: str, *endpoints: Endpoint, **ask) -> str:
    return choices(POLICIES[name], endpoints, Ask(count=len(endpoints), explain=True, **ask))[0].reason


seconds = st.floats(0, 1e4)
endpoints = st.builds(
    Endpoint,
    place=st.just(0),
    in_flight=st.integers(0, 1000),
    slots=st.integers(0, 64),
    first=seconds,
    peak=seconds,
    whole=seconds,
    failing=st.floats(0, 1),
    ramp=st.floats(0.1, 1),
    out=st.sampled_from(["", "ejected", "draining"]),
    is_known=st.booleans(),
    resident=st.none() | st.builds(Resident, st.just(MODEL), *[st.integers(0, 10**12)] * 3),
    loading=st.none() | seconds,
    blocked=seconds,
    load=seconds,
    held=st.integers(0, 9),
    room=st.none() | st.integers(1, 9),
)
fleets = st.lists(endpoints, min_size=1, max_size=12).map(
    lambda fleet: [
        Endpoint(**{**{f: getattr(it, f) for f in it.__struct_fields__}, "place": n}) for n, it in enumerate(fleet)
    ]
)
asks = st.builds(
    Ask,
    context=st.integers(0, 200_000),
    affinity=st.lists(st.integers(0, 15), unique=True, max_size=8).map(tuple),
    reading=seconds,
    queued=st.integers(0, 100),
    count=st.integers(1, 200),
    turn=st.integers(0, 10**12),
    draw=st.floats(0, 1, exclude_max=True),
    explain=st.just(True),
)


def test_the_five_policies_are_found_by_their_files() -> None:
    assert list(POLICIES) == ["fastest", "least_busy", "round_robin", "sticky", "warmest"]


@every_policy
@given(fleet=fleets, ask=asks)
def test_every_endpoint_is_in_the_answer_once_and_those_that_are_out_come_last(name, fleet, ask) -> None:
    found = choices(POLICIES[name], fleet, ask)
    assert sorted(choice.place for choice in found) == list(range(len(fleet)))
    outs = [bool(fleet[choice.place].out) for choice in found]
    assert outs == sorted(outs)
    assert all(choice.reason for choice in found)
    assert [choice.score for choice in found] == sorted(choice.score for choice in found)


@every_policy
def test_a_fleet_that_is_out_altogether_is_tried_all_the_same(name) -> None:
    assert best(name, Endpoint(0, out="ejected")) == 0


@every_policy
def test_one_on_trial_comes_first_unless_it_is_out_for_another_reason(name) -> None:
    trial = Endpoint(0, in_flight=50, failing=1.0, is_on_trial=True)
    assert best(name, trial, Endpoint(1)) == 0
    assert reason(name, trial, Endpoint(1)) == "on trial"
    assert best(name, Endpoint(0, is_on_trial=True, out="down"), Endpoint(1)) == 1


@every_policy
def test_one_that_fails_fast_attracts_nothing(name) -> None:
    failing = Endpoint(0, in_flight=0, first=0.001, peak=0.001, whole=0.001, failing=0.8)
    busy = Endpoint(1, in_flight=3, first=0.5, peak=0.5, whole=2)
    if name == "round_robin":
        # It takes turns whatever happens; ejection is what keeps it away.
        return
    assert best(name, failing, busy, affinity=(0, 1)) == 1


@every_policy
def test_a_full_endpoint_comes_after_a_free_one_that_is_as_good(name) -> None:
    full = Endpoint(0, in_flight=4, slots=4, first=1, peak=1, whole=4)
    free = Endpoint(1, in_flight=3, slots=4, first=1, peak=1, whole=4)
    assert best(name, full, free, affinity=(0, 1)) == 1


def test_round_robin_gives_each_as_many_as_any_other() -> None:
    fleet = [Endpoint(place) for place in range(5)]
    assert [best("round_robin", *fleet, turn=turn) for turn in range(10)] == [0, 1, 2, 3, 4] * 2


def test_round_robin_spreads_the_turns_of_one_that_is_out() -> None:
    fleet = [Endpoint(0), Endpoint(1, out="ejected"), Endpoint(2)]
    assert [best("round_robin", *fleet, turn=turn) for turn in range(4)] == [0, 2, 0, 2]


def test_round_robin_among_many_takes_the_one_whose_turn_it_is_of_those_looked_at() -> None:
    looked_at = [Endpoint(place % 50) for place in range(48, 56)]
    assert choices(POLICIES["round_robin"], looked_at, Ask(turn=148, count=50))[0].place == 48


@pytest.mark.parametrize("name", ["round_robin", "sticky"])
def test_one_that_comes_back_gets_as_much_of_its_share_as_its_ramp_says(name) -> None:
    fleet = [Endpoint(0, ramp=0.25), Endpoint(1), Endpoint(2)]
    taken = [best(name, *fleet, turn=3 * n, affinity=(0, 1, 2), draw=n / 100) for n in range(100)]
    assert taken.count(0) == 25


def test_least_busy_counts_what_is_in_flight_for_what_can_be_taken() -> None:
    assert best("least_busy", Endpoint(0, in_flight=2, slots=4), Endpoint(1, in_flight=5, slots=16)) == 1


def test_least_busy_takes_turns_among_equals() -> None:
    fleet = [Endpoint(place) for place in range(3)]
    assert {best("least_busy", *fleet, turn=turn) for turn in range(3)} == {0, 1, 2}


def test_least_busy_gives_one_that_comes_back_less_than_its_share() -> None:
    assert best("least_busy", Endpoint(0, in_flight=1, ramp=0.1), Endpoint(1, in_flight=8)) == 1


def test_fastest_weighs_time_by_what_is_in_flight() -> None:
    assert best("fastest", Endpoint(0, peak=0.1, in_flight=9), Endpoint(1, peak=0.4, in_flight=1)) == 1


def test_fastest_tries_one_that_was_never_used_before_long() -> None:
    assert best("fastest", Endpoint(0, peak=0.2), Endpoint(1)) == 1


def test_fastest_compares_two_drawn_and_no_more() -> None:
    fleet = [Endpoint(place, peak=0.1 + place) for place in range(4)]
    taken = {best("fastest", *fleet, draw=draw / 12) for draw in range(12)}
    assert taken == {0, 1, 2}, "the slowest of all loses against whomever it is drawn with"


@given(st.integers(3, 30))
def test_each_pair_is_drawn_as_often_as_any_other(count) -> None:
    pairs = [two_of(range(count), (number + 0.5) / (count * (count - 1))) for number in range(count * (count - 1))]
    assert len({*pairs}) == len(pairs)
    assert all(first != second for first, second in pairs)


def test_sticky_keeps_a_conversation_where_it_was_until_that_has_more_than_its_share() -> None:
    assert best("sticky", Endpoint(0, in_flight=2), Endpoint(1, in_flight=1), Endpoint(2), affinity=(1, 2, 0)) == 1
    assert best("sticky", Endpoint(0), Endpoint(1, in_flight=9), Endpoint(2), affinity=(1, 2, 0)) == 2


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8))
def test_sticky_never_gives_one_more_than_its_bound(loads) -> None:
    fleet = [Endpoint(place, in_flight=load) for place, load in enumerate(loads)]
    chosen = best("sticky", *fleet, affinity=tuple(range(len(loads))))
    assert loads[chosen] + 1 <= bound(fleet)


def known(place: int, *, warm: bool = True, **fields) -> Endpoint:
    return Endpoint(
        place, is_known=True, resident=WARM if warm else None, **{"slots": 2, "load": 10.0, "whole": 2.0, **fields}
    )


def test_warmest_goes_where_the_model_is() -> None:
    assert best("warmest", known(0, warm=False), known(1, in_flight=1)) == 1
    assert reason("warmest", known(0, warm=False), known(1, in_flight=1)) == "loaded, 1 in flight"


def test_warmest_loads_elsewhere_when_the_wait_is_longer_than_the_load() -> None:
    queue = known(0, in_flight=13)
    assert best("warmest", known(0, in_flight=9), known(1, warm=False)) == 0
    assert best("warmest", queue, known(1, warm=False)) == 1
    assert reason("warmest", queue, known(1, warm=False)) == "not loaded, 10.0 s, 0 in flight"


def test_warmest_counts_twice_a_load_that_puts_another_model_out() -> None:
    queue = known(0, in_flight=13)
    assert best("warmest", queue, known(1, warm=False, held=2, room=2)) == 0
    assert best("warmest", known(0, warm=False, held=2, room=2), known(1, warm=False, held=1, room=2)) == 1


def test_warmest_waits_for_a_load_under_way_rather_than_begin_another() -> None:
    assert best("warmest", known(0, warm=False, loading=6.0), known(1, warm=False)) == 0


def test_warmest_goes_round_a_host_that_loads_something_else() -> None:
    assert best("warmest", known(0, warm=False, blocked=8.0), known(1, warm=False)) == 1


def test_a_model_with_too_little_context_has_to_be_loaded_anew() -> None:
    assert best("warmest", known(0), known(1, in_flight=3), context=16384) == 0
    short = reason("warmest", known(0), context=16384)
    assert short == "loaded with too little context (8,192 tokens), 10.0 s, 0 in flight"
    assert "too much context (8,192 tokens)" in reason("warmest", known(0), context=4096)
    assert reason("warmest", known(0), context=4096, most=8192).startswith("loaded, ")
    under_way = reason("warmest", known(0, in_flight=1), context=16384)
    assert under_way.startswith("loaded with too little context (8,192 tokens), 12.0 s"), "those under way end first"
    enough = Endpoint(
        1, in_flight=1, slots=2, is_known=True, resident=Resident(MODEL, 16384, 1, 1), load=10.0, whole=2.0
    )
    assert best("warmest", known(0), enough, context=16384) == 1


def test_warmest_avoids_a_model_that_spilled_to_the_cpu() -> None:
    spilled = Endpoint(0, slots=2, first=0.4, is_known=True, resident=Resident(MODEL, 8192, 100, 50))
    assert best("warmest", spilled, known(1, first=0.8)) == 1
    assert "50% on the CPU" in reason("warmest", spilled)
    unseen = Endpoint(0, slots=2, is_known=True, resident=Resident(MODEL, 8192, 100, 90))
    assert best("warmest", unseen, known(1), affinity=(0, 1), reading=0.2) == 1


def test_warmest_prefers_the_host_that_has_read_the_conversation_unless_it_is_busy() -> None:
    fleet = known(0), known(1, in_flight=1)
    assert best("warmest", *fleet, affinity=(1, 0), reading=3.0) == 1
    assert best("warmest", known(0), known(1, in_flight=6), affinity=(1, 0), reading=1.0) == 0


def test_a_server_that_tells_nothing_of_loading_needs_no_load() -> None:
    assert reason("warmest", Endpoint(0)) == "needs no load, 0 in flight"
    assert best("warmest", known(0, warm=False), Endpoint(1, in_flight=2)) == 1


def test_those_who_wait_for_the_warm_hosts_make_the_cold_one_worth_its_load() -> None:
    fleet = known(0, in_flight=2), known(1, warm=False)
    assert best("warmest", *fleet, queued=3) == 0
    assert best("warmest", *fleet, queued=12) == 1
