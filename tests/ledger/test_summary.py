import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.chat.usage import Count, Usage
from earthward.ledger.record import Attempt, Record
from earthward.ledger.summary import GROWTH, Totals, bucket, middle, percentile, summaries, totals

SECOND = 1_000_000_000


def record(**fields: object) -> Record:
    return Record(**{"id": "x", "accepted_at": 0, "status": "ok", "target": "mini", "cost": 5, **fields})


def test_each_arm_and_target_has_its_own_line():
    records = [record(arm="baseline"), record(arm="candidate", target="llama"), record(arm="baseline")]
    assert [(row.arm, row.target, row.requests) for row in summaries(records)] == [
        ("baseline", "mini", 2),
        ("candidate", "llama", 1),
    ]


def test_only_failed_answers_are_errors():
    rows = summaries(record(status=status) for status in ("ok", "failed", "cancelled", "unknown"))
    assert (rows[0].requests, rows[0].errors) == (4, 1)


def tried(*targets: str, **fields: object) -> Record:
    attempts = tuple(Attempt(target, "", "", 0) for target in targets)
    return record(**{"arm": "candidate", "target": targets[-1], "attempts": attempts, **fields})


def test_a_rescued_failure_counts_against_the_arm_that_was_assigned():
    rescued, failed, fine = tried("llama", "mini"), tried("llama", "mini", status="failed"), tried("llama")
    llama, mini = summaries([rescued, rescued, failed, fine])
    assert (llama.target, llama.errors, llama.rescued, llama.arm_errors) == ("llama", 0, 0, 0)
    assert (mini.target, mini.errors, mini.rescued, mini.arm_errors) == ("mini", 1, 2, 3)


@pytest.mark.parametrize(
    "other",
    [tried("llama", "llama"), tried("llama", "mini", status="cancelled"), record(attempts=())],
    ids=["served by the same target at a second try", "given up by the caller", "never tried"],
)
def test_nothing_else_is_rescued(other):
    (row,) = summaries([other])
    assert (row.rescued, row.arm_errors) == (0, 0)


def test_an_unknown_cost_is_counted_and_not_summed_as_zero():
    (row,) = summaries([record(cost=7), record(cost=None)])
    assert (row.cost, row.unknown_costs) == (7, 1)


def test_unknown_tokens_are_counted_beside_the_sums():
    known = Usage(Count.reported(10), Count.estimated(4))
    sums = Totals(*totals([record(usage=usage) for usage in (known, Usage(Count.reported(10)), Usage())]))
    assert (sums.input_tokens, sums.output_tokens, sums.unknown_tokens) == (20, 4, 2)


def test_speed_is_of_the_time_behind_the_first_content_and_of_known_tokens_only():
    timed = record(first_content=SECOND, duration=3 * SECOND, usage=Usage(output=Count.reported(100)))
    unknown = record(first_content=SECOND, duration=90 * SECOND)
    whole = record(duration=90 * SECOND, usage=Usage(output=Count.reported(100)))
    (row,) = summaries([timed, unknown, whole])
    assert row.tokens_per_second == 50.0


def test_what_was_not_measured_is_none():
    (row,) = summaries([record()])
    assert (row.ttft_p50, row.ttft_p95, row.tokens_per_second) == (None, None, None)


def test_percentiles_are_of_times_that_were_measured():
    (row,) = summaries(record(first_content=n * SECOND) for n in range(1, 101))
    assert (row.ttft_p50, row.ttft_p95) == (50 * SECOND, 95 * SECOND)


@given(st.dictionaries(st.integers(0, 100), st.integers(1, 5), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_the_smallest_time_that_enough_do_not_exceed(times, share):
    everything = sorted(time for time, count in times.items() for _ in range(count))
    found = percentile(times, share)
    enough = share * len(everything)
    assert sum(time <= found for time in everything) >= enough - 1e-9
    assert sum(time < found for time in everything) < enough


@given(st.integers(1_000_001, 10**15))
def test_a_time_is_at_most_2_5_percent_from_the_middle_of_its_bucket(nanoseconds):
    assert middle(bucket(nanoseconds)) == pytest.approx(nanoseconds, rel=GROWTH**0.5 - 1 + 1e-6)


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_longer_time_is_never_in_an_earlier_bucket(one, other):
    assert (bucket(one) <= bucket(other)) == (one <= other) or bucket(one) == bucket(other)


def test_every_sum_has_its_place_in_what_a_record_adds():
    assert len(totals([record()])) == len(Totals.__struct_fields__)
