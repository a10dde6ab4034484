"""What a settled record says to a rollout."""

from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.ledger.record import Record
from earthward.ledger.summary import is_rescued
from earthward.rollout.event import Event

NANO = 1e9
MEASURED = frozenset({"error_rate", "ttft", "wait", "token_time", "latency", "truncated", "fallback_rate", "cost"})
"""The metrics that records have figures for. Nothing is known of the others until something looks at answers."""
PAIRED = frozenset({"quality", "refusal", "invalid_output", "tool_mismatch"})
"""The metrics that need both arms' answers to the same request, which shadows bring."""
LATER = frozenset({"feedback"})
"""What becomes known long after the record."""
CHECKED = ("truncated", "fallback_rate", "feedback")
"""What a record can tell by itself. Nobody has said anything bad of it yet, which is what no feedback counts as."""


def event_of(record: Record) -> Event | None:
    """The event that this exchange is; None where no arm was drawn for it, or only one could be.

    Failures that are the caller's or the gateway's own, and answers that callers gave up, say nothing of an arm. What
    another target had to serve is a failure of the arm that was assigned, and its times are not that arm's.
    """
    if record.arm == "only" or record.share == 0:
        return None
    rescued = is_rescued(record)
    answered = record.status == "ok" and not rescued
    bad = [name for name, says in (("truncated", _is_truncated(record)), ("fallback_rate", rescued)) if says]
    return Event(
        record.accepted_at / NANO,
        record.unit,
        record.arm,
        record.share,
        ok=_ok(record, rescued),
        ttft_s=record.first_content / NANO if answered and record.first_content is not None else None,
        token_s=_token_seconds(record) if answered else None,
        total_s=record.duration / NANO if answered else None,
        cost=record.cost / NANO if record.cost is not None else None,
        bad=tuple(bad),
        checked=CHECKED,
    )


def _ok(record: Record, rescued: bool) -> bool | None:
    match record.status:
        case "ok":
            return not rescued
        case "failed":
            return False if record.failure in ANOTHER_MAY_SERVE else None
    return None


def _is_truncated(record: Record) -> bool:
    return record.status == "ok" and record.finish_reason == "length"


def _token_seconds(record: Record) -> float | None:
    out = record.usage.output
    if record.first_content is None or not out.is_known or out.tokens < 2:
        return None
    return (record.duration - record.first_content) / (out.tokens - 1) / NANO
