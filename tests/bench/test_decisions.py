import sys

import pytest

from earthward.bench.decisions import MANY, Cost, endpoints, growth, measure
from earthward.routing.balance import POLICIES


def test_every_policy_is_measured_and_so_are_routes_and_keys() -> None:
    costs = measure(50)
    measured = {(it.of, it.way, it.count) for it in costs}
    assert {("endpoints", way, count) for way in POLICIES for count in MANY["endpoints"]} < measured
    assert {("routes", "", 1000), ("keys", "", 100_000)} < measured
    assert all(it.microseconds > 0 for it in costs)


def test_growth_is_that_of_the_kind_that_grows_most() -> None:
    costs = [
        Cost("routes", 10, "", 2.0),
        Cost("routes", 1000, "", 3.0),
        Cost("keys", 10, "", 1.0),
        Cost("keys", 100_000, "", 4.0),
    ]
    assert growth(costs) == 4.0


def steps(way: str, count: int) -> float:
    """How many lines one choice takes in the mean, which no load of the machine changes."""
    decide, lines = endpoints(count, way), 0

    def trace(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    for turn in range(50):
        decide(turn)
    sys.settrace(before)
    return lines / 50


@pytest.mark.parametrize("way", POLICIES)
def test_a_choice_among_two_hundred_takes_the_steps_of_one_among_forty(way) -> None:
    many = steps(way, 200)
    assert many == pytest.approx(steps(way, 40), rel=0.05)
    assert many < 1.5 * steps(way, 8)
