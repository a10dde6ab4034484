"""What an exchange would have cost at the model its caller asked for. Nano-dollars.

Two models count the same text differently. Where it is known how many tokens the cloud's makes of a character, its
count is estimated from the characters; where not, the local count stands in. The share it would have read from its
cache is what it read before.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction

import msgspec

from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Rate
from earthward.cost.exchange import cost
from earthward.cost.rates import rate_for

LEAST_REQUESTS = 100
"""Before so many answers of the cloud's own, its habits are not known."""
SECOND = 1_000_000_000


class Habits(msgspec.Struct, frozen=True):
    """Tokens a character, and the share of the input that came from a cache; None where too little was seen."""

    input: Fraction | None = None
    output: Fraction | None = None
    cached: Fraction = Fraction(0)


def habits(
    requests: int, input_tokens: int, output_tokens: int, cached: int, characters_in: int, characters_out: int
) -> Habits:
    """From sums over what the cloud itself has served of that model."""
    if requests < LEAST_REQUESTS:
        return Habits()
    return Habits(
        _ratio(input_tokens, characters_in),
        _ratio(output_tokens, characters_out),
        _ratio(cached, input_tokens) or Fraction(0),
    )


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if part > 0 and whole > 0 else None


def counterfactual(
    rates: Sequence[Rate], at: int, usage: Usage, characters_in: int, characters_out: int, of: Habits
) -> int | None:
    """`at` is Unix nanoseconds. None where no rate holds, or neither tokens nor characters are known."""
    into = _count(usage.input, characters_in, of.input)
    out = _count(usage.output, characters_out, of.output)
    if not into.is_known or not out.is_known:
        return None
    rate = rate_for(rates, datetime.fromtimestamp(at // SECOND, UTC), into.tokens)
    if rate is None:
        return None
    cached = min(into.tokens, int(into.tokens * of.cached))
    return cost(rate.price, Usage(into, out, Count.estimated(cached), Count.estimated(0)))


def _count(local: Count, characters: int, ratio: Fraction | None) -> Count:
    if ratio is not None and characters > 0:
        return Count.estimated(-(-characters * ratio.numerator // ratio.denominator))
    return local
