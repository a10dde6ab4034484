"""What owning boxes costs beside paying a cloud by the token, month by month.

Money is US dollars as Decimal, rates are shares a year (0.2 is 20 %), work is requests a month. Boxes are whole: when
the work outgrows them another one is bought, at the start of that month. Knows no model and no card: how much work a
box carries comes in as a number, or as None where nobody knows.
"""

from collections.abc import Iterator
from decimal import Decimal
from math import ceil

import msgspec

from earthward.cost.energy import HOURS_A_MONTH, Power, monthly_energy

MILLION = 1_000_000
ZERO = Decimal(0)
MONTHS_A_YEAR = 12
LONGEST = 240
"""Months that a break-even is looked for."""


class Work(msgspec.Struct, frozen=True):
    """`requests` a month at first, growing by `growth` a year; tokens for each request. `cached_share` is that of the
    input which the cloud reads from a prompt cache."""

    requests: Decimal
    input_tokens: Decimal
    output_tokens: Decimal
    growth: Decimal = ZERO
    cached_share: Decimal = ZERO


class Cloud(msgspec.Struct, frozen=True):
    """Dollars per million tokens; prices fall by `decline` a year. Cached input without a price costs the full one."""

    name: str
    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    decline: Decimal = ZERO


class Box(msgspec.Struct, frozen=True):
    """A machine. `price` buys one; `electricity` (a year) is used where there is no `power`; `capacity` is requests a
    month it carries at the peaks of this work, None where that is not known; `residual` is the share of the price it
    is sold for in the end; `spare` boxes stand beside those that the work needs."""

    name: str
    price: Decimal
    maintenance: Decimal = ZERO
    electricity: Decimal = ZERO
    power: Power | None = None
    hosting: Decimal = ZERO
    capacity: Decimal | None = None
    residual: Decimal = ZERO
    spare: int = 0
    rent: Decimal = ZERO


class Scenario(msgspec.Struct, frozen=True):
    """`staff_hours` a month at `staff_rate` an hour; money later is worth less by `discount` a year."""

    work: Work
    cloud: Cloud
    box: Box
    months: int = 36
    staff_hours: Decimal = ZERO
    staff_rate: Decimal = ZERO
    discount: Decimal = ZERO


class Month(msgspec.Struct, frozen=True):
    """One month. `bought` is paid at its start, the totals are those at its end, `book` what the boxes are still worth
    when their loss of value is spread evenly."""

    number: int
    requests: Decimal
    boxes: int
    cloud: Decimal
    running: Decimal
    bought: Decimal
    cloud_total: Decimal
    own_total: Decimal
    book: Decimal


class Ownership(msgspec.Struct, frozen=True):
    """`own` has what the boxes are sold for taken off. `per_million` of all tokens, input and output. `break_even` in
    months, None for never. `present_value` is that of the savings."""

    months: tuple[Month, ...]
    cloud: Decimal
    own: Decimal
    saved: Decimal
    saved_share: Decimal | None
    cloud_per_million: Decimal | None
    own_per_million: Decimal | None
    capex: Decimal
    break_even: Decimal | None
    present_value: Decimal


def cloud_cost(work: Work, cloud: Cloud, requests: Decimal) -> Decimal:
    """Of so many requests, at today's prices."""
    cached = cloud.input if cloud.cached is None else cloud.cached
    input_price = cloud.input * (1 - work.cached_share) + cached * work.cached_share
    return requests * (work.input_tokens * input_price + work.output_tokens * cloud.output) / MILLION


def requests_in(work: Work, month: int) -> Decimal:
    return work.requests * factor(work.growth, month)


def factor(rate: Decimal, months: int) -> Decimal:
    """What a yearly rate comes to after so many months."""
    return Decimal(1) if not rate else (1 + rate) ** (Decimal(months) / MONTHS_A_YEAR)


def boxes_for(box: Box, requests: Decimal) -> int:
    needed = 1 if box.capacity is None else max(1, ceil(requests / box.capacity))
    return needed + box.spare


def running_cost(scenario: Scenario, requests: Decimal, boxes: int) -> Decimal:
    """Of one month, bought boxes left aside."""
    box = scenario.box
    yearly, energy = box.maintenance, ZERO
    if box.power is None:
        yearly += box.electricity
    else:
        energy = monthly_energy(box.power, boxes, utilisation(box, requests, boxes))
    upkeep = boxes * (yearly / MONTHS_A_YEAR + box.hosting + box.rent * HOURS_A_MONTH)
    return energy + upkeep + scenario.staff_hours * scenario.staff_rate


def utilisation(box: Box, requests: Decimal, boxes: int) -> Decimal:
    """The share of the boxes' capacity that is used, all of it where that is not known."""
    return Decimal(1) if box.capacity is None else min(Decimal(1), requests / (box.capacity * boxes))


def months(scenario: Scenario, count: int) -> Iterator[Month]:
    work, cloud, box = scenario.work, scenario.cloud, scenario.box
    boxes = 0
    cloud_total = own_total = ZERO
    bought_in: list[tuple[int, Decimal]] = []
    for number in range(count):
        requests = requests_in(work, number)
        needed = max(boxes, boxes_for(box, requests))
        bought = (needed - boxes) * box.price
        bought_in.append((number, bought))
        boxes = needed
        paid = cloud_cost(work, cloud, requests) * factor(-cloud.decline, number)
        running = running_cost(scenario, requests, boxes)
        cloud_total += paid
        own_total += bought + running
        book = sum((_book(scenario, price, number + 1 - at) for at, price in bought_in), ZERO)
        yield Month(number + 1, requests, boxes, paid, running, bought, cloud_total, own_total, book)


def _book(scenario: Scenario, price: Decimal, age: int) -> Decimal:
    worn = min(Decimal(1), Decimal(age) / scenario.months)
    return price * (1 - (1 - scenario.box.residual) * worn)


def ownership(scenario: Scenario) -> Ownership:
    found = tuple(months(scenario, scenario.months))
    capex = sum((month.bought for month in found), ZERO)
    sold = found[-1].book
    cloud, own = found[-1].cloud_total, found[-1].own_total - sold
    tokens = sum((month.requests for month in found), ZERO) * (scenario.work.input_tokens + scenario.work.output_tokens)
    worth = factor(scenario.discount, scenario.months)
    values = ((it.cloud - it.running - it.bought) / factor(scenario.discount, it.number - 1) for it in found)
    return Ownership(
        months=found,
        cloud=cloud,
        own=own,
        saved=cloud - own,
        saved_share=(cloud - own) / cloud if cloud else None,
        cloud_per_million=cloud / tokens * MILLION if tokens else None,
        own_per_million=own / tokens * MILLION if tokens else None,
        capex=capex,
        break_even=break_even(scenario),
        present_value=sum(values, sold / worth),
    )


def break_even(scenario: Scenario) -> Decimal | None:
    """The month, with its fraction, from which on owning has cost less in all; None if that is never within 20 years.

    Where a later purchase lifts the curve above the cloud's again, it is the last crossing that counts.
    """
    crossing: Decimal | None = None
    cloud = own = ZERO
    for month in months(scenario, max(LONGEST, scenario.months)):
        gap = own + month.bought - cloud
        closing = month.cloud - month.running
        if gap > 0 and gap - closing > 0:
            crossing = None
        elif gap > 0:
            crossing = month.number - 1 + gap / closing
        elif gap <= closing and crossing is None:
            crossing = Decimal(month.number - 1)
        elif gap > closing:
            crossing = None
        cloud, own = month.cloud_total, month.own_total
    return crossing
