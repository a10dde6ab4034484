"""Keeps what an upstream claims from spoiling the sums: one absurd figure would outweigh a year of real ones."""

import msgspec

from earthward.chat.usage import UNKNOWN, Count, Usage
from earthward.ledger.record import Record

MOST_TOKENS = 10**9
MOST_COST = 10**15
"""A million dollars, in nano-dollars, for one exchange."""


def plausible(record: Record) -> Record:
    """The record itself, or one in which what no exchange can have used or cost is unknown."""
    usage, cost = record.usage, record.cost
    counts = (usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning)
    if all(map(_is_plausible, counts)) and (cost is None or abs(cost) <= MOST_COST):
        return record
    kept = Usage(*(count if _is_plausible(count) else UNKNOWN for count in counts))
    return msgspec.structs.replace(record, usage=kept, cost=None)


def _is_plausible(count: Count) -> bool:
    return 0 <= count.tokens <= MOST_TOKENS
