"""How much a key, team, application or target has used, and whether one more request is within its limits.

Each has a meter in every process that writes: a few whole numbers in shared memory, which all read and one writes.
What has been used is the sum over all. Rates are counted in two windows: this minute's count, and of the last
minute's as much as of it lies within the last 60 seconds. Knows nothing of where the numbers lie, nor of clocks.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from earthward.config.snapshot import Period, Quota, Scope

WINDOW = 60_000
"""Milliseconds."""
DAY = 86_400
PERIODS: tuple[Period, ...] = ("day", "week", "month")
NANO = 1_000_000_000

# The numbers of a meter. `OWNER` tells whose they are, since a place may be given to another one later; `SINCE` is
# when it was given, Unix nanoseconds, and only the control process writes it. After `SPENT` come the day, week and
# month by their numbers, each with the nano-dollars spent in it.
OWNER, MINUTE, REQUESTS, TOKENS, REQUESTS_BEFORE, TOKENS_BEFORE, IN_FLIGHT, SINCE, SPENT = range(9)
SPENT_IN = (SPENT, SPENT + 2, SPENT + 4)
LENGTH = 16

Cells: TypeAlias = "memoryview[int] | list[int]"
What = Literal["rpm", "tpm", "parallel", "budget"]


class Use(NamedTuple):
    """What was counted in this minute and in the one before, `into` milliseconds after this one began."""

    requests: int
    tokens: int
    requests_before: int
    tokens_before: int
    in_flight: int
    into: int


class Excess(msgspec.Struct, frozen=True):
    """The limit that one more request would go beyond, and after how many seconds it would no longer."""

    what: What
    limit: int
    retry_after: float


class Spent(msgspec.Struct, frozen=True):
    """Nano-dollars spent in a period that ends at `renews` (Unix seconds), of `limit`."""

    every: Period
    nano: int
    limit: int
    renews: int


def owner(scope: Scope, name: str) -> int:
    """What stands in a meter for whose it is; never 0."""
    digest = blake2b(f"{scope}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True) or 1


# -- written by one -----------------------------------------------------------------------------------------------


def own(cells: Cells, at: int, whose: int) -> None:
    """Takes the meter at this place over for its owner, empty if it was another's."""
    if cells[at] != whose:
        for place in range(at + 1, at + LENGTH):
            cells[place] = 0
        cells[at] = whose


def enter(cells: Cells, at: int, tokens: int, now: int) -> int:
    """Counts a request with the tokens it is likely to take; the minute in which it counts."""
    minute = now // WINDOW
    _roll(cells, at, minute)
    cells[at + REQUESTS] += 1
    cells[at + TOKENS] += tokens
    cells[at + IN_FLIGHT] += 1
    return minute


def leave(cells: Cells, at: int, entered: int, reserved: int, used: int, now: int) -> None:
    """The request is over and took so many tokens: what it took beyond what was reserved counts now, what it did not
    take counts no more where it was counted."""
    minute = now // WINDOW
    _roll(cells, at, minute)
    cells[at + IN_FLIGHT] -= 1
    if used >= reserved or minute == entered:
        cells[at + TOKENS] += used - reserved
    elif minute == entered + 1:
        cells[at + TOKENS_BEFORE] += used - reserved


def spend(cells: Cells, at: int, nano: int, day: int) -> None:
    """Adds what was spent on that day (days since 1970). A period that is over is left."""
    for place, period in zip(SPENT_IN, periods(day), strict=True):
        if cells[at + place] < period:
            cells[at + place + 1] = 0
            cells[at + place] = period
        if cells[at + place] == period:
            cells[at + place + 1] += nano


def carry(cells: Cells, at: int, amounts: Sequence[int], day: int) -> None:
    """Says what had been spent of this day, its week and its month before anything was counted here."""
    for place, period, nano in zip(SPENT_IN, periods(day), amounts, strict=True):
        cells[at + place + 1] = nano
        cells[at + place] = period


def _roll(cells: Cells, at: int, minute: int) -> None:
    """Begins a new minute. In this order, whoever reads meanwhile sees too much for a moment, never too little."""
    was = cells[at + MINUTE]
    if was == minute:
        return
    cells[at + MINUTE] = minute
    follows = was == minute - 1
    cells[at + REQUESTS_BEFORE] = cells[at + REQUESTS] if follows else 0
    cells[at + TOKENS_BEFORE] = cells[at + TOKENS] if follows else 0
    cells[at + REQUESTS] = 0
    cells[at + TOKENS] = 0


# -- read by all --------------------------------------------------------------------------------------------------


def use(cells: Sequence[int], places: Iterable[int], whose: int, now: int) -> Use:
    """What all meters of this owner show together, at `now` milliseconds of the clock they count by."""
    minute, into = divmod(now, WINDOW)
    requests = tokens = requests_before = tokens_before = in_flight = 0
    for at in places:
        if cells[at] != whose:
            continue
        in_flight += cells[at + IN_FLIGHT]
        counted = cells[at + MINUTE]
        if counted == minute:
            requests += cells[at + REQUESTS]
            tokens += cells[at + TOKENS]
            requests_before += cells[at + REQUESTS_BEFORE]
            tokens_before += cells[at + TOKENS_BEFORE]
        elif counted == minute - 1:
            requests_before += cells[at + REQUESTS]
            tokens_before += cells[at + TOKENS]
    return Use(requests, max(0, tokens), requests_before, max(0, tokens_before), in_flight, into)


