"""A rollout as it is planned: stages, the gates between them, and how sure one wants to be.

Pure structs. Shares are in 1/10,000, times in seconds, chances between 0 and 1.
"""

from typing import Literal

import msgspec

from earthward.rollout.event import WHOLE
from earthward.rollout.metrics import METRICS, Metric, Role, own

OnTimeout = Literal["hold", "rollback"]

HOUR = 3600.0
DAY = 24 * HOUR
ALPHA = 0.03
CERTIFY_ALPHA = 0.05


class Gate(msgspec.Struct, frozen=True):
    """One metric of a plan, and what counts as worse or as good enough.

    Of bad events: `tolerate` is how many times more often the candidate may have them before it is rolled back. For
    promotion it must be shown to have them less than `below` times as often, or in less than the part `negligible` of
    its units: where nothing ever fails, there is nothing to compare. Of pairs: `margin` is how far below ½ the mean
    score may lie, for both. `at_most` is the limit of a time in seconds; None takes the p95 of the baseline's first
    `pre_period` requests.
    """

    metric: str
    role: Role
    tolerate: float = 1.0
    below: float = 2.0
    negligible: float = 0.005
    margin: float = 0.05
    at_most: float | None = None
    pre_period: int = 500


class Stage(msgspec.Struct, frozen=True):
    """`share` of the requests goes to the candidate, or to its shadow. `gates` must pass before the next stage.

    `min_requests` of the candidate in this stage, and `hold`, bind a promotion only: a rollback waits for nothing.
    After `timeout` without a decision comes what `on_timeout` says.
    """

    share: int
    is_shadow: bool = False
    min_requests: int = 0
    hold: float = 0.0
    gates: tuple[str, ...] = ()
    approval: bool = False
    timeout: float | None = None
    on_timeout: OnTimeout = "hold"

    @property
    def name(self) -> str:
        return f"shadow {percent(self.share)}" if self.is_shadow else percent(self.share)


class Plan(msgspec.Struct, frozen=True):
    """`stages` are those with gates; after the last comes `bake`, which is watched before the rollout is completed.

    While it bakes, a holdback of units that never moved stays on the baseline; `goal` is the share when all is over.
    `alpha` is the chance that an equal candidate is ever rolled back, `certify_alpha` that one gate passes wrongly.
    `warm_up` seconds of each stage say nothing of times. After a rollback, `cooldown` seconds must pass before a retry;
    for `undo_window` seconds a move can be undone. `events` are bad events of the user's own. `set_aside` says what of
    the plan as it was written can't be measured where it is used.
    """

    name: str
    stages: tuple[Stage, ...]
    bake: Stage
    gates: tuple[Gate, ...]
    goal: int = WHOLE
    events: tuple[str, ...] = ()
    alpha: float = ALPHA
    certify_alpha: float = CERTIFY_ALPHA
    warm_up: float = 0.0
    cooldown: float = HOUR
    undo_window: float = HOUR
    set_aside: tuple[str, ...] = ()


def metric_of(gate: Gate) -> Metric:
    return METRICS.get(gate.metric) or own(gate.metric)


def percent(share: int) -> str:
    """As people write it."""
    return f"{share / 100:g}%"
