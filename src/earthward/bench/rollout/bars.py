"""The bars that the tests of a rollout must meet, and whether they do. Pure: results in, verdicts out."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from earthward.bench.rollout.experiments import BREAK, Result
from earthward.rollout.simulate import Run, interval, quantile

Results = Mapping[str, Sequence[Result]]
Verdict = Literal["met", "missed", "not measured"]

STANDARD_ERRORS = 2.0
"""A part that was estimated misses its bar only where it is above by so many standard errors."""


class Figure(msgspec.Struct, frozen=True):
    """`of` is the number of runs, for a part of them."""

    value: float
    error: float = 0.0
    of: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the part really lies, at 95 %."""
        return interval(self.value, self.of)


class Bar(msgspec.Struct, frozen=True):
    """`figure` is read from the results of one experiment. At most `limit`, or at least."""

    what: str
    experiment: str
    figure: Callable[[Sequence[Result]], Figure | None]
    limit: float
    sense: Literal["at most", "at least"] = "at most"
    is_part: bool = False


class Judged(msgspec.Struct, frozen=True):
    what: str
    limit: float
    sense: str
    is_part: bool
    figure: Figure | None
    verdict: Verdict


def found(results: Sequence[Result]) -> Figure:
    """The part that decided. One too early, before the candidate broke, counts too."""
    return _part([result is not None for result in results])


def median(results: Sequence[Result]) -> Figure | None:
    return _quantile(results, 0.5)


def p90(results: Sequence[Result]) -> Figure | None:
    return _quantile(results, 0.9)


def rolled_back(results: Sequence[Result]) -> Figure:
    return _part([run.end == "rolled back" for run in _runs(results)])


def promoted(results: Sequence[Result]) -> Figure:
    return _part([run.is_promoted and run.end != "rolled back" for run in _runs(results)])


def promoted_after(results: Sequence[Result]) -> Figure | None:
    value = quantile([run.requests for run in _runs(results) if run.is_promoted], 0.5)
    return None if value is None else Figure(value)


def exposed(results: Sequence[Result]) -> Figure | None:
    value = quantile([run.exposed for run in _runs(results) if run.end == "rolled back"], 0.5)
    return None if value is None else Figure(value)


def _runs(results: Sequence[Result]) -> list[Run]:
    return [result for result in results if isinstance(result, Run)]


def _part(are: Sequence[bool]) -> Figure:
    part = sum(are) / len(are)
    return Figure(part, math.sqrt(part * (1 - part) / len(are)), len(are))


def _quantile(results: Sequence[Result], part: float) -> Figure | None:
    """Runs without a decision are longer than all that had one; those too early, left out."""
    counts = [math.inf if result is None else result for result in results if not isinstance(result, Run)]
    value = quantile([count for count in counts if count >= 0], part)
    return None if value is None else Figure(value)


def _pair(what: str, experiment: str, middle: float, high: float | None = None) -> list[Bar]:
    bars = [Bar(f"{what}, median", experiment, median, middle)]
    return bars if high is None else [*bars, Bar(f"{what}, p90", experiment, p90, high)]


BARS: tuple[Bar, ...] = (
    *(
        Bar(f"false rollback, whole migration, {name}", f"whole {name}", rolled_back, 0.05, is_part=True)
        for name in ("parity", "drift", "outages", "ramp", "sticky")
    ),
    Bar("false rollback, error test alone, 100,000 requests", "null", found, 0.05, is_part=True),
    *_pair("errors 1 % -> 20 %: candidate requests", "worse 20 %", 15, 30),
    *_pair("errors 1 % -> 5 %: candidate requests", "worse 5 %", 100, 250),
    *_pair("errors 1 % -> 2 %: candidate requests", "worse 2 %", 850, 2100),
    Bar("false rollback, TTFT test alone, 100,000 requests", "slow × 1", found, 0.05, is_part=True),
    *_pair("TTFT × 1.5: candidate requests", "slow × 1.5", 30),
    *_pair("TTFT × 2: candidate requests", "slow × 2", 10),
    *_pair(f"break to 5 % after {BREAK:,} requests", "late 5 %", 270),
    *_pair(f"break to 20 % after {BREAK:,} requests", "late 20 %", 40),
    # What the same bets need with a part of them put in at each thousand requests.
    *_pair("break to 5 % at a share of 75 %", "late 5 % at 75 %", 1330),
    *_pair("break to 20 % at a share of 75 %", "late 20 % at 75 %", 234),
    *_pair("break to TTFT × 3 at a share of 75 %", "late slow × 3 at 75 %", 100),
    *_pair("good enough at parity: candidate requests", "certified at parity", 1000, 2300),
    Bar("good enough, wrongly, at twice the errors", "certified at twice the rate", found, 0.05, is_part=True),
    *_pair("answers -10 points: pairs to rollback", "pairs, -10 points", 400, 1000),
    *_pair("answers -20 points: pairs to rollback", "pairs, -20 points", 50, 105),
    *_pair("answers at parity: pairs to promotion", "pairs, promoted at parity", 415, 1025),
    Bar("answers at exactly -5 points: false rollback", "pairs, rolled back at -5", found, 0.05, is_part=True),
    Bar("answers at exactly -5 points: false promotion", "pairs, promoted at -5", found, 0.05, is_part=True),
    Bar("whole migration at parity: promoted", "whole parity", promoted, 0.97, "at least", is_part=True),
    Bar("whole migration at parity: requests, median", "whole parity", promoted_after, 30_000),
    Bar("saturation at 75 %: exposed requests, median", "whole saturation", exposed, 1800),
)


def judged(results: Results, bars: Sequence[Bar] = BARS) -> list[Judged]:
    return [_judged(bar, results.get(bar.experiment, ())) for bar in bars]


def _judged(bar: Bar, results: Sequence[Result]) -> Judged:
    figure = bar.figure(results) if results else None
    verdict: Verdict = "not measured" if figure is None else "met" if _keeps(bar, figure) else "missed"
    return Judged(bar.what, bar.limit, bar.sense, bar.is_part, figure, verdict)


def _keeps(bar: Bar, figure: Figure) -> bool:
    doubt = STANDARD_ERRORS * figure.error
    return figure.value - doubt <= bar.limit if bar.sense == "at most" else figure.value + doubt >= bar.limit