def spent(cells: Sequence[int], places: Iterable[int], whose: int, day: int) -> list[int]:
    """Nano-dollars of this day, its week and its month."""
    found = [0, 0, 0]
    now = periods(day)
    for at in places:
        if cells[at] == whose:
            for number, period in enumerate(now):
                if cells[at + SPENT_IN[number]] == period:
                    found[number] += cells[at + SPENT_IN[number] + 1]
    return found


# -- decided ------------------------------------------------------------------------------------------------------


def excess(quota: Quota, used: Use, tokens: int) -> Excess | None:
    """What one more request of so many tokens would go beyond, if anything."""
    if quota.parallel is not None and used.in_flight >= quota.parallel:
        return Excess("parallel", quota.parallel, 1.0)
    for what, limit, needed, now, before in (
        ("rpm", quota.rpm, 1, used.requests, used.requests_before),
        ("tpm", quota.tpm, tokens, used.tokens, used.tokens_before),
    ):
        if limit is not None and counted(now, before, used.into) + needed * WINDOW > limit * WINDOW:
            wait = until_free(now, before, used.into, needed, limit)
            return Excess("rpm" if what == "rpm" else "tpm", limit, max(1.0, float(-(-wait // 1000))))
    return None


def counted(now: int, before: int, into: int) -> int:
    """Of the last 60 seconds, in 1/60,000: exact, where a fraction would be rounded."""
    return now * WINDOW + before * (WINDOW - into)


def left(limit: int, now: int, before: int, into: int) -> int:
    """How much more there is room for."""
    return max(0, (limit * WINDOW - counted(now, before, into)) // WINDOW)


def until_free(now: int, before: int, into: int, needed: int, limit: int) -> int:
    """Milliseconds until there is room for so much more, if nothing else comes. What never has room waits a window."""
    room = limit - needed
    if room < 0:
        return WINDOW
    rest = WINDOW - into
    if now <= room:
        return 0 if not before else max(0, rest - (room - now) * WINDOW // before)
    # In the next minute, of which this one is the one before.
    return rest + WINDOW - room * WINDOW // now


def until_empty(now: int, before: int, into: int) -> int:
    """Milliseconds until nothing of it counts any more."""
    return 2 * WINDOW - into if now else WINDOW - into if before else 0


def over(quota: Quota, amounts: Sequence[int], day: int, *, soft: bool = False) -> Spent | None:
    """The budget that is spent, of several the one that takes longest to renew."""
    found = None
    for budget in quota.budgets:
        limit = budget.soft if soft else budget.hard
        amount = amounts[PERIODS.index(budget.every)]
        if limit is not None and amount >= limit:
            ends = renews(budget.every, day)
            if found is None or ends > found.renews:
                found = Spent(budget.every, amount, limit, ends)
    return found


@lru_cache(maxsize=64)
def periods(day: int) -> tuple[int, int, int]:
    """The numbers of a day since 1970 (UTC), of its week, from Monday, and of its month."""
    on = date.fromordinal(_EPOCH + day)
    return day, (day + 3) // 7, on.year * 12 + on.month - 1


@lru_cache(maxsize=64)
def renews(every: Period, day: int) -> int:
    """When the period that this day is in ends: Unix seconds."""
    if every == "day":
        return (day + 1) * DAY
    if every == "week":
        return ((day + 3) // 7 * 7 + 4) * DAY
    _, _, month = periods(day)
    year, next_month = divmod(month + 1, 12)
    return (date(year, next_month + 1, 1).toordinal() - _EPOCH) * DAY


@lru_cache(maxsize=64)
def began(every: Period, day: int) -> int:
    """The first day of the period that this day is in."""
    if every == "day":
        return day
    if every == "week":
        return (day + 3) // 7 * 7 - 3
    return date.fromordinal(_EPOCH + day).replace(day=1).toordinal() - _EPOCH


# -- said ---------------------------------------------------------------------------------------------------------

NAMES: dict[What, str] = {
    "rpm": "requests per minute (rpm)",
    "tpm": "tokens per minute (tpm)",
    "parallel": "requests at a time (parallel)",
    "budget": "budget",
}


def told_excess(scope: Scope, name: str, found: Excess) -> str:
    return f"the limit of {scope} {name} is reached: {found.limit:,} {NAMES[found.what]}"


def told_spent(scope: Scope, name: str, found: Spent) -> str:
    ends = datetime.fromtimestamp(found.renews, UTC).strftime("%Y-%m-%d %H:%M UTC")
    amounts = f"{dollars(found.nano)} of {dollars(found.limit)} for this {found.every}"
    return f"the cloud budget of {scope} {name} is spent: {amounts}; it renews at {ends}"


def dollars(nano: int) -> str:
    """With cents, and more digits where cents would show nothing."""
    amount = nano / NANO
    return f"${amount:,.2f}" if not nano or amount >= 0.01 else f"${amount:.6f}"


_EPOCH = date(1970, 1, 1).toordinal()
