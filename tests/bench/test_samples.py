import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.bench.samples import Samples, rank


def test_percentiles_are_those_of_the_nearest_rank():
    samples = Samples()
    for number in range(1000, 0, -1):
        samples.add(number * 1_000_000)
    times = samples.milliseconds()
    assert times == {"mean": 500.5, "min": 1, "p50": 500, "p90": 900, "p99": 990, "p999": 999, "max": 1000}


def test_nothing_measured_is_not_measured_as_zero():
    assert set(Samples().milliseconds().values()) == {None}


@given(st.sampled_from([0.5, 0.9, 0.99, 0.999]), st.integers(1, 5000))
def test_at_least_the_share_does_not_exceed_its_percentile(share, count):
    place = rank(share, count)
    assert 0 <= place < count
    assert (place + 1) / count >= share - 1e-9
    assert place / count < share + 1e-9


@pytest.mark.parametrize("count", [1, 2])
def test_few_samples_have_percentiles_too(count):
    assert rank(0.999, count) == count - 1
