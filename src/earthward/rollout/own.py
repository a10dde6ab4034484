"""A metric of the user's own: what it is shown of an exchange, and what its answer does to the event.

It is shown figures and names, never what users sent or got.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from earthward.ledger.record import Record
from earthward.rollout.event import Event

NANO = 1e9
NAMES = (
    *("id", "route", "arm", "status", "failure", "unit", "app", "team", "task", "data_class", "dialect", "stream"),
    *("requested_model", "target", "model", "finish_reason", "characters_in", "characters_out"),
)
"""The fields of a record that are shown as they are."""

Verdict = bool | None | Exception
"""Whether it is bad; None where the metric has nothing to say; an exception where it could not be asked."""


def shown(record: Record) -> dict[str, Any]:
    """What a metric is told of an exchange: times in seconds, cost in dollars, None where unknown."""
    tokens = {
        f"{name}_tokens": count.tokens if count.is_known else None
        for name, count in (("input", record.usage.input), ("output", record.usage.output))
    }
    return {
        **{name: getattr(record, name) for name in NAMES},
        "accepted_at": record.accepted_at / NANO,
        "duration_s": record.duration / NANO,
        "ttft_s": None if record.first_content is None else record.first_content / NANO,
        "cost_usd": None if record.cost is None else record.cost / NANO,
        **tokens,
    }


def with_own(event: Event, verdicts: Mapping[str, Verdict]) -> Event:
    """The event with what the user's own metrics say of it."""
    bad = [name for name, it in verdicts.items() if it is True]
    checked = [name for name, it in verdicts.items() if isinstance(it, bool)]
    failed = [name for name, it in verdicts.items() if isinstance(it, Exception)]
    return msgspec.structs.replace(
        event,
        bad=(*(event.bad or ()), *bad),
        checked=(*(event.checked or ()), *checked),
        unmeasured=(*event.unmeasured, *failed),
    )
