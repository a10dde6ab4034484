"""What the product promises of its speed, and whether the figures keep it. Pure: figures in, verdicts out."""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

Verdict = Literal["met", "missed", "not measured"]


class Budget(msgspec.Struct, frozen=True):
    """`figure` names a measured figure; it has to be at most or at least `limit`. To miss an aim is no failure."""

    what: str
    figure: str
    sense: Literal["at most", "at least"]
    limit: float
    unit: str = ""
    is_aim: bool = False


BUDGETS = (
    Budget("requests/s of one worker, as a multiple of SMG's", "rate.earthward/smg", "at least", 1.3),
    Budget("requests/s of one worker, as a multiple of LiteLLM's", "rate.earthward/litellm", "at least", 80),
    Budget("requests/s of one worker, as a multiple of nginx's", "rate.earthward/nginx", "at least", 0.4, is_aim=True),
    Budget("added latency at concurrency 1, median", "added.p50", "at most", 0.3, "ms"),
    Budget("added latency at concurrency 1, p99", "added.p99", "at most", 1.0, "ms"),
    Budget("requests/s translated, as a share of those passed through", "rate.translated/earthward", "at least", 0.6),
    Budget("p99 delay of a chunk above the simulator alone", "delay.p99", "at most", 5.0, "ms"),
    Budget("CPU per streamed chunk", "chunk.cpu", "at most", 35.0, "µs"),
    Budget("CPU per streamed chunk", "chunk.cpu", "at most", 25.0, "µs", is_aim=True),
    Budget("p99 delay of a translated chunk above the simulator alone", "translated.delay.p99", "at most", 10.0, "ms"),
    Budget("CPU per streamed chunk, translated", "translated.chunk.cpu", "at most", 45.0, "µs"),
    Budget("CPU per streamed chunk, translated", "translated.chunk.cpu", "at most", 35.0, "µs", is_aim=True),
    Budget("what translation adds to a chunk, by itself", "translation.chunk", "at most", 10.0, "µs"),
    Budget("memory per open stream", "open.memory", "at most", 32.0, "KB"),
    Budget("open streams that broke", "open.broken", "at most", 0.0),
    Budget("records a second into SQLite", "ledger.rate", "at least", 20_000.0),
    Budget("p95 to first token on a fleet on paper, warmest to the best of others", "fleet.first", "at most", 0.7),
    Budget("loads a minute on that fleet, warmest to the best of others", "fleet.loads", "at most", 0.7),
    Budget("growth of a decision's cost, few to many routes, endpoints and keys", "decisions.growth", "at most", 3.0),
    Budget("from `serve` to the first answer", "ready", "at most", 2.0, "s"),
)

KEEPS: dict[str, Callable[[float, float], bool]] = {
    "at most": lambda figure, limit: figure <= limit,
    "at least": lambda figure, limit: figure >= limit,
}


class Judged(msgspec.Struct, frozen=True):
    budget: Budget
    figure: float | None
    verdict: Verdict


def judged(budget: Budget, figures: Mapping[str, float | None]) -> Judged:
    figure = figures.get(budget.figure)
    if figure is None:
        return Judged(budget, None, "not measured")
    return Judged(budget, figure, "met" if KEEPS[budget.sense](figure, budget.limit) else "missed")


def all_judged(figures: Mapping[str, float | None]) -> tuple[Judged, ...]:
    return tuple(judged(budget, figures) for budget in BUDGETS)


def status(verdicts: tuple[Judged, ...]) -> int:
    """The exit status: 0 all met, 1 one is missed, 3 none is missed but not all could be measured."""
    found = {each.verdict for each in verdicts if not each.budget.is_aim}
    return 1 if "missed" in found else 3 if "not measured" in found else 0
