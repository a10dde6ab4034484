"""A cap on what may be spent in a day, kept to the cent: the worst case is set aside before anything is sent.

Pure. Money is integer nano-dollars, days are counted since 1970 (UTC). What was set aside and never settled, since the
process died meanwhile, counts as spent.
"""

import msgspec

from earthward.config.snapshot import Price, Target

PICO_PER_NANO = 1000
TEMPLATE = 64
"""Tokens that a provider may add to each message for its template, over the bytes of the text."""
TOOLS = 1024
"""Tokens that a provider may add for the instructions on tools."""


class Purse(msgspec.Struct):
    """What was spent on `day`, and what is set aside for what is under way."""

    day: int = 0
    spent: int = 0
    held: dict[str, int] = {}

    @property
    def committed(self) -> int:
        return self.spent + sum(self.held.values())


def reserve(purse: Purse, day: int, name: str, amount: int, limit: int) -> bool:
    """Sets `amount` aside; False where that might break the limit, and nothing is set aside then.

    What is under way over midnight counts for the new day too. A clock that runs back begins no new day.
    """
    if not has_room(purse, day, amount, limit):
        return False
    if amount:
        purse.held[name] = amount
    return True


def has_room(purse: Purse, day: int, amount: int, limit: int) -> bool:
    """Whether that much may still be spent. Begins a new day."""
    if day > purse.day:
        purse.day, purse.spent = day, 0
    return purse.committed + amount <= limit


def settle(purse: Purse, name: str, actual: int | None) -> None:
    """It came to `actual`; None where nobody knows, which is the worst case."""
    held = purse.held.pop(name, 0)
    purse.spent += held if actual is None else actual


def settle_lost(purse: Purse) -> None:
    """What a process that is dead had set aside."""
    for name in list(purse.held):
        settle(purse, name, None)


def worst_case(price: Price, input_bytes: int, messages: int, most_output: int, *, has_tools: bool) -> int | None:
    """What a request may cost at most; None where a price is unknown, or `most_output` is no limit, so that nothing can
    be promised.

    No tokenizer makes more tokens of a text than it has bytes. Whatever is dearest of input, and of writing it to a
    cache, is taken.
    """
    rates = (price.input, price.cached, price.cache_written, price.written_for_an_hour)
    if price.input is None or price.output is None or most_output < 0:
        return None
    dearest = max(rate for rate in rates if rate is not None)
    tokens = input_bytes + messages * TEMPLATE + (TOOLS if has_tools else 0)
    total = price.request + tokens * dearest + most_output * price.output
    return -(-total // PICO_PER_NANO)


def worst_of(target: Target, input_bytes: int, messages: int, most_output: int, *, has_tools: bool) -> int | None:
    """`worst_case` at the dearest of the target's prices: that of long prompts may be another, or that of an hour."""
    prices = (target.price, *(rate.price for rate in target.rates))
    amounts = [worst_case(it, input_bytes, messages, most_output, has_tools=has_tools) for it in prices]
    known = [it for it in amounts if it is not None]
    return max(known) if len(known) == len(amounts) else None
