"""Keeps what callers and upstreams claim from spoiling the ledger.

One absurd figure would outweigh a year of real ones, or could not be written at all, and a name of megabytes would be
kept for ever.
"""

from typing import TypeVar

import msgspec

from earthward.chat.usage import UNKNOWN, Count, Usage
from earthward.ledger.record import Attempt, Record

MOST_TOKENS = 2**30 - 1
"""All ones in binary, so that several counts can be told to be within it at once."""
MOST_COST = 10**15
"""A million dollars, in nano-dollars, for one exchange."""

LONGEST = 1000
"""Characters."""

TEXTS = ("requested_model", "finish_reason", "message")
"""What callers and upstreams choose freely."""

Used = TypeVar("Used", Record, Attempt)


def plausible(record: Record) -> Record:
    """The record itself, or one in which what no exchange can have used or cost is unknown, and no text is endless.

    To be called before a record is written: an integer beyond 64 bits has no place in the spool.
    """
    if not can_be(record) or not all(map(can_be, record.attempts)):
        # Its cost is the sum of the attempts', and so is made of what can't be.
        attempts = tuple(map(_corrected, record.attempts))
        record = msgspec.structs.replace(_corrected(record), attempts=attempts, cost=None)
    reason, message = record.finish_reason, record.message
    if not _may_stay(f"{record.requested_model}{reason or ''}{message or ''}"):
        record = msgspec.structs.replace(record, **{name: _text(getattr(record, name)) for name in TEXTS})
    return record


def all_plausible(records: list[Record]) -> list[Record]:
    """The same of many."""
    # Nearly always all of them are, which the columns tell together.
    used: list[Record | Attempt] = [*records, *[attempt for record in records for attempt in record.attempts]]
    if _all_can_be(used) and _all_may_stay(records):
        return records
    return list(map(plausible, records))


def _all_can_be(used: list[Record | Attempt]) -> bool:
    costs = [it.cost for it in used if it.cost is not None]
    tokens = [
        it.input.tokens | it.output.tokens | it.cached.tokens | it.cache_written.tokens | it.reasoning.tokens
        for it in [it.usage for it in used]
    ]
    return _within(tokens, MOST_TOKENS) and _within(costs, MOST_COST)


def _within(numbers: list[int], most: int) -> bool:
    return not numbers or (min(numbers) >= 0 and max(numbers) <= most)


def _all_may_stay(records: list[Record]) -> bool:
    texts = [
        *[record.requested_model for record in records],
        *[record.finish_reason for record in records if record.finish_reason],
        *[record.message for record in records if record.message],
    ]
    return max(map(len, texts), default=0) <= LONGEST and "\0" not in "".join(texts)


def can_be(used: Record | Attempt) -> bool:
    """Whether an exchange can have used so much."""
    # Every exchange passes here twice. Of several numbers or'ed together none is negative, nor beyond a number that is
    # all ones, unless the whole is.
    usage, cost = used.usage, used.cost
    tokens = (
        usage.input.tokens
        | usage.output.tokens
        | usage.cached.tokens
        | usage.cache_written.tokens
        | usage.reasoning.tokens
    )
    return 0 <= tokens <= MOST_TOKENS and (cost is None or 0 <= cost <= MOST_COST)


def _corrected(used: Used) -> Used:
    if can_be(used):
        return used
    into, out, cached, written, reasoning = map(_count, used.usage.counts)
    return msgspec.structs.replace(used, usage=Usage(into, out, cached, written, reasoning), cost=None)


def _count(count: Count) -> Count:
    return count if 0 <= count.tokens <= MOST_TOKENS else UNKNOWN


def _may_stay(text: str) -> bool:
    return len(text) <= LONGEST and "\0" not in text


def _text(text: str | None) -> str | None:
    # PostgreSQL keeps no NUL.
    return text and text[:LONGEST].replace("\0", "\ufffd")
