"""Figures that follow what is measured and forget it again. The time is an argument, in seconds of any one clock."""

from math import exp


class Peak:
    """Leaps up to what is greater at once and comes down slowly, with no measurement too (Finagle's peak EWMA)."""

    __slots__ = ("_at", "_seconds", "_value")

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._value = 0.0
        self._at = 0.0

    def add(self, value: float, now: float) -> None:
        before = self.at(now)
        share = exp((self._at - now) / self._seconds)
        # What has decayed since the last one must not count twice.
        self._value = value if value > before else self._value * share + value * (1 - share)
        self._at = max(now, self._at)

    def at(self, now: float) -> float:
        return self._value * exp(min(0.0, self._at - now) / (self._seconds * IDLE))


class Mean:
    """The mean of the last few, the later the weightier; 0 before the first."""

    __slots__ = ("_weight", "value")

    def __init__(self, weight: float = 0.2) -> None:
        self._weight = weight
        self.value = 0.0

    def add(self, value: float) -> None:
        self.value = value if not self.value else self.value + self._weight * (value - self.value)


class Failing:
    """The share of late requests that failed. Without a request half of it is forgotten in five seconds, and what is
    left at the end altogether, or an endpoint that nobody asks would never be asked again."""

    __slots__ = ("_at", "_value")

    def __init__(self) -> None:
        self._value = 0.0
        self._at = 0.0

    def add(self, failed: bool, now: float) -> None:
        if failed or self._value:
            self._value += LATE * (failed - self.at(now))
        self._at = now

    def at(self, now: float) -> float:
        if not self._value:
            return 0.0
        share = self._value * exp(min(0.0, self._at - now) * HALVED)
        return share if share > FORGOTTEN else 0.0


IDLE = 6.0
"""How much more slowly a peak is forgotten while nothing comes."""
LATE = 0.3
HALVED = 0.1386
"""The natural logarithm of two, over five seconds."""
FORGOTTEN = 0.1
