"""Times measured, kept one by one, and what they amount to."""

from array import array
from typing import Any

_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


class Samples:
    """Nanoseconds, eight bytes each: a million of them are as exact as any histogram and hardly larger."""

    def __init__(self) -> None:
        self._taken = array("q")
        self.add = self._taken.append

    def __len__(self) -> int:
        return len(self._taken)

    def milliseconds(self) -> dict[str, float | None]:
        """Percentiles (nearest rank), mean, least and greatest in milliseconds; None where nothing was measured."""
        names = ("mean", "min", *_PERCENTILES, "max")
        if not self._taken:
            return dict.fromkeys(names)
        ordered = sorted(self._taken)
        ranks = {name: ordered[rank(share, len(ordered))] for name, share in _PERCENTILES.items()}
        found: dict[str, Any] = {"mean": sum(ordered) / len(ordered), "min": ordered[0], **ranks, "max": ordered[-1]}
        return {name: round(found[name] / 1e6, 4) for name in names}


def rank(share: float, count: int) -> int:
    """Where in an ordered list of `count` the sample lies that `share` of all do not exceed."""
    return max(0, min(count - 1, -int(-share * count // 1) - 1))
