from bisect import bisect_left
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from earthward.chat.usage import Count, Usage
from earthward.control.metrics import EDGES, SECONDS, Histogram, Metrics
from earthward.ledger.record import Attempt, Record

MILLISECOND = 1_000_000
USED = Usage(Count.reported(10), Count.reported(3), Count.reported(4))


@given(st.lists(st.lists(st.integers(0, 400 * 1000 * MILLISECOND) | st.sampled_from(EDGES))))
def test_each_time_is_counted_in_the_first_bucket_that_does_not_end_before_it(batches):
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch)
    counts = [0] * (len(SECONDS) + 1)
    for time in chain(*batches):
        counts[bisect_left(EDGES, time)] += 1
    assert histogram.counts == counts
    assert histogram.buckets()[-1] == ("+Inf", float(sum(counts)))


def test_many_records_at_once_count_as_one_by_one():
    made = [record(number) for number in range(12)]
    together, apart = metrics(), metrics()
    together.fold(made)
    for one in made:
        apart.fold([one])
    samples = told(together)
    assert samples == told(apart)
    assert samples["earthward_tokens_total", ("r", "baseline", "mini", "cached")] == 24
    assert samples["earthward_unpriced_requests_total", ("r", "candidate", "llama")] == 2


def record(number: int) -> Record:
    arm, target = ("baseline", "mini") if number % 2 else ("candidate", "llama")
    attempts = (Attempt(target, "", "", 0),) * (number % 3)
    cost = None if number % 6 == 0 else number
    first = 50 * MILLISECOND if number % 4 else None
    status = "failed" if number == 3 else "ok"
    return Record(
        str(number),
        0,
        status,
        queued=number,
        first_content=first,
        duration=number * 700 * MILLISECOND,
        route="r",
        arm=arm,
        target=target,
        attempts=attempts,
        usage=USED,
        cost=cost,
    )


def metrics() -> Metrics:
    return Metrics(NoBoard(), 1, lambda: "ok")


class NoBoard:
    def column(self, name):
        return []

    def total(self, name):
        return 0


def told(it: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): round(sample.value, 9)
        for family in it.collect()
        for sample in family.samples
    }
