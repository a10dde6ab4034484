"""Whether a target is worth a try while another is there, in one worker."""

import time

from earthward.chat import Failure, FailureKind
from earthward.gateway.verdicts import NOWHERE, Verdicts
from earthward.routing import health
from earthward.routing.health import Health, Rules

FAULTS = frozenset(
    {
        FailureKind.UPSTREAM_ERROR,
        FailureKind.OVERLOADED,
        FailureKind.UNREACHABLE,
        FailureKind.RESET,
        FailureKind.TIMEOUT,
        FailureKind.MALFORMED,
        FailureKind.BROKEN_STREAM,
    }
)
"""Failures that say something of the endpoint. A refused key, a spent quota or a bad request says nothing of it."""


class Breaker:
    """After failures in a row a target is left alone for a while."""

    __slots__ = ("_place", "_verdicts", "health")

    def __init__(self) -> None:
        self.health = health.WELL
        self._verdicts: Verdicts | None = None
        self._place = NOWHERE

    def share(self, verdicts: Verdicts | None, place: int) -> None:
        """From now on other workers hear of it, and it of them."""
        self._verdicts, self._place = verdicts, place
        if verdicts is not None:
            verdicts.watch(place, self)

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be said against the target."""
        return self.health is health.WELL

    @property
    def stands(self) -> bool:
        """Whether the last that was heard of it was good, if anything was."""
        return not self.health.failures and health.state(self.health, milliseconds()) == "well"

    def lets_through(self) -> bool:
        """Whether a request may go to the target; one is let through on trial once a pause is over."""
        if self.health is health.WELL:
            return True
        now = milliseconds()
        state = health.state(self.health, now)
        if state == "trial":
            self._become(health.on_trial(self.health, now))
        return state != "out"

    def give_back(self, trial: Health) -> None:
        """A trial is over that showed nothing of the target, so another may begin."""
        if self.health == trial:
            self._become(health.untried(trial, milliseconds()))

    def learn(self, failure: Failure | None, rules: Rules) -> None:
        if failure is None:
            if self.health is not health.WELL:
                self._become(health.after_success(self.health, milliseconds()))
        elif failure.kind in FAULTS:
            self._become(health.after_failure(self.health, milliseconds(), rules))

    def _become(self, now: Health) -> None:
        before, self.health = self.health, now
        if self._verdicts is not None:
            self._verdicts.say(self._place, before, now)


def milliseconds() -> int:
    """Of the monotonic clock."""
    return int(time.monotonic() * 1000)
