from decimal import Decimal

import msgspec

from earthward.cost.against import Plan, reasons_against
from earthward.cost.ownership import Box, Cloud, Scenario, Work, ownership

D = Decimal
GOOD = Scenario(
    Work(D(100_000), D(500), D(200)),
    Cloud("cloud", D(3), D(15)),
    Box("box", D(3600), maintenance=D(200), electricity=D(400), capacity=D(200_000), spare=1),
    staff_hours=D(1),
    staff_rate=D(50),
)
PROVEN = Plan(fits=True, quality_proven=True, staffed=True)


def names(scenario: Scenario = GOOD, plan: Plan = PROVEN) -> dict[str, bool]:
    found = reasons_against(scenario, ownership(scenario), plan)
    return {it.name: it.blocks for it in sorted(found, key=lambda it: it.blocks)}


def test_nothing_stands_against_a_plan_that_pays_fits_and_is_proven() -> None:
    assert names() == {}


def test_too_little_volume_stands_against_it() -> None:
    few = msgspec.structs.replace(GOOD, work=msgspec.structs.replace(GOOD.work, requests=D(500)))
    assert names(few)["volume"]


def test_paying_back_only_behind_the_horizon_stands_against_it() -> None:
    assert names(msgspec.structs.replace(GOOD, months=6))["volume"]


def test_a_model_that_does_not_fit_stands_against_it() -> None:
    assert names(plan=msgspec.structs.replace(PROVEN, fits=False))["memory"]


def test_more_work_than_a_box_carries_is_told() -> None:
    small = msgspec.structs.replace(GOOD, box=msgspec.structs.replace(GOOD.box, capacity=D(60_000), spare=0))
    assert names(small) == {"capacity": False}


def test_quality_that_is_not_proven_is_told() -> None:
    assert names(plan=msgspec.structs.replace(PROVEN, quality_proven=False)) == {"quality": False}


def test_a_promise_that_one_box_cannot_keep_stands_against_it() -> None:
    alone = msgspec.structs.replace(GOOD, box=msgspec.structs.replace(GOOD.box, spare=0))
    promised = msgspec.structs.replace(PROVEN, availability=D("0.999"))
    assert names(alone, promised)["availability"]
    assert names(GOOD, promised) == {}


def test_nobody_to_run_it_is_told() -> None:
    free = msgspec.structs.replace(GOOD, staff_hours=D(0))
    assert names(free, msgspec.structs.replace(PROVEN, staffed=False)) == {"staff": False}


def test_many_boxes_that_are_all_needed_keep_less_than_one_does() -> None:
    promised = msgspec.structs.replace(PROVEN, availability=D("0.99"))
    one = msgspec.structs.replace(GOOD, box=msgspec.structs.replace(GOOD.box, spare=0))
    five = msgspec.structs.replace(GOOD, box=msgspec.structs.replace(one.box, capacity=D(20_000), price=D(100)))
    assert "availability" not in names(one, promised)
    assert names(five, promised)["availability"]
    spared = msgspec.structs.replace(five, box=msgspec.structs.replace(five.box, spare=1))
    assert "availability" not in names(spared, promised)
