"""What many records come to: counts, tokens, money and times per arm and target.

Sums can be made of records at once or of sums made earlier; `bucket` keeps percentiles summable too. Unknown tokens
and costs are counted beside the sums, never as zero. Pure: knows no database.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from earthward.chat.usage import Source
from earthward.ledger.record import Record

GROWTH = 1.05
"""Each bucket of times ends 5 % above the one before, so that its middle is at most 2.5 % away from any time in it."""

UNKNOWN = Source.UNKNOWN
_SHORTEST = 1_000_000
_LOG_GROWTH = math.log(GROWTH)
HOUR = 3_600_000_000_000


class Totals(msgspec.Struct):
    """Sums over some exchanges. Times are nanoseconds, money nano-dollars, tokens those that are known.

    `unknown_tokens` counts exchanges of which the input or output is unknown, `unknown_costs` those without a cost;
    `first_contents` counts those that have a time to first content, of which `first_content` is the sum;
    `generated_tokens` came in `generation` nanoseconds behind the first content; `rescued` counts what `is_rescued`.
    """

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0
    reasoning_tokens: int = 0
    unknown_tokens: int = 0
    cost: int = 0
    unknown_costs: int = 0
    duration: int = 0
    first_contents: int = 0
    first_content: int = 0
    generated_tokens: int = 0
    generation: int = 0
    rescued: int = 0


class Summary(msgspec.Struct, frozen=True):
    """One line of a table. TTFT in nanoseconds and tokens per second are None where nothing was measured.

    `errors` are answers that failed, not those the caller gave up or whose end is unknown. `rescued` are answers that
    this target gave because the one that was tried before it failed. `arm_errors` are both: they count against the
    arm, to which the exchange was assigned whoever served it. Looking at `errors` alone would make a candidate that
    always fails look as good as the baseline that rescues it.
    """

    arm: str
    target: str
    requests: int
    errors: int
    ttft_p50: int | None
    ttft_p95: int | None
    tokens_per_second: float | None
    input_tokens: int
    output_tokens: int
    cost: int
    unknown_costs: int
    rescued: int
    arm_errors: int


def is_rescued(record: Record) -> bool:
    """Whether it was answered well, but not by the target that was tried first, which is the assigned arm's.

    Where the same target served it at a second try, as with the next key, nobody had to come to the rescue.
    """
    return record.status == "ok" and bool(record.attempts) and record.attempts[0].target != record.target


def totals(records: Sequence[Record]) -> tuple[int, ...]:
    """What these records add to each field of `Totals`, in their order."""
    # As columns: a loop over the figures of each is several times as dear.
    usages = [record.usage for record in records]
    costs = [record.cost for record in records if record.cost is not None]
    firsts = [record.first_content for record in records if record.first_content is not None]
    timed = [
        (record.usage.output.tokens, record.duration - record.first_content)
        for record in records
        if record.first_content is not None and record.usage.output.source is not UNKNOWN
    ]
    return (
        len(records),
        sum([record.status == "failed" for record in records]),
        sum([usage.input.tokens for usage in usages]),
        sum([usage.output.tokens for usage in usages]),
        sum([usage.cached.tokens for usage in usages]),
        sum([usage.cache_written.tokens for usage in usages]),
        sum([usage.reasoning.tokens for usage in usages]),
        sum([usage.input.source is UNKNOWN or usage.output.source is UNKNOWN for usage in usages]),
        sum(costs),
        len(records) - len(costs),
        sum([record.duration for record in records]),
        len(firsts),
        sum(firsts),
        sum([tokens for tokens, _ in timed]),
        sum([time for _, time in timed]),
        sum([is_rescued(record) for record in records if len(record.attempts) > 1]),
    )


def bucket(nanoseconds: int) -> int:
    """The number of the bucket this time belongs to; all that is at most 1 ms belongs to bucket 0."""
    if nanoseconds <= _SHORTEST:
        return 0
    return math.ceil(math.log(nanoseconds / _SHORTEST) / _LOG_GROWTH)


def middle(number: int) -> int:
    """A time in the middle of this bucket, in nanoseconds."""
    return round(_SHORTEST * GROWTH ** (number - 0.5)) if number else _SHORTEST


def percentile(times: Mapping[int, int], share: float) -> int | None:
    """The smallest time that at least this share of the counted times does not exceed. `times` maps time to count."""
    rank = math.ceil(share * sum(times.values()))
    for time in sorted(times):
        rank -= times[time]
        if rank <= 0:
            return time
    return None


def summary(arm: str, target: str, sums: Totals, ttfts: Mapping[int, int]) -> Summary:
    return Summary(
        arm=arm,
        target=target,
        requests=sums.requests,
        errors=sums.errors,
        ttft_p50=percentile(ttfts, 0.5),
        ttft_p95=percentile(ttfts, 0.95),
        tokens_per_second=sums.generated_tokens / sums.generation * 1e9 if sums.generation else None,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        cost=sums.cost,
        unknown_costs=sums.unknown_costs,
        rescued=sums.rescued,
        arm_errors=sums.errors + sums.rescued,
    )


def summaries(records: Iterable[Record]) -> list[Summary]:
    """One for each arm and target, with exact percentiles."""
    places: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        places[record.arm, record.target].append(record)
    return [summary(*place, Totals(*totals(several)), _ttfts(several)) for place, several in sorted(places.items())]


def _ttfts(records: Iterable[Record]) -> Counter[int]:
    return Counter([record.first_content for record in records if record.first_content is not None])
