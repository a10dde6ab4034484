"""What an operator says of money: prices with their history, own costs, budgets, how long records are kept.

Sections of the configuration:

    prices:
      - {model: "gpt-4o*", discount: 15%, since: 2026-03-01}
      - {model: claude-sonnet-4-5, input: 2.70, output: 13.50, cached: 0.27, since: 2026-01-01}
    own_costs:
      llama: {amortisation: 0.20, idle_watts: 60, busy_watts: 420, kwh_price: 0.28, slots: 8}
    budgets:
      - {name: cloud, spend: 2000, every: month, at: [80%, 100%], webhook: "https://chat.example/hook"}
    retention: {exchanges: 400, minutes: 14}
"""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import BeforeValidator, Field, model_validator

from earthward.config.section import Section
from earthward.config.values import Count, Dollars, Name, Share, Webhook, listed, one_of
from earthward.cost.budgets import Budget
from earthward.cost.energy import Power
from earthward.cost.own import OwnRate
from earthward.cost.price_book import Override

PARTS_OF_ALL = 10_000
PICO = 1_000_000
NANO = 1_000_000_000


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]
Watts = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Factor = Annotated[Decimal, Field(ge=1, le=10)]
Grams = Annotated[Decimal, Field(ge=0, le=10_000)]


class OwnPrice(Section):
    """Dollars per million tokens, or a share off the list price; from a day on, UTC."""

    model: Annotated[str, Field(min_length=1)]
    input: Dollars | None = None
    output: Dollars | None = None
    cached: Dollars | None = None
    cache_written: Dollars | None = None
    batch_input: Dollars | None = None
    batch_output: Dollars | None = None
    discount: Share | None = None
    since: Day | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.input is None) != (self.output is None) or (self.batch_input is None) != (self.batch_output is None):
            raise ValueError("needs both `input` and `output`")
        if (self.discount is None) == (self.input is None):
            raise ValueError("needs prices (`input` and `output`), or a `discount`, and not both")
        return self

    def override(self) -> Override:
        values = {name: getattr(self, name) for name in Override.__struct_fields__ if name != "discount"}
        discount = None if self.discount is None else Decimal(self.discount) / PARTS_OF_ALL
        return Override(**values, discount=discount)


class OwnCost(Section):
    """What a local target costs: dollars per million tokens of wear (`amortisation`), watts and what they cost."""

    amortisation: Dollars = Decimal(0)
    idle_watts: Watts = Decimal(0)
    busy_watts: Watts = Decimal(0)
    kwh_price: Dollars = Decimal(0)
    pue: Factor = Decimal(1)
    slots: Count = 1
    carbon: Grams | None = None

    @model_validator(mode="after")
    def _busy_is_more(self) -> Self:
        if self.busy_watts < self.idle_watts:
            raise ValueError("needs `busy_watts` of no less than `idle_watts`")
        return self

    def own(self) -> OwnRate:
        power = Power(self.idle_watts, self.busy_watts, self.kwh_price, self.pue, self.carbon)
        return OwnRate(power, round(self.amortisation * PICO), self.slots)


class BudgetSection(Section):
    """`spend` in dollars, or `savings` that must be reached; over a day or a month (UTC); told at these shares."""

    name: Name
    spend: Dollars | None = None
    savings: Dollars | None = None
    every: Annotated[Literal["day", "month"], one_of("day", "month")] = "month"
    at: Annotated[tuple[Share, ...], BeforeValidator(listed)] = (PARTS_OF_ALL,)
    app: str | None = None
    team: str | None = None
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.spend is None) == (self.savings is None):
            raise ValueError("needs `spend` or `savings`, and not both")
        return self

    def budget(self) -> Budget:
        amount = self.spend if self.spend is not None else self.savings or Decimal(0)
        kind: Literal["spend", "savings"] = "spend" if self.spend is not None else "savings"
        limit = round(amount * NANO)
        return Budget(self.name, kind, limit, self.every, tuple(sorted(self.at)), self.app, self.team, self.webhook)


class RetentionSection(Section):
    """Days that are kept; left out, for ever."""

    exchanges: Count | None = None
    minutes: Count | None = 14
    hours: Count | None = None


class Retention(msgspec.Struct, frozen=True):
    """Days that single exchanges, and sums by the minute and by the hour, are kept; None is for ever."""

    exchanges: int | None = None
    minutes: int | None = 14
    hours: int | None = None


class Money(msgspec.Struct, frozen=True):
    """`own_costs` by target."""

    overrides: tuple[Override, ...] = ()
    own_costs: dict[str, OwnRate] = {}
    budgets: tuple[Budget, ...] = ()
    retention: Retention = Retention()


def money(
    prices: tuple[OwnPrice, ...],
    own_costs: dict[str, OwnCost],
    budgets: tuple[BudgetSection, ...],
    retention: RetentionSection,
) -> Money:
    """What these sections of a configuration come to."""
    return Money(
        tuple(it.override() for it in prices),
        {name: it.own() for name, it in own_costs.items()},
        tuple(it.budget() for it in budgets),
        Retention(retention.exchanges, retention.minutes, retention.hours),
    )


def packed(of: Money) -> bytes:
    """As it rides in a snapshot."""
    return msgspec.msgpack.encode(of)


@lru_cache(maxsize=2)
def unpacked(data: bytes) -> Money:
    return msgspec.msgpack.decode(data, type=Money) if data else Money()
