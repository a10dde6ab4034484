from decimal import Decimal

from earthward.cost.energy import Power
from earthward.cost.own import OwnRate, own_cost

POWER = Power(Decimal(60), Decimal(420), Decimal("0.30"))


def test_wear_is_paid_by_the_token() -> None:
    assert own_cost(OwnRate(Power(Decimal(0), Decimal(0), Decimal(0)), 200_000), 1000, 0) == 200_000


def test_electricity_is_paid_by_the_time_it_kept_the_machine_busy() -> None:
    # 360 W above idle for ten seconds is a thousandth of a kilowatt-hour.
    assert own_cost(OwnRate(POWER), 5, 10 * 10**9) == 300_000


def test_exchanges_beside_each_other_share_the_watts() -> None:
    assert own_cost(OwnRate(POWER, slots=4), 5, 10 * 10**9) == 75_000


def test_unknown_tokens_make_an_unknown_cost() -> None:
    assert own_cost(OwnRate(POWER), None, 10**9) is None
