"""All checks, one per file. Each says what it finds in a case. Which metric of a rollout it feeds stands here."""

from collections.abc import Callable, Mapping

from earthward.quality.case import Case, Found
from earthward.quality.checks import (
    citations,
    code,
    empty,
    json_schema,
    language,
    length,
    numbers,
    refusal,
    tool_calls,
    tool_use,
    truncated,
)

CHECKS: Mapping[str, Callable[[Case], Found]] = {
    module.__name__.rpartition(".")[2]: module.check
    for module in (
        empty,
        refusal,
        truncated,
        json_schema,
        tool_use,
        tool_calls,
        code,
        numbers,
        citations,
        language,
        length,
    )
}

METRICS: Mapping[str, str] = {
    "empty": "refusal",
    "refusal": "refusal",
    "json_schema": "invalid_output",
    "tool_use": "tool_mismatch",
    "truncated": "truncated",
}
"""The others are for reports: what they find may be as good as what the baseline said."""


def checked(case: Case) -> dict[str, Found]:
    """What every check says."""
    return {name: check(case) for name, check in CHECKS.items()}


def metrics_of(found: Mapping[str, Found]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rollout's metrics that were looked at, and those of them that are bad."""
    told: dict[str, bool] = {}
    for name, metric in METRICS.items():
        if found[name].state != "not applicable":
            told[metric] = told.get(metric, False) or found[name].state == "bad"
    return tuple(told), tuple(metric for metric, is_bad in told.items() if is_bad)
