"""What an exchange cost at home: wear by the token, electricity by the time it kept the machine busy. Nano-dollars.

A machine that serves several at once shares its watts among them, so an exchange pays for its slot.
"""

from decimal import Decimal

import msgspec

from earthward.cost.energy import Power, energy_cost

PICO_PER_NANO = 1000
SECOND = Decimal(1_000_000_000)


class OwnRate(msgspec.Struct, frozen=True):
    """`amortisation` is pico-dollars a token, input and output alike; `slots` exchanges share the power."""

    power: Power
    amortisation: int = 0
    slots: int = 1


def own_cost(rate: OwnRate, tokens: int | None, busy: int) -> int | None:
    """For an exchange of so many tokens that took `busy` nanoseconds; None if its tokens are not known."""
    if tokens is None:
        return None
    wear = (tokens * rate.amortisation + PICO_PER_NANO // 2) // PICO_PER_NANO
    return wear + energy_cost(rate.power, Decimal(busy) / SECOND / rate.slots)
