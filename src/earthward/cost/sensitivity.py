"""What moves a result most: each assumption to the ends of its range, all others kept. The widest swing first."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from earthward.cost.ownership import Scenario, ownership

Change = Callable[[Scenario, Decimal], Scenario]


class Assumption(msgspec.Struct, frozen=True):
    """`low` and `high` are what `change` takes: a factor of the value, or the value itself."""

    name: str
    low: Decimal
    high: Decimal
    change: Change


class Swing(msgspec.Struct, frozen=True):
    """What is saved over the horizon with the assumption at either end, in dollars."""

    name: str
    low: str
    high: str
    saved_low: Decimal
    saved_high: Decimal

    @property
    def width(self) -> Decimal:
        return abs(self.saved_high - self.saved_low)


def _work(scenario: Scenario, name: str, factor: Decimal) -> Scenario:
    work = msgspec.structs.replace(scenario.work, **{name: getattr(scenario.work, name) * factor})
    return msgspec.structs.replace(scenario, work=work)


def _cloud(scenario: Scenario, factor: Decimal) -> Scenario:
    cloud = scenario.cloud
    cached = None if cloud.cached is None else cloud.cached * factor
    cheaper = msgspec.structs.replace(cloud, input=cloud.input * factor, output=cloud.output * factor, cached=cached)
    return msgspec.structs.replace(scenario, cloud=cheaper)


def _box(scenario: Scenario, **values: object) -> Scenario:
    return msgspec.structs.replace(scenario, box=msgspec.structs.replace(scenario.box, **values))


def _electricity(scenario: Scenario, factor: Decimal) -> Scenario:
    power = scenario.box.power
    dearer = power and msgspec.structs.replace(power, price=power.price * factor)
    return _box(scenario, electricity=scenario.box.electricity * factor, power=dearer)


def _capacity(scenario: Scenario, factor: Decimal) -> Scenario:
    capacity = scenario.box.capacity
    return _box(scenario, capacity=None if capacity is None else capacity * factor)


def _growth(scenario: Scenario, growth: Decimal) -> Scenario:
    return msgspec.structs.replace(scenario, work=msgspec.structs.replace(scenario.work, growth=growth))


def _decline(scenario: Scenario, decline: Decimal) -> Scenario:
    return msgspec.structs.replace(scenario, cloud=msgspec.structs.replace(scenario.cloud, decline=decline))


def _staff(scenario: Scenario, hours: Decimal) -> Scenario:
    rate = scenario.staff_rate or Decimal(60)
    return msgspec.structs.replace(scenario, staff_hours=hours, staff_rate=rate)


def _d(text: str) -> Decimal:
    return Decimal(text)


ASSUMPTIONS = (
    Assumption("requests a month", _d("0.5"), _d("1.5"), lambda it, by: _work(it, "requests", by)),
    Assumption("output tokens a request", _d("0.5"), _d("1.5"), lambda it, by: _work(it, "output_tokens", by)),
    Assumption("cloud price", _d("0.5"), _d("1.2"), _cloud),
    Assumption("price of a box", _d("0.8"), _d("1.5"), lambda it, by: _box(it, price=it.box.price * by)),
    Assumption("electricity", _d("0.5"), _d("2"), _electricity),
    Assumption("what a box carries", _d("0.5"), _d("1.5"), _capacity),
    Assumption("growth a year", _d("0"), _d("0.5"), _growth),
    Assumption("fall of cloud prices a year", _d("0.4"), _d("0"), _decline),
    Assumption("staff hours a month", _d("16"), _d("0"), _staff),
)
"""Those that say `a year` or `a month` of themselves are values, the others factors."""

_VALUES = frozenset({"growth a year", "fall of cloud prices a year", "staff hours a month"})


def tornado(scenario: Scenario) -> list[Swing]:
    """Assumptions that move nothing are left out."""
    swings = [_swing(scenario, it) for it in ASSUMPTIONS]
    return sorted((it for it in swings if it.width), key=lambda it: it.width, reverse=True)


def _swing(scenario: Scenario, assumption: Assumption) -> Swing:
    ends = [(end, ownership(assumption.change(scenario, end)).saved) for end in (assumption.low, assumption.high)]
    (low, saved_low), (high, saved_high) = ends
    return Swing(assumption.name, _told(assumption, low), _told(assumption, high), saved_low, saved_high)


def _told(assumption: Assumption, end: Decimal) -> str:
    if assumption.name == "staff hours a month":
        return f"{end} h"
    return f"{end * 100:.0f} %" if assumption.name in _VALUES else f"{(end - 1) * 100:+.0f} %"
