"""Thresholds on what is spent and saved. Pure: what was spent comes in, what is to be told goes out, each thing once.

A budget's period is a day, a week from Monday or a month in UTC. Crossing a threshold is told once in a period; what
was told already comes in as the set of keys that were sent.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import msgspec

ALL = 10_000
SECOND = 1_000_000_000


class Budget(msgspec.Struct, frozen=True):
    """`limit` in nano-dollars, `at` thresholds in 1/10,000 of it; only of an application or a team, if one is named."""

    name: str
    kind: Literal["spend", "savings"]
    limit: int
    every: Literal["day", "week", "month"] = "month"
    at: tuple[int, ...] = (ALL,)
    app: str | None = None
    team: str | None = None
    webhook: str | None = None


class Alert(msgspec.Struct, frozen=True):
    """`key` names this crossing and no other; `amount` in nano-dollars."""

    key: str
    budget: str
    kind: str
    period: str
    threshold: int
    amount: int
    limit: int
    unknown_costs: int
    webhook: str | None = None

    def body(self) -> dict[str, Any]:
        """What a webhook gets. Dollars as decimal text."""
        verb = "spent" if self.kind == "spend" else "saved"
        return {
            "event": self.key,
            "text": f"Budget {self.budget}: {_dollars(self.amount)} {verb} in {self.period}, "
            f"{self.threshold / 100:g} % of {_dollars(self.limit)} reached"
            + (f"; {self.unknown_costs} exchanges have no known cost" if self.unknown_costs else ""),
            "budget": self.budget,
            "kind": self.kind,
            "period": self.period,
            "threshold_percent": self.threshold / 100,
            "amount_usd": _dollars(self.amount).removeprefix("$").replace(",", ""),
            "limit_usd": _dollars(self.limit).removeprefix("$").replace(",", ""),
            "unknown_costs": self.unknown_costs,
        }


class Amount(msgspec.Struct, frozen=True):
    """What a budget's period came to so far, and how many exchanges of it have no known cost."""

    nano: int
    unknown: int = 0


def period_of(budget: Budget, now: int) -> tuple[str, range]:
    """The name of the period that this moment (Unix nanoseconds) is in, and its hours since 1970."""
    day = datetime.fromtimestamp(now // SECOND, UTC).date()
    if budget.every == "day":
        return day.isoformat(), _hours(day, day + timedelta(days=1))
    if budget.every == "week":
        monday = day - timedelta(days=day.weekday())
        return f"the week of {monday.isoformat()}", _hours(monday, monday + timedelta(days=7))
    first = day.replace(day=1)
    return first.strftime("%Y-%m"), _hours(first, (first + timedelta(days=32)).replace(day=1))


def _hours(first: date, end: date) -> range:
    epoch = date(1970, 1, 1)
    return range((first - epoch).days * 24, (end - epoch).days * 24)


def alerts(budget: Budget, period: str, amount: Amount, told: Collection[str]) -> list[Alert]:
    """What is to be told now: the highest threshold that was crossed and not told yet. Lower ones, crossed by the same
    step, are told by it too, and count as told."""
    return _alerts(budget, period, amount, told)[-1:]


def crossed(budget: Budget, period: str, amount: Amount) -> list[str]:
    """The keys of all thresholds that are crossed."""
    return [it.key for it in _alerts(budget, period, amount, ())]


def _alerts(budget: Budget, period: str, amount: Amount, told: Collection[str]) -> list[Alert]:
    found = []
    highest = _highest(budget, period, told)
    for threshold in sorted(budget.at):
        key = f"{_whose(budget)}:{budget.kind}:{period}:{threshold}:{budget.limit}"
        if amount.nano * ALL >= budget.limit * threshold and threshold > highest:
            found.append(
                Alert(
                    key,
                    budget.name,
                    budget.kind,
                    period,
                    threshold,
                    amount.nano,
                    budget.limit,
                    amount.unknown,
                    budget.webhook,
                )
            )
    return found


def _whose(budget: Budget) -> str:
    """Two applications may have budgets of one name."""
    return ":".join(it for it in (budget.name, budget.app, budget.team) if it)


def _highest(budget: Budget, period: str, told: Collection[str]) -> int:
    prefix, suffix = f"{_whose(budget)}:{budget.kind}:{period}:", f":{budget.limit}"
    return max(
        (int(key[len(prefix) : -len(suffix)]) for key in told if key.startswith(prefix) and key.endswith(suffix)),
        default=-1,
    )


def _dollars(nano: int) -> str:
    sign, cents = "-" if nano < 0 else "", (abs(nano) + 5_000_000) // 10_000_000
    return f"{sign}${cents // 100:,}.{cents % 100:02d}"
