"""A vendor's bill held against the ledger, by day and model, with what explains a difference. Pure.

Money is nano-dollars. A bill may tell tokens, an amount, or both; what it does not tell is None and is not compared.
"""

from collections.abc import Iterable

import msgspec

NEARLY = 0.005
"""Half a percent: what rounding and a cut-off at midnight come to."""


class Side(msgspec.Struct, frozen=True):
    """What one side has of one day and model. `unknown` counts attempts without a known cost, `estimated` those with a
    guessed count."""

    requests: int | None = None
    input: int | None = None
    output: int | None = None
    cost: int | None = None
    unknown: int = 0
    estimated: int = 0


class Difference(msgspec.Struct, frozen=True):
    """One day and model. `cost` is the bill less the ledger, None where the bill has no amount; `why` is in words."""

    day: str
    model: str
    bill: Side | None
    ledger: Side | None
    cost: int | None
    why: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.why


def reconcile(bill: dict[tuple[str, str], Side], ledger: dict[tuple[str, str], Side]) -> list[Difference]:
    """By (day, model), all that either side has."""
    return [_difference(*key, bill.get(key), ledger.get(key)) for key in sorted(bill.keys() | ledger.keys())]


def _difference(day: str, model: str, bill: Side | None, ledger: Side | None) -> Difference:
    if bill is None or ledger is None:
        missing = (
            "is not on the bill: another account, or billed on a later day"
            if bill is None
            else ("is not in the ledger: it did not pass through the gateway")
        )
        cost = None if bill is None else bill.cost
        return Difference(day, model, bill, ledger, cost, (missing,))
    cost = None if bill.cost is None or ledger.cost is None else bill.cost - ledger.cost
    return Difference(day, model, bill, ledger, cost, tuple(_reasons(bill, ledger)))


def _reasons(bill: Side, ledger: Side) -> Iterable[str]:
    tokens_agree = True
    for name in ("requests", "input", "output"):
        theirs, ours = getattr(bill, name), getattr(ledger, name)
        if theirs is None or ours is None or not _differ(theirs, ours):
            continue
        tokens_agree = tokens_agree and name == "requests"
        what = name if name == "requests" else f"{name} tokens"
        whose = (
            "the bill has more: not all of it passed through the gateway"
            if theirs > ours
            else ("the ledger has more: attempts that broke off and were not billed, or billed on another day")
        )
        yield f"{what}: {theirs:,} on the bill, {ours:,} in the ledger; {whose}"
    if bill.cost is not None and ledger.cost is not None and _differ(bill.cost, ledger.cost):
        if ledger.unknown:
            yield f"{ledger.unknown:,} attempts in the ledger have no known cost"
        if ledger.estimated:
            yield f"{ledger.estimated:,} attempts broke off before they told their tokens; the ledger has estimates"
        if tokens_agree and ledger.cost and not ledger.unknown:
            share = (bill.cost - ledger.cost) / ledger.cost * 100
            yield f"the same tokens at another price ({share:+.1f} %): a discount, a tier, or a price that changed"
    elif ledger.unknown:
        yield f"{ledger.unknown:,} attempts in the ledger have no known cost"


def _differ(one: int, other: int) -> bool:
    return abs(one - other) > NEARLY * max(abs(one), abs(other))
