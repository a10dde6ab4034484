"""What an exchange cost, in integer nano-dollars. A price or a count that is not known makes no cost of zero."""

from datetime import UTC, datetime

from earthward.chat.usage import Count, Source, Usage
from earthward.config.snapshot import Price, Target
from earthward.cost.rates import rate_for

PICO_PER_NANO = 1000
NONE_OF_THEM = Count.estimated(0)
SECOND = 1_000_000_000
UNKNOWN = Source.UNKNOWN
ESTIMATED = Source.ESTIMATED


def cost_at(target: Target, usage: Usage, at: int) -> int | None:
    """`cost` at the price of that target for a prompt of this length at that time, in Unix nanoseconds."""
    if not target.rates:
        return cost(target.price, usage)
    rate = rate_for(target.rates, datetime.fromtimestamp(at // SECOND, UTC), usage.input.tokens)
    return cost(rate.price if rate else target.price, usage)


def cost(price: Price, usage: Usage) -> int | None:
    """Nano-dollars, rounded half up; None if a count or a price that matters is unknown.

    Tokens read from and written to a prompt cache are part of the input, and have prices of their own. Where the
    input is an estimate, those that are unknown count as none.
    """
    if usage.input.source is ESTIMATED:
        usage = _with_parts(usage)
    total = price.request
    if usage.written_for_an_hour:
        if price.written_for_an_hour is None or price.cache_written is None:
            return None
        total += usage.written_for_an_hour * (price.written_for_an_hour - price.cache_written)
    # Cached tokens are paid for with the input: what they cost beyond that is less than nothing, as a rule.
    for count, rate, paid in (
        (usage.input, price.input, 0),
        (usage.output, price.output, 0),
        (usage.cached, price.cached, price.input),
        (usage.cache_written, price.cache_written, price.input),
    ):
        if rate is not None and rate == paid:
            continue
        tokens = count.tokens
        if tokens:
            if rate is None or paid is None:
                return None
            total += tokens * (rate - paid)
        elif count.source is UNKNOWN:
            return None
    return (total + PICO_PER_NANO // 2) // PICO_PER_NANO


def _with_parts(usage: Usage) -> Usage:
    # Upstream broke off and told nothing; no cost at all would be further from the truth than that of an estimate.
    cached, written = (part if part.is_known else NONE_OF_THEM for part in (usage.cached, usage.cache_written))
    return Usage(usage.input, usage.output, cached, written, written_for_an_hour=usage.written_for_an_hour)
