"""What an exchange cost, in integer nano-dollars. A price or a count that is not known makes no cost of zero."""

from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Price

PICO_PER_NANO = 1000


def cost(price: Price, usage: Usage) -> int | None:
    """Nano-dollars, rounded half up; None if a count or a price that matters is unknown.

    Tokens read from and written to a prompt cache are part of the input, and have prices of their own.
    """
    parts = (
        _whole(usage.input, price.input),
        _part(usage.cached, price.cached, price.input),
        _part(usage.cache_written, price.cache_written, price.input),
        _whole(usage.output, price.output),
    )
    total = price.request
    for part in parts:
        if part is None:
            return None
        total += part
    return (total + PICO_PER_NANO // 2) // PICO_PER_NANO


def _whole(count: Count, price: int | None) -> int | None:
    """What these tokens cost at this price; of the input, all, since `_part` makes good what cached ones differ by."""
    if price == 0 or (count.is_known and not count.tokens):
        return 0
    return None if price is None or not count.is_known else count.tokens * price


def _part(count: Count, price: int | None, instead_of: int | None) -> int | None:
    """What tokens that are part of the input cost more than the input's own price: less than nothing, as a rule."""
    if (price is not None and price == instead_of) or (count.is_known and not count.tokens):
        return 0
    return None if price is None or instead_of is None or not count.is_known else count.tokens * (price - instead_of)
