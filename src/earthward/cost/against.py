"""When not to migrate, said plainly. Each check looks at the result and at what is known of the plan."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from math import comb

import msgspec

from earthward.cost.ownership import Ownership, Scenario

BOX_AVAILABILITY = Decimal("0.995")
"""Of one machine in a year: two failures of which each takes a day until a part is there, to the half percent."""
FEW_REQUESTS = Decimal(1000)
LEAST_SHARE = Decimal("0.1")


class Plan(msgspec.Struct, frozen=True):
    """What is known beside the money. `fits`: the model lies in the card's memory whole, None where not known;
    `availability` is what was promised to users (0.999), None for nothing."""

    fits: bool | None = None
    quality_proven: bool = False
    availability: Decimal | None = None
    staffed: bool = False


class Reason(msgspec.Struct, frozen=True):
    """`blocks`: the migration as planned can't work or pay, whatever else is true."""

    name: str
    blocks: bool
    text: str


def reasons_against(scenario: Scenario, result: Ownership, plan: Plan) -> list[Reason]:
    return [reason for check in CHECKS for reason in check(scenario, result, plan)]


def _pays(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    month = result.months[0]
    if result.break_even is None:
        yield Reason(
            "volume",
            True,
            f"It never pays: running costs ${month.running:,.2f} a month against ${month.cloud:,.2f} of the cloud at "
            "first, and what is bought is never earned back. Stay in the cloud, or choose a cheaper cloud model.",
        )
    elif result.break_even > scenario.months:
        yield Reason(
            "volume",
            True,
            f"The volume is too small: it pays after {result.break_even:.1f} months, and you reckon with "
            f"{scenario.months}.",
        )
    elif result.saved_share is not None and result.saved_share < LEAST_SHARE:
        yield Reason("volume", False, "Less than a tenth is saved; one wrong assumption turns that around.")


def _capacity(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    box = scenario.box
    if plan.fits is False:
        yield Reason(
            "memory",
            True,
            f"The model does not fit into the memory of {box.name}; the CPU would do part of the work, at a small "
            "part of the speed. Choose a smaller model, a heavier quantisation or a larger card.",
        )
    if box.capacity is None:
        yield Reason("capacity", False, "How much a box carries is not known; one box is assumed to be enough.")
    elif result.months[0].boxes - box.spare > 1:
        yield Reason(
            "capacity",
            False,
            f"One {box.name} carries {box.capacity:,.0f} requests a month at this work's peaks, and "
            f"{scenario.work.requests:,.0f} come: it takes {result.months[0].boxes} boxes from the first day.",
        )


def _quality(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    if not plan.quality_proven:
        yield Reason(
            "quality",
            False,
            "That the local model's answers are good enough is not proven. Measure it on your own requests first: no "
            "public score stands in for that.",
        )


def _availability(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    if plan.availability is None:
        return
    most = max(month.boxes for month in result.months)
    reached = _reached(most - scenario.box.spare, most)
    if reached < plan.availability:
        yield Reason(
            "availability",
            True,
            f"You promise {plan.availability * 100:.2f} %, and {most} boxes, {scenario.box.spare} of them spare, reach "
            f"about {reached * 100:.2f} %. Add a spare box, or keep the cloud as the fallback.",
        )


def _reached(needed: int, boxes: int) -> Decimal:
    """How likely it is that so many of the boxes are up at once, if each fails by itself."""
    up, down = BOX_AVAILABILITY, 1 - BOX_AVAILABILITY
    return sum((comb(boxes, off) * down**off * up ** (boxes - off) for off in range(boxes - needed + 1)), Decimal(0))


def _staff(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    if not plan.staffed and not scenario.staff_hours:
        yield Reason("staff", False, "No hours are counted for running it. Someone will: drivers, updates, bad nights.")


def _energy(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    if scenario.box.power is None and not scenario.box.electricity:
        yield Reason("energy", False, "No electricity is counted: what a box takes is not known. Give its watts.")


def _small(scenario: Scenario, result: Ownership, plan: Plan) -> Iterator[Reason]:
    if scenario.work.requests < FEW_REQUESTS:
        yield Reason("volume", False, "Under a thousand requests a month; a machine would idle nearly all the time.")


Check = Callable[[Scenario, Ownership, Plan], Iterator[Reason]]
CHECKS: tuple[Check, ...] = (_pays, _capacity, _quality, _availability, _staff, _energy, _small)
