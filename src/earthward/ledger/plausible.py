"""Keeps what callers and upstreams claim from spoiling the ledger.

One absurd figure would outweigh a year of real ones, and a name of megabytes would be kept for ever.
"""

import msgspec

from earthward.chat.usage import UNKNOWN, Count
from earthward.ledger.record import Record

MOST_TOKENS = 10**9
MOST_COST = 10**15
"""A million dollars, in nano-dollars, for one exchange."""

LONGEST = 1000
"""Characters."""

TEXTS = ("requested_model", "finish_reason", "message")
"""What callers and upstreams choose freely."""


def plausible(record: Record) -> Record:
    """The record itself, or one in which what no exchange can have used or cost is unknown, and no text is endless."""
    usage, cost = record.usage, record.cost
    counts = (usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning)
    if not all(map(_is_plausible, counts)) or (cost is not None and abs(cost) > MOST_COST):
        kept = type(usage)(*(count if _is_plausible(count) else UNKNOWN for count in counts))
        record = msgspec.structs.replace(record, usage=kept, cost=None)
    texts = {name: text for name in TEXTS if (text := getattr(record, name)) and (len(text) > LONGEST or "\0" in text)}
    if texts:
        record = msgspec.structs.replace(record, **{name: _text(text) for name, text in texts.items()})
    return record


def _is_plausible(count: Count) -> bool:
    return 0 <= count.tokens <= MOST_TOKENS


def _text(text: str) -> str:
    # PostgreSQL keeps no NUL.
    return text[:LONGEST].replace("\0", "\ufffd")
