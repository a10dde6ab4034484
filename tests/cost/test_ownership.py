from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.cost.energy import Power
from earthward.cost.ownership import (
    Box,
    Cloud,
    Scenario,
    Work,
    boxes_for,
    break_even,
    cloud_cost,
    factor,
    months,
    ownership,
)

D = Decimal
amounts = st.decimals(0, 10_000, places=2)
shares = st.decimals(0, D("0.9"), places=2)
works = st.builds(
    Work,
    requests=st.decimals(1, 10**7, places=0),
    input_tokens=st.decimals(1, 20_000, places=0),
    output_tokens=st.decimals(1, 5_000, places=0),
    growth=shares,
    cached_share=shares,
)
clouds = st.builds(
    Cloud,
    name=st.just("cloud"),
    input=st.decimals(0, 100, places=3),
    output=st.decimals(0, 100, places=3),
    cached=st.none() | st.decimals(0, 10, places=3),
    decline=shares,
)
powers = st.builds(
    lambda idle, more, price, pue: Power(idle, idle + more, price, pue),
    idle=amounts,
    more=amounts,
    price=st.decimals(0, 1, places=3),
    pue=st.decimals(1, 3, places=2),
)
boxes = st.builds(
    Box,
    name=st.just("box"),
    price=amounts,
    maintenance=amounts,
    electricity=amounts,
    power=st.none() | powers,
    hosting=amounts,
    capacity=st.none() | st.decimals(10**4, 10**7, places=0),
    residual=shares,
    spare=st.integers(0, 2),
)
scenarios = st.builds(
    Scenario,
    work=works,
    cloud=clouds,
    box=boxes,
    months=st.integers(1, 60),
    staff_hours=st.decimals(0, 100, places=1),
    staff_rate=amounts,
    discount=shares,
)


