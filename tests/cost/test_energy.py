from decimal import Decimal

from earthward.cost.energy import Power, average_watts, energy_cost, kilowatt_hours, monthly_energy

D = Decimal


def test_a_kilowatt_for_an_hour_is_a_kilowatt_hour() -> None:
    assert kilowatt_hours(Power(D(1000), D(1000), D(1)), 1, D(1), D(1)) == 1


def test_a_month_has_730_hours() -> None:
    assert monthly_energy(Power(D(100), D(100), D("0.10")), 1, D(0)) == D("7.3")


def test_idle_watts_are_paid_for_at_no_load_and_busy_ones_at_full() -> None:
    power = Power(D(50), D(450), D(1))
    assert (average_watts(power, D(0)), average_watts(power, D(1)), average_watts(power, D("0.5"))) == (50, 450, 250)


def test_the_building_takes_its_share_on_top() -> None:
    assert kilowatt_hours(Power(D(1000), D(1000), D(1), pue=D("1.5")), 2, D(1), D(1)) == 3


def test_work_is_charged_with_what_it_takes_above_idling_in_nano_dollars() -> None:
    # 360 W above idle for ten seconds is a thousandth of a kilowatt-hour.
    assert energy_cost(Power(D(100), D(460), D("0.30")), D(10)) == 300_000
