"""Limits of a LiteLLM configuration, as ours says them: of deployments, of teams, and of the whole proxy.

Source: docs.litellm.ai/docs/proxy/users. Its keys are in its database and their secrets work nowhere else, so for what
the file says of keys there is a command.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from earthward.config.litellm_values import listed, mapped
from earthward.config.problems import shown
from earthward.config.quotas import MOST

COUNTS = {
    "rpm": ("rpm", "rpm_limit"),
    "tpm": ("tpm", "tpm_limit"),
    "parallel": ("max_parallel_requests",),
}
"""Ours, and theirs: of deployments, and of keys and teams."""
MONEY = {"budget": "max_budget", "budget_soft": "soft_budget"}
OF_LIMITS = frozenset({*(name for names in COUNTS.values() for name in names), *MONEY.values(), "budget_duration"})
TEAMS = "default_team_settings"
OF_KEYS = ("default_key_generate_params", "default_internal_user_params", "default_team_params")
"""What the proxy gives to keys, users and teams that are made later."""
_DAYS = {"s": 1 / 86_400, "m": 1 / 1_440, "h": 1 / 24, "d": 1, "w": 7, "mo": 30}
_WORDS = {"daily": "day", "weekly": "week", "monthly": "month"}
_SPAN = re.compile(r"([0-9]{1,6}) ?(mo|s|m|h|d|w)")
_PERIODS = {1: "day", 7: "week", 28: "month", 30: "month", 31: "month"}

Why = tuple[str, str]
"""A key of theirs, and why it is not carried over."""


def limits_of(given: Mapping[Any, Any]) -> tuple[dict[str, Any], list[Why]]:
    """Ours, and what of theirs is not among them."""
    found: dict[str, Any] = {}
    left: list[Why] = []
    for ours, names in COUNTS.items():
        for name in names:
            value = given.get(name)
            if value is None:
                continue
            if _is_count(value):
                found[ours] = value
            else:
                left.append((name, "is no whole number above 0"))
    every = period(given.get("budget_duration"))
    for ours, name in MONEY.items():
        if given.get(name) is None:
            continue
        amount = _dollars(given[name])
        if amount is None:
            left.append((name, "is no sum of dollars"))
        elif every is None:
            how = "never renews" if given.get("budget_duration") is None else "renews after another time"
            left.append((name, f"{how}; here budgets are for a day, a week or a month"))
        else:
            found[ours] = f"{amount}/{every}"
    if "budget" in found and "budget_soft" in found and _amount(found["budget_soft"]) > _amount(found["budget"]):
        del found["budget_soft"]
        left.append(("soft_budget", "is above `max_budget`, so nobody would ever be told"))
    return found, left


def period(duration: Any) -> str | None:
    """The period of ours that is as long: 24h and 1d are a day, 30d and 1mo a month. None if none is."""
    text = str(duration).strip().lower()
    span = _SPAN.fullmatch(text)
    if span is None:
        return _WORDS.get(text)
    days = int(span[1]) * _DAYS[span[2]]
    return _PERIODS.get(round(days)) if abs(days - round(days)) < 1e-6 else None


def together(limits: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Of deployments that are one target here, whose limits add up; and which do not, as not all of them have one."""
    each = [dict(it) for it in limits]
    names = list(dict.fromkeys(name for it in each for name in it))
    found: dict[str, Any] = {}
    left: list[str] = []
    for name in names:
        values = [it.get(name) for it in each]
        if any(value is None for value in values):
            left.append(name)
        elif name in COUNTS:
            found[name] = sum(value for value in values if value is not None)
        elif len({str(value).partition("/")[2] for value in values}) == 1:
            every = str(values[0]).partition("/")[2]
            found[name] = f"{sum((_amount(str(value)) for value in values), Decimal(0))}/{every}"
        else:
            left.append(name)
    return found, left


def teams(settings: Mapping[Any, Any]) -> Iterator[tuple[int, str, Mapping[Any, Any]]]:
    """The teams that the file names: their place in it, their names and what it says of them."""
    for index, entry in enumerate(listed(settings.get(TEAMS))):
        name = mapped(entry).get("team_alias") or mapped(entry).get("team_id")
        if name:
            yield index, str(name), mapped(entry)


def options(limits: Mapping[str, Any]) -> str:
    """As `earthward keys create` takes them."""
    return " ".join(f"--{name.replace('_', '-')} {shown(str(value))}" for name, value in limits.items())


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 2**31


def _dollars(value: Any) -> str | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= MOST:
        return None
    text = f"{amount:.9f}".rstrip("0").rstrip(".")
    return text or "0"


def _amount(written: str) -> Decimal:
    return Decimal(written.partition("/")[0])
