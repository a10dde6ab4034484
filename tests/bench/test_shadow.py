import msgspec
import pytest

from earthward.bench.canned import streamed, whole
from earthward.bench.reading import Incoming, numbered
from earthward.bench.shadow import MOST_CHANGE, Factors, Result, Round, factors, told

ROUND = Round("plain", 1000.0, 8.0, 16.0, 0, 200.0, 50.0, 0.2, 0.97)
FACTORS = Factors(1.01, (0.99, 1.04), 1.08, (0.8, 1.3), 1.01, 0.99, 1.01)
RESULT = Result([(ROUND, ROUND)] * 12, [], FACTORS, 100, 50, 50)
FAILING = (ROUND, msgspec.structs.replace(ROUND, failed=1))
IDLE = (ROUND, msgspec.structs.replace(ROUND, busy=0.9))


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "holds"),
        ({"others": [IDLE] * 12}, "holds"),
        ({"factors": msgspec.structs.replace(FACTORS, between=(0.99, MOST_CHANGE))}, "not enough evidence"),
        ({"factors": msgspec.structs.replace(FACTORS, between=(MOST_CHANGE, 1.2))}, "broken"),
        ({"factors": msgspec.structs.replace(FACTORS, between=None)}, "not enough evidence"),
        ({"factors": None, "pairs": []}, "not enough evidence"),
        ({"pairs": [(ROUND, ROUND)] * 11 + [FAILING]}, "broken"),
        ({"others": [FAILING]}, "broken"),
    ],
)
def test_only_an_interval_below_the_bar_at_full_load_shows_that_it_holds(changed, verdict):
    assert msgspec.structs.replace(RESULT, **changed).verdict == verdict


def test_the_factors_are_sampled_over_plain():
    slower = msgspec.structs.replace(ROUND, rate=800.0, p50=12.0, p99=32.0, worker=300.0)
    found = factors([(ROUND, slower)] * 6)
    assert (found.p99, found.p50, found.rate, found.worker) == pytest.approx((2.0, 1.5, 0.8, 1.5))
    assert found.between == found.between_as_it_was == pytest.approx((2.0, 2.0))


def test_what_the_machine_did_to_a_round_is_not_taken_for_the_sampling():
    pairs = []
    for number in range(12):
        slowdown = 1.5 if number % 3 else 0.7
        sampled = msgspec.structs.replace(ROUND, callers=50.0 * slowdown, p99=16.0 * 1.02 * slowdown**2)
        pairs.append((ROUND, sampled))
    found = factors(pairs)
    assert found.p99 == pytest.approx(1.02)
    assert found.between == pytest.approx((1.02, 1.02))
    assert found.p99_as_it_was > MOST_CHANGE


def test_it_tells_how_often_the_gateway_was_not_busy_with_samples_and_without_them():
    lines = told(msgspec.structs.replace(RESULT, others=[IDLE, IDLE, IDLE[::-1]]), 10)
    assert "3 pairs left out" in lines
    assert "(1 times without samples, 2 times with them)" in lines
    assert lines.endswith("that p99 is below 1.05 times: holds")
    assert told(msgspec.structs.replace(RESULT, pairs=[], factors=None), 10).endswith("not enough evidence")


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_canned_upstream_says_what_the_load_checks(is_streamed):
    incoming = Incoming()
    for piece in streamed(24) if is_streamed else [whole(24)]:
        incoming.feed(piece)
    assert incoming.whole
    assert not incoming.extra
    assert numbered(24)(incoming.body, is_streamed) is None