def near(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= D("1e-9") * max(abs(one), abs(other), D(1))


def times(struct: object, factor: int, *names: str) -> object:
    values = {name: None if (it := getattr(struct, name)) is None else it * factor for name in names}
    return msgspec.structs.replace(struct, **values)  # type: ignore[type-var]


@given(scenarios, st.decimals(1, 10, places=2))
@settings(max_examples=60, deadline=None)
def test_more_volume_never_lowers_what_either_side_costs(scenario: Scenario, by: Decimal) -> None:
    # Sold boxes come back as money, so cost is compared as what is paid until the end of the horizon.
    more = msgspec.structs.replace(
        scenario, work=msgspec.structs.replace(scenario.work, requests=scenario.work.requests * by)
    )
    before, after = list(months(scenario, scenario.months))[-1], list(months(more, more.months))[-1]
    assert after.cloud_total >= before.cloud_total or near(after.cloud_total, before.cloud_total)
    assert after.own_total >= before.own_total or near(after.own_total, before.own_total)


@given(scenarios)
@settings(max_examples=60, deadline=None)
def test_break_even_is_where_the_curves_cross_for_the_last_time(scenario: Scenario) -> None:
    crossing = break_even(scenario)
    curve = list(months(scenario, 240))
    if crossing is None:
        assert curve[-1].own_total >= curve[-1].cloud_total
        return
    behind = [it for it in curve if it.number > crossing]
    assert all(it.own_total <= it.cloud_total or near(it.own_total, it.cloud_total) for it in behind)
    number = int(crossing)
    if crossing == number:
        return
    month = curve[number]
    part = crossing - number
    own = month.own_total - month.running * (1 - part)
    cloud = month.cloud_total - month.cloud * (1 - part)
    assert near(own, cloud)


@given(scenarios, st.integers(2, 50))
@settings(max_examples=60, deadline=None)
def test_in_another_currency_all_money_scales_and_nothing_else_does(scenario: Scenario, rate: int) -> None:
    box = times(scenario.box, rate, "price", "maintenance", "electricity", "hosting", "rent")
    power = scenario.box.power and times(scenario.box.power, rate, "price")
    cloud = times(scenario.cloud, rate, "input", "output", "cached")
    dearer = msgspec.structs.replace(
        scenario,
        box=msgspec.structs.replace(box, power=power),  # type: ignore[type-var]
        cloud=cloud,
        staff_rate=scenario.staff_rate * rate,
    )
    one, other = ownership(scenario), ownership(dearer)
    for name in ("cloud", "own", "saved", "capex", "present_value"):
        assert near(getattr(one, name) * rate, getattr(other, name)), name
    assert [it.boxes for it in one.months] == [it.boxes for it in other.months]
    assert (one.break_even is None) == (other.break_even is None)
    assert one.break_even is None or near(one.break_even, other.break_even or D(0))


@given(scenarios, st.integers(2, 50))
@settings(max_examples=40, deadline=None)
def test_fewer_requests_of_more_tokens_cost_the_cloud_the_same(scenario: Scenario, by: int) -> None:
    work = scenario.work
    wider = times(times(work, by, "requests"), 1, "growth")
    longer = times(work, by, "input_tokens", "output_tokens")
    price = scenario.cloud
    assert near(
        cloud_cost(wider, price, wider.requests),  # type: ignore[arg-type,attr-defined]
        cloud_cost(longer, price, longer.requests),  # type: ignore[arg-type,attr-defined]
    )


@given(scenarios, st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_watts_at_half_the_price_twice_over_cost_the_same(scenario: Scenario, by: int) -> None:
    power = scenario.box.power
    if power is None:
        return
    thirsty = msgspec.structs.replace(
        power, idle_watts=power.idle_watts * by, busy_watts=power.busy_watts * by, price=power.price / by
    )
    other = msgspec.structs.replace(scenario, box=msgspec.structs.replace(scenario.box, power=thirsty))
    assert near(ownership(scenario).own, ownership(other).own)


@given(scenarios)
@settings(max_examples=40, deadline=None)
def test_what_is_saved_is_the_difference_of_the_two_totals(scenario: Scenario) -> None:
    found = ownership(scenario)
    assert found.saved == found.cloud - found.own
    assert near(found.cloud, sum((it.cloud for it in found.months), D(0)))


def test_boxes_are_whole_and_stand_as_a_staircase() -> None:
    box = Box("box", D(1000), capacity=D(100))
    assert [boxes_for(box, D(count)) for count in (0, 1, 100, 101, 200, 201)] == [1, 1, 1, 2, 2, 3]


def test_a_spare_box_stands_beside_those_the_work_needs() -> None:
    assert boxes_for(Box("box", D(1000), capacity=D(100), spare=1), D(150)) == 3


def test_a_box_is_bought_in_the_month_that_needs_it_and_never_given_back() -> None:
    work = Work(D(90), D(1), D(1), growth=D(1))
    found = ownership(Scenario(work, Cloud("c", D(1), D(1)), Box("b", D(10), capacity=D(100)), months=24))
    counts = [it.boxes for it in found.months]
    assert counts[0] == 1
    assert counts == sorted(counts)
    assert found.capex == counts[-1] * 10
    assert next(it for it in found.months if it.boxes == 2).bought == 10


def test_what_is_sold_in_the_end_comes_off_the_cost_of_owning() -> None:
    scenario = Scenario(Work(D(1000), D(1), D(1)), Cloud("c", D(1), D(1)), Box("b", D(1000)), months=12)
    resold = msgspec.structs.replace(scenario, box=msgspec.structs.replace(scenario.box, residual=D("0.25")))
    assert ownership(scenario).own - ownership(resold).own == 250


def test_growth_is_a_rate_a_year() -> None:
    assert near(factor(D("0.2"), 12), D("1.2"))
    assert near(factor(D("0.2"), 24), D("1.44"))


def test_cached_input_is_paid_at_its_own_price() -> None:
    work = Work(D(1), D(1_000_000), D(0), cached_share=D("0.5"))
    assert cloud_cost(work, Cloud("c", D(2), D(0), cached=D(1)), D(1)) == D("1.5")
    assert cloud_cost(work, Cloud("c", D(2), D(0)), D(1)) == 2


@pytest.mark.parametrize("hours", [0, 10])
def test_hours_of_staff_are_part_of_running(hours: int) -> None:
    scenario = Scenario(
        Work(D(1), D(1), D(1)), Cloud("c", D(1), D(1)), Box("b", D(0)), staff_hours=D(hours), staff_rate=D(50)
    )
    assert ownership(scenario).months[0].running == hours * 50
