"""What the controller is told of one request, and what its records say of it."""

from typing import Literal

import msgspec

EventArm = Literal["baseline", "candidate"]

WHOLE = 10_000
"""Shares are in 1/10,000."""


class Event(msgspec.Struct, frozen=True):
    """One request, by the arm it was *assigned* to: what a fallback rescued is still a failure of that arm.

    `t` is when it was assigned, in seconds; `share` how likely the candidate was then, in 1/10,000; `score` how the
    candidate's answer compares with the baseline's, from 0 to 1, a tie being ½. What was not measured is None, and what
    should have been and could not be is named in `unmeasured`.

    `bad` names the metrics that say no, of those in `checked`, or of all where that is None; a request for which nobody
    looked has None in `bad`, not an empty tuple. With `is_later`, more is told of a request that was told before, such
    as what a judge or its user said of it.
    """

    t: float
    unit: str
    arm: EventArm
    share: int
    ok: bool | None = None
    ttft_s: float | None = None
    token_s: float | None = None
    total_s: float | None = None
    score: float | None = None
    cost: float | None = None
    bad: tuple[str, ...] | None = None
    checked: tuple[str, ...] | None = None
    unmeasured: tuple[str, ...] = ()
    is_later: bool = False
