"""What exchanges are booked as: what served it, and apart from that what retries, shadows and judges took.

Only what served a caller can have saved anything. Pure: prices and own costs come in as numbers. Money is nano-dollars,
times are nanoseconds; what is not known is counted, never taken for zero.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec

from earthward.chat.usage import Source
from earthward.ledger.record import DRILL, Attempt, Record

ESTIMATED = Source.ESTIMATED
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


class Alike(NamedTuple):
    """What attempts have in common that are booked as one. `minute` counts from 1970; `is_last` says whether they were
    the last of their exchange."""

    minute: int
    route: str
    arm: str
    stage: int
    requested_model: str
    app: str
    team: str
    data_class: str
    path: str
    status: str
    target: str
    is_last: bool = True
    is_drill: bool = False

    @property
    def purpose(self) -> Purpose:
        if self.path.startswith(SHADOW_PATH):
            return "shadow"
        if self.path.startswith(JUDGE_PATH):
            return "judge"
        return "drill" if self.is_drill else "serve" if self.is_last else "retry"

    @property
    def served(self) -> bool:
        return self.is_last and self.status == "ok" and self.purpose in ("serve", "drill")


class Booking(msgspec.Struct, frozen=True, gc=False):
    """One line: `sums` in the order of `Sums`."""

    of: Alike
    sums: tuple[int, ...]


Try = tuple[Record, Attempt]
Valued = Callable[[Record, Attempt, bool], Worth]

_shared = attrgetter("route", "arm", "stage", "requested_model", "app", "team", "data_class", "path", "status")


def bookings(records: Iterable[Record], worth: Valued, is_home: Callable[[str], bool]) -> list[Booking]:
    """One for all attempts that are booked alike, and one for exchanges that had none. `worth` is asked for attempts at
    home and whether they served; `is_home` says which targets are one's own, and send no bill."""
    # Summed as columns: most of what comes at once is booked alike, and a line for each exchange is ten times as dear.
    tries: defaultdict[tuple[Any, ...], list[Try]] = defaultdict(list)
    untried: defaultdict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in records:
        place, last = (record.accepted_at // MINUTE, *_shared(record)), len(record.attempts) - 1
        if last < 0:
            untried[(*place, record.target)].append(record)
        for number, attempt in enumerate(record.attempts):
            tries[(*place, attempt.target, number == last, attempt.why == DRILL)].append((record, attempt))
    booked = [_booking(Alike(*place), several, worth, is_home) for place, several in tries.items()]
    return [*booked, *(_unserved(Alike(*place), several) for place, several in untried.items())]


def _booking(of: Alike, tries: list[Try], worth: Valued, is_home: Callable[[str], bool]) -> Booking:
    attempts = [attempt for _, attempt in tries]
    usages = [attempt.usage for attempt in attempts]
    if of.is_last:
        errors = len(tries) if of.status == "failed" else 0
    else:
        errors = sum([attempt.failure is not None for attempt in attempts])
    *money, millijoules = _at_home(tries, worth, of.served) if is_home(of.target) else _elsewhere(attempts, of.served)
    sums = (
        len(tries),
        errors,
        sum([usage.input.tokens for usage in usages]),
        sum([usage.output.tokens for usage in usages]),
        sum([usage.cached.tokens for usage in usages]),
        sum([record.characters_in for record, _ in tries]) if of.is_last else 0,
        sum([record.characters_out for record, _ in tries]) if of.is_last else 0,
        *money,
        sum([usage.input.source is ESTIMATED or usage.output.source is ESTIMATED for usage in usages]),
        sum([attempt.duration for attempt in attempts]),
        millijoules,
    )
    return Booking(of, sums)


def _elsewhere(attempts: list[Attempt], served: bool) -> tuple[int, ...]:
    """`Sums` from `cost` to `unknown_saved`, and `millijoules`. What served would have cost what it did."""
    costs = [attempt.cost for attempt in attempts if attempt.cost is not None]
    cost = sum(costs)
    return (cost, len(attempts) - len(costs), 0, 0, cost if served else 0, 0, 0, 0, 0)


def _at_home(tries: list[Try], worth: Valued, served: bool) -> tuple[int, ...]:
    """The same of attempts at home."""
    each = [_one_at_home(attempt, worth(record, attempt, served), served) for record, attempt in tries]
    return tuple(map(sum, zip(*each, strict=True)))


def _one_at_home(attempt: Attempt, it: Worth, served: bool) -> tuple[int, ...]:
    cost, own, counterfactual = attempt.cost or 0, it.own, it.counterfactual
    displaced = served and it.is_displaced
    saved = None if own is None or counterfactual is None else counterfactual - cost - own
    return (
        cost,
        0,
        own or 0,
        1 if own is None else 0,
        (counterfactual or 0) if served else 0,
        (saved or 0) if displaced else 0,
        1 if displaced else 0,
        1 if displaced and saved is None else 0,
        it.millijoules,
    )


def _unserved(of: Alike, records: list[Record]) -> Booking:
    sums = Sums(
        requests=len(records),
        errors=len(records) if of.status == "failed" else 0,
        characters_in=sum(record.characters_in for record in records),
        unknown_costs=len(records) if of.status == "unknown" else 0,
    )
    return Booking(of, msgspec.structs.astuple(sums))
