"""What a plan does in a world: one run, and what many of them come to."""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.plan import Plan
from earthward.rollout.worlds import Chance, World, traffic

End = Literal["completed", "rolled back", "undecided"]

APPROVER = "simulate"


class Run(msgspec.Struct, frozen=True):
    """How one run ended. `requests` and `seconds` to the decision, which is the promotion or the rollback.

    `exposed` counts users' requests that the candidate was assigned until then; `why` says what caused a rollback, and
    `stage` where that was.
    """

    end: End
    requests: int
    seconds: float
    exposed: int
    is_promoted: bool
    why: str = ""
    stage: str = ""


class Sums(msgspec.Struct, frozen=True):
    """Many runs. Chances are parts of 1; figures are those of the runs that came to a decision."""

    runs: int
    rolled_back: float
    promoted: float
    undecided: float
    requests_median: float | None = None
    requests_p90: float | None = None
    seconds_median: float | None = None
    seconds_p90: float | None = None
    exposed_median: float | None = None
    exposed_p90: float | None = None
    causes: dict[str, int] = {}


def run(plan: Plan, world: World, chance: Chance, most_requests: int) -> Run:
    """One rollout from its start to its end. Approval, where the plan wants it, is given at once."""
    controller = Controller(begin(plan))
    state = controller.state
    controller.act("start", 0.0, APPROVER, "simulated")
    promoted: tuple[int, float, int] | None = None
    shares = [(state.share, state.shadow)]
    for number, (t, events) in enumerate(traffic(world, chance, lambda: shares[0]), 1):
        if _has_moved(controller, t, events):
            if state.paused == "approval":
                controller.act("promote", state.now, APPROVER, "approved at once")
            shares[0] = state.share, state.shadow
            if promoted is None and state.place.phase in ("bake", "completed"):
                promoted = number, state.now, state.exposed
            if not state.is_under_way:
                break
        if number >= most_requests:
            break
    decided = promoted or (number, state.now, state.exposed)
    match state.place.phase:
        case "completed":
            return Run("completed", *decided, is_promoted=True)
        case "rolled back":
            at = state.before.stage if state.before and state.before.phase != "bake" else len(plan.stages)
            name = plan.stages[at].name if at < len(plan.stages) else "bake"
            return Run("rolled back", number, state.now, state.exposed, promoted is not None, state.why, name)
    return Run("undecided", *decided, is_promoted=promoted is not None, why=state.why)


def _has_moved(controller: Controller, t: float, events: Sequence[Event]) -> bool:
    """By one request, of which nothing may be told but that time passes."""
    if not events:
        return bool(controller.advance(t))
    moved = False
    for event in events:
        if controller.feed(event):
            moved = True
    return moved


def summed(runs: Sequence[Run]) -> Sums:
    """What runs come to. A run that was promoted and rolled back later counts as rolled back."""
    count = len(runs)
    back = [run for run in runs if run.end == "rolled back"]
    promoted = [run for run in runs if run.is_promoted and run.end != "rolled back"]
    decided = [*back, *promoted]
    causes: dict[str, int] = {}
    for run in back:
        cause = f"{run.stage}: {run.why}"
        causes[cause] = causes.get(cause, 0) + 1
    figures = {
        f"{name}_{label}": quantile([getattr(run, name) for run in decided], part)
        for name in ("requests", "seconds", "exposed")
        for label, part in (("median", 0.5), ("p90", 0.9))
    }
    undecided = (count - len(decided)) / count
    return Sums(count, len(back) / count, len(promoted) / count, undecided, **figures, causes=causes)


def interval(part: float, of: int) -> tuple[float, float]:
    """Where a part that was seen in so many runs really lies, at 95 % (Wilson, 1927: right for parts near 0 too)."""
    z = 1.96
    middle = (part + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(part * (1 - part) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(values: Sequence[float], part: float) -> float | None:
    """The smallest value that at least this part of them does not exceed; None of none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(part * len(ranked)) - 1)] if ranked else None
