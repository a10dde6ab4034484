"""Who is left alone for a while because it fails, and how it comes back.

One small state for each endpoint, and one for each target. After failures in a row it is out for a pause that grows
each time; when the pause is over one request is let in on trial; if that goes well the endpoint gets more and more
again. All times are whole milliseconds of one clock, so that states can lie on the board.
"""

from typing import Literal

import msgspec

State = Literal["well", "out", "trial"]


class Rules(msgspec.Struct, frozen=True):
    """`failures` in a row until it is out; pauses in milliseconds, doubled each time up to `longest`; how long a trial
    may take before another is let in; for how long it then gets less than its share; the greatest share of all that
    may be out at a time because of what they answer."""

    failures: int = 5
    pause: int = 2_000
    longest: int = 60_000
    trial: int = 30_000
    slow_start: int = 20_000
    share_out: float = 0.5


class Health(msgspec.Struct, frozen=True):
    """`failures` in a row; `times` it was out since it last stayed well; out `until`, then tried; `back` since when."""

    failures: int = 0
    times: int = 0
    until: int = 0
    back: int = 0
    is_tried: bool = False


RULES = Rules()
WELL = Health()
LEAST_RAMP = 0.1


def state(health: Health, now: int) -> State:
    """Whether requests may go there: yes, no, or one to see."""
    if not health.times or health.back:
        return "well"
    return "out" if now < health.until else "trial"


def on_trial(health: Health, now: int, rules: Rules = RULES) -> Health:
    """From when a trial is sent: out for all others until its end is known, or it takes too long."""
    return Health(0, health.times, now + rules.trial, 0, is_tried=True)


def untried(health: Health, now: int) -> Health:
    """After a trial that showed nothing, as one whose caller left: the next request may be one at once."""
    return Health(0, health.times, now)


def after_success(health: Health, now: int, rules: Rules = RULES) -> Health:
    """One that was out is back. Once it stayed well for longer than its last pause, its past is forgotten."""
    if not health.times:
        return health if not health.failures else WELL
    if not health.back:
        return Health(0, health.times, health.until, now)
    stayed_well = now - health.back > rules.slow_start + pause(health.times, rules)
    return WELL if stayed_well else Health(0, health.times, health.until, health.back)


def after_failure(health: Health, now: int, rules: Rules = RULES, *, at_once: bool = False, may: bool = True) -> Health:
    """`at_once` where nobody answers; `may` tells whether one more may be out. A failed trial is out again at once."""
    is_out = health.times > 0 and not health.back
    if is_out and now < health.until and not health.is_tried:
        # Sent before it was out: says nothing new.
        return health
    failures = health.failures + 1
    if at_once or is_out or (may and failures >= rules.failures):
        times = health.times + 1
        return Health(0, times, now + pause(times, rules))
    return Health(failures, health.times, health.until, health.back)


def pause(times: int, rules: Rules = RULES) -> int:
    """Milliseconds to be out for the so-many-th time in a row."""
    return int(min(rules.longest, rules.pause << min(times - 1, 20)))


def may_go_out(out: int, count: int, rules: Rules = RULES) -> bool:
    """Whether one more of `count` may be out when `out` are: some must be left, for failures may have a common cause.

    Of one alone there is nothing to be left; whether something else can serve is the caller's to see.
    """
    return out + 1 <= max(1, int(count * rules.share_out))


def ramp(health: Health, now: int, rules: Rules = RULES) -> float:
    """The share of its usual load that it should get, up to 1."""
    if not health.back or now - health.back >= rules.slow_start:
        return 1.0
    return max(LEAST_RAMP, (now - health.back) / rules.slow_start)
