"""What each exchange is booked as: what served it, and apart from that what retries, shadows and judges took.

Only what served a caller can have saved anything. Pure: prices and own costs come in as numbers. Money is nano-dollars,
times are nanoseconds; what is not known is counted, never taken for zero.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from earthward.chat.usage import Source, Usage
from earthward.ledger.record import DRILL, Attempt, Record

Purpose = Literal["serve", "retry", "shadow", "judge", "drill"]

SHADOW_PATH = "/earthward/shadow"
JUDGE_PATH = "/earthward/judge"
"""What stands as the path of exchanges that no caller asked for."""

MINUTE = 60_000_000_000
GRAINS = {"minute": 1, "hour": 60, "day": 1440}
"""Minutes."""


class Worth(msgspec.Struct, frozen=True, gc=False):
    """What an attempt cost at home, None where that is not known or it was not at home; `millijoules` it took; what the
    model that was asked for would have cost, None where not known; whether another model stood in for that one."""

    own: int | None = None
    millijoules: int = 0
    counterfactual: int | None = None
    is_displaced: bool = False


class Sums(msgspec.Struct):
    """`saved` is what displaced exchanges would have cost less what they did, where both are known; `displaced` counts
    them, `unknown_saved` those of them that are not in the sum. `estimated` counts those with a guessed count."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    characters_in: int = 0
    characters_out: int = 0
    cost: int = 0
    unknown_costs: int = 0
    own_cost: int = 0
    unknown_own: int = 0
    counterfactual: int = 0
    saved: int = 0
    displaced: int = 0
    unknown_saved: int = 0
    estimated: int = 0
    busy: int = 0
    millijoules: int = 0


class Booking(msgspec.Struct, frozen=True, gc=False):
    """One line: `sums` in the order of `Sums`."""

    purpose: Purpose
    target: str
    sums: tuple[int, ...]


def minute(record: Record) -> int:
    """Minutes since 1970."""
    return record.accepted_at // MINUTE


def purpose_of(record: Record) -> Purpose:
    if record.path.startswith(SHADOW_PATH):
        return "shadow"
    return "judge" if record.path.startswith(JUDGE_PATH) else "serve"


def bookings(record: Record, worth: Callable[[Attempt, bool], Worth], is_home: Callable[[str], bool]) -> list[Booking]:
    """One for each attempt, and one for an exchange that had none. `worth` is asked for an attempt and whether it
    served; `is_home` says which targets are one's own, and send no bill."""
    if not record.attempts:
        return [Booking(purpose_of(record), record.target, _unserved(record))]
    *before, last = record.attempts
    found = [_booking(record, it, _purpose(record, it, "retry"), worth, is_home, False) for it in before]
    return [*found, _booking(record, last, _purpose(record, last, "serve"), worth, is_home, True)]


def _purpose(record: Record, attempt: Attempt, usual: Purpose) -> Purpose:
    purpose = purpose_of(record)
    if purpose != "serve":
        return purpose
    return "drill" if attempt.why == DRILL else usual


def _booking(
    record: Record,
    attempt: Attempt,
    purpose: Purpose,
    worth: Callable[[Attempt, bool], Worth],
    is_home: Callable[[str], bool],
    is_last: bool,
) -> Booking:
    served = is_last and purpose in ("serve", "drill") and record.status == "ok"
    it = worth(attempt, served)
    home = is_home(attempt.target)
    usage = attempt.usage
    cost = 0 if home and attempt.cost is None else attempt.cost
    own = it.own if home else 0
    displaced = served and it.is_displaced
    known = cost is not None and own is not None and it.counterfactual is not None
    saved = (it.counterfactual or 0) - (cost or 0) - (own or 0) if displaced and known else 0
    sums = (
        1,
        1 if (is_last and record.status == "failed") or (not is_last and attempt.failure is not None) else 0,
        usage.input.tokens,
        usage.output.tokens,
        usage.cached.tokens,
        record.characters_in if is_last else 0,
        record.characters_out if is_last else 0,
        cost or 0,
        1 if cost is None else 0,
        own or 0,
        1 if own is None else 0,
        (it.counterfactual or 0) if served else 0,
        saved,
        1 if displaced else 0,
        1 if displaced and not known else 0,
        1 if _is_estimated(usage) else 0,
        attempt.duration,
        it.millijoules,
    )
    return Booking(purpose, attempt.target, sums)


def _is_estimated(usage: Usage) -> bool:
    return Source.ESTIMATED in (usage.input.source, usage.output.source)


def _unserved(record: Record) -> tuple[int, ...]:
    sums = Sums(requests=1, errors=1 if record.status == "failed" else 0, characters_in=record.characters_in)
    if record.status == "unknown":
        sums.unknown_costs = 1
    return msgspec.structs.astuple(sums)
