"""What a metric is: how it reads a request, and how far it is trusted unless a plan says otherwise."""

from collections.abc import Callable
from typing import Literal

import msgspec

from earthward.rollout.event import Event

Role = Literal["guardrail", "signal", "dry run"]
Kind = Literal["events", "limit", "pairs", "sums"]
Span = Literal["epoch", "stage"]

ROLES: tuple[Role, ...] = ("guardrail", "signal", "dry run")


class Metric(msgspec.Struct, frozen=True):
    """A bad event, a figure with a limit, a comparison of pairs, or a sum that is only shown.

    A guardrail may roll back, a signal may hold, a dry run only says what it would have done. `reads` gives, for
    `events`, whether it is bad; for the other kinds the figure; None where the request says nothing of it. A metric
    whose span is the stage begins anew with each, since it depends on the candidate's own share. `weight` is its part
    of α beside the other guardrails'. What `comes_late` is not known of a request when that is told: that it is fine
    so far does not make it rare.
    """

    name: str
    says: str
    kind: Kind
    reads: Callable[[Event], bool | float | None]
    span: Span = "epoch"
    role: Role = "guardrail"
    weight: float = 1.0
    comes_late: bool = False


def named(name: str) -> Callable[[Event], bool | None]:
    """Reads whether this name is among the bad ones; None where nobody looked."""

    def reads(event: Event) -> bool | None:
        if event.bad is None or (event.checked is not None and name not in event.checked):
            return None
        return name in event.bad

    return reads
