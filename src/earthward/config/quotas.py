"""Limits as people write them, in a configuration or on the command line: `rpm: 60`, `budget: [100/month, 10/day]`."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from earthward.config.snapshot import Period, Spend
from earthward.config.values import listed

NANO = 1_000_000_000
MOST = 1_000_000_000
"""US dollars: more in nano-dollars would not be a number of 64 bits."""
PERIODS: dict[str, Period] = {"day": "day", "week": "week", "month": "month"}
_BUDGET = re.compile(r"\$?([0-9]{1,10}(?:\.[0-9]{1,9})?) ?(?:/ ?(day|week|month))?")

Amount = tuple[int, Period]


def budget(value: Any) -> Amount:
    """Nano-dollars, and the period they are for. Raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    found = _BUDGET.fullmatch(str(value)) if isinstance(value, str) or is_number else None
    if found is None or Decimal(found[1]) > MOST:
        raise ValueError("takes dollars for a day, a week or a month, such as `100/month` or `2.50/day`")
    return int(Decimal(found[1]) * NANO), PERIODS[found[2] or "month"]


def spends(hard: Iterable[Amount], soft: Iterable[Amount]) -> tuple[Spend, ...]:
    """Each period's budget, hard and soft. Raises ValueError where they don't fit together."""
    hards, softs = _by_period(hard, "budget"), _by_period(soft, "budget_soft")
    for every, nano in softs.items():
        if nano > hards.get(every, nano):
            raise ValueError(f"has a `budget_soft` above the `budget` of the {every}: nobody would ever be told")
    return tuple(
        Spend(every, hards.get(every), softs.get(every))
        for every in PERIODS.values()
        if every in hards or every in softs
    )


def _by_period(amounts: Iterable[Amount], name: str) -> dict[Period, int]:
    found: dict[Period, int] = {}
    for nano, every in amounts:
        if every in found:
            raise ValueError(f"has a `{name}` for the {every} twice")
        found[every] = nano
    return found


Budgets = Annotated[tuple[Annotated[Amount, BeforeValidator(budget)], ...], BeforeValidator(listed)]
