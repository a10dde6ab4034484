"""What single values look like in a plan. Each says in its error what it takes."""

import re
from collections.abc import Callable
from typing import Any

from earthward.rollout.event import WHOLE
from earthward.rollout.plan import DAY, HOUR

MOST_REQUESTS = 10**9

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d|w)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")


def items(value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError("takes a list")
    return list(value)


def names(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(it, str) and 0 < len(it) <= 64 for it in given):
        raise ValueError("takes a list of names")
    return tuple(given)


def share(value: object) -> int:
    """In 1/10,000, above zero."""
    parts = part(value) * WHOLE
    if not 0 < parts <= WHOLE or abs(parts - round(parts)) > 1e-6:
        raise ValueError("takes a percentage above 0 and up to 100%, no finer than 0.01%, such as 25%")
    return round(parts)


def holdback(value: object) -> int:
    parts = part(value) * WHOLE
    if not 0 <= parts <= WHOLE / 2:
        raise ValueError("takes a percentage up to 50%, such as 2%")
    return round(parts)


def part(value: object) -> float:
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1]) / 100 if found else -1.0


def chance(value: object) -> float:
    found = part(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    if not 1e-6 <= found <= 0.5:
        raise ValueError("takes a chance from 0.0001% to 50%, such as 5%")
    return found


def margin(value: object) -> float:
    found = part(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    if not 0 < found < 0.5:
        raise ValueError("takes a part of the score above 0% and below 50%, such as 5%")
    return found


def ratio(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= 100:
        raise ValueError("takes a ratio from 1 to 100: how many times more often than the baseline")
    return float(value)


def count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_REQUESTS:
        raise ValueError("takes a whole number of requests")
    return value


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("takes true or false")
    return value


def duration(value: object) -> float:
    """Seconds."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if value == 0 and not isinstance(value, bool):
        return 0.0
    if found is None:
        raise ValueError("takes a time, such as 500ms, 30s, 10m, 2h, 7d or 2w")
    return float(found[1]) * _SECONDS[found[2]]


def span(value: object) -> float:
    """Seconds, above zero: no time at all would be over before anything is known."""
    found = duration(value)
    if not found:
        raise ValueError("takes a time above zero, such as 500ms, 30s, 10m, 2h, 7d or 2w")
    return found


def one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"takes {', '.join(words)}")
        return str(value)

    return read
