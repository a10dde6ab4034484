"""Shares with the interval they lie in, 95 % sure."""

import math

import msgspec

Z = 1.96


class Interval(msgspec.Struct, frozen=True):
    value: float
    low: float
    high: float


def wilson(hits: int, count: int) -> Interval | None:
    """A share with its score interval (Wilson 1927)."""
    if count == 0:
        return None
    share, square = hits / count, Z * Z
    middle_of = (share + square / (2 * count)) / (1 + square / count)
    reach = Z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return Interval(share, max(0.0, middle_of - reach), min(1.0, middle_of + reach))
