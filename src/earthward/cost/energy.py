"""What electricity costs, by the month and by the request. Watts at the wall, dollars per kilowatt-hour."""

from decimal import Decimal

import msgspec

HOURS_A_MONTH = Decimal(730)
WATTS_A_KILOWATT = 1000
JOULES_A_KILOWATT_HOUR = 3_600_000
NANO = 1_000_000_000


class Power(msgspec.Struct, frozen=True):
    """`pue` is what the building takes on top: 1.5 for half as much again. `carbon` is grams of CO₂ a kilowatt-hour."""

    idle_watts: Decimal
    busy_watts: Decimal
    price: Decimal
    pue: Decimal = Decimal(1)
    carbon: Decimal | None = None


def average_watts(power: Power, utilisation: Decimal) -> Decimal:
    return power.idle_watts + (power.busy_watts - power.idle_watts) * utilisation


def kilowatt_hours(power: Power, boxes: int, utilisation: Decimal, hours: Decimal) -> Decimal:
    return boxes * average_watts(power, utilisation) * power.pue * hours / WATTS_A_KILOWATT


def monthly_energy(power: Power, boxes: int, utilisation: Decimal) -> Decimal:
    """Dollars."""
    return kilowatt_hours(power, boxes, utilisation, HOURS_A_MONTH) * power.price


def joules(power: Power, busy_seconds: Decimal) -> Decimal:
    """What work of that length takes above idling."""
    return (power.busy_watts - power.idle_watts) * power.pue * busy_seconds


def energy_cost(power: Power, busy_seconds: Decimal) -> int:
    """Nano-dollars for work of that length; what the box takes idling is shared out elsewhere."""
    return round(joules(power, busy_seconds) / JOULES_A_KILOWATT_HOUR * power.price * NANO)
