"""A record as plain names and values, as programs that read the ledger get it. Unknown is null, never zero."""

from typing import Any

import msgspec

from earthward.chat.usage import COUNTS, Usage
from earthward.ledger.record import Attempt, Record


def plain(record: Record) -> dict[str, Any]:
    """Nanoseconds, nano-dollars and Unix nanoseconds, as in the record itself."""
    return _plain(record) | {"attempts": [_plain(attempt) for attempt in record.attempts]}


def _plain(used: Record | Attempt) -> dict[str, Any]:
    return msgspec.structs.asdict(used) | {"usage": _counts(used.usage)}


def _counts(usage: Usage) -> dict[str, Any]:
    told = {
        name: {"tokens": count.tokens if count.is_known else None, "source": count.source.value}
        for name, count in zip(COUNTS, usage.counts, strict=True)
    }
    return {**told, "written_for_an_hour": usage.written_for_an_hour}
