"""Imagined traffic to try a plan on: what each arm does with a request, and what happens to both of them.

Draws come from outside, so that the same seed makes the same traffic. A world knows nothing of plans or tests.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import msgspec

from earthward.rollout.event import WHOLE, Event, EventArm
from earthward.rollout.pairs import Outcome, event_of_score, events_of_pair
from earthward.rollout.plan import DAY

TYPICAL_TTFT = 0.5
SPREAD = 0.5
"""Times to first content are log-normal: their median in seconds, and the deviation of their logarithm."""

TURNS = 10
TALKING = 200
"""Turns of a conversation, and conversations at a time, where units are sticky."""

OUTAGES = 10
OUTAGE_EVERY = 10_000
OUTAGE_LENGTH = 200
"""Requests."""

NO_NAMES: tuple[str, ...] = ()
REFUSED = ("refusal",)


class Chance(Protocol):
    """Where draws come from."""

    def random(self) -> float: ...

    def lognormvariate(self, mu: float, sigma: float) -> float: ...


class World(msgspec.Struct, frozen=True):
    """`per_day` requests, of which the baseline fails `errors`. The candidate fails `error_ratio` times as often, takes
    `slow_ratio` times as long, and loses `score_gap` of the mean score of ½.

    `judged` is the part that is compared; of what is shadowed alone, all is, unless it is 0. Both arms refuse the part
    `refusals`.

    `breaks_after` so many requests it begins to do so; before, the arms are equal. From a share of `saturates_at` on it
    takes `saturated_ratio` times as long. `drifts`: both arms fail between half and three times as often, in a daily
    wave. `has_outages`: both fail half of all requests for a while. `is_sticky`: conversations of ten turns, and those
    that fail, fail in every turn. `ramp` gives shares that are set by hand, whatever the plan says.
    """

    per_day: float = 10_000.0
    errors: float = 0.01
    judged: float = 0.05
    refusals: float = 0.002
    ties: float = 0.3
    error_ratio: float = 1.0
    slow_ratio: float = 1.0
    score_gap: float = 0.0
    breaks_after: int = 0
    saturates_at: int = WHOLE + 1
    saturated_ratio: float = 3.0
    drifts: bool = False
    has_outages: bool = False
    is_sticky: bool = False
    ramp: tuple[tuple[int, int], ...] = ()


SCENARIOS: dict[str, tuple[str, World]] = {
    "parity": ("both arms are equal", World()),
    "drift": ("equal, error rates in a daily wave", World(drifts=True)),
    "outages": ("equal, ten outages hit both", World(has_outages=True)),
    "ramp": (
        "equal, drifting, share set by hand",
        World(drifts=True, ramp=((0, 500), (10_000, 2500), (20_000, 7500))),
    ),
    "sticky": ("equal, conversations fail as a whole", World(is_sticky=True)),
    "better": ("the candidate fails half as often", World(error_ratio=0.5)),
    "worse": ("the candidate fails --by times as often", World(error_ratio=5.0)),
    "slow": ("first content takes --by times as long", World(slow_ratio=2.0)),
    "answers": ("answers lose --by of the score", World(score_gap=0.1)),
    "late": (
        "fails --by times as often after 10,000",
        World(error_ratio=5.0, breaks_after=10_000),
    ),
    "saturation": ("takes --by times as long from 75 % on", World(saturates_at=7500)),
}
NULLS = ("parity", "drift", "outages", "ramp", "sticky")
"""Both arms are equal in these: whatever is rolled back is rolled back falsely."""

KNOBS = {
    "worse": "error_ratio",
    "late": "error_ratio",
    "slow": "slow_ratio",
    "saturation": "saturated_ratio",
    "answers": "score_gap",
}


def world(scenario: str, by: float | None = None, **fields: object) -> World:
    """The world of a scenario, its harm set to `by` and other fields as given. ValueError where there is no harm."""
    found = SCENARIOS[scenario][1]
    if by is not None:
        if scenario not in KNOBS:
            raise ValueError(f"{scenario} has no harm that could be set; these have: {', '.join(KNOBS)}")
        fields[KNOBS[scenario]] = by
    return msgspec.structs.replace(found, **fields)


def requests(world: World, chance: Chance, shares: Callable[[], tuple[int, int]]) -> Iterator[Event]:
    """What `traffic` tells, event by event."""
    for _, events in traffic(world, chance, shares):
        yield from events


def traffic(
    world: World, chance: Chance, shares: Callable[[], tuple[int, int]]
) -> Iterator[tuple[float, tuple[Event, ...]]]:
    """Endless requests: when each comes, and what is told of it. `shares` gives the candidate's share and its shadow's,
    as they are at each. Where only a shadow is asked, both arms answer the same request, or nothing is told of it.
    """
    talks = _Talks(chance)
    draw = chance.random
    number = 0
    while True:
        share, shadow = shares() if not world.ramp else (_by_hand(world, number), 0)
        unit, place, curse = talks.turn(number) if world.is_sticky else (f"u{number}", draw(), -1.0)
        t = number / world.per_day * DAY
        if shadow and not share:
            drawn = draw() if world.is_sticky else place
            request = _Request(number, t, unit, share, curse)
            yield t, _both(world, chance, request) if drawn * WHOLE < shadow else ()
        else:
            is_candidate = place * WHOLE < share
            ok, ttft = _answer(world, chance, number, t, share, curse, is_candidate=is_candidate)
            score = _score(world, number, chance) if share and draw() < world.judged else None
            bad = REFUSED if draw() < world.refusals else NO_NAMES
            arm: EventArm = "candidate" if is_candidate else "baseline"
            yield t, (Event(t, unit, arm, share, ok, ttft, None, None, score, None, bad),)
        number += 1


class _Request(NamedTuple):
    """`curse` is the draw that decides whether its conversation fails; below 0 each request has its own."""

    number: int
    t: float
    unit: str
    share: int
    curse: float


def _both(world: World, chance: Chance, it: _Request) -> tuple[Event, ...]:
    """As a gateway tells of a pair. Each pair that both arms answered is compared, where any are."""
    arms = [_outcome(world, chance, it, is_candidate=is_candidate) for is_candidate in (False, True)]
    told = events_of_pair(it.t, it.unit, *arms, in_shadow_stage=True)
    if not world.judged or not all(arm.ok for arm in arms):
        return told
    return *told, event_of_score(it.t, it.unit, 0, _score(world, it.number, chance))


def _outcome(world: World, chance: Chance, it: _Request, *, is_candidate: bool) -> Outcome:
    ok, ttft = _answer(world, chance, it.number, it.t, it.share, it.curse, is_candidate=is_candidate)
    return Outcome(ok, ttft, checked=REFUSED, bad=REFUSED if chance.random() < world.refusals else NO_NAMES)


def _answer(
    world: World, chance: Chance, number: int, t: float, share: int, curse: float, *, is_candidate: bool
) -> tuple[bool, float | None]:
    """Whether there is one, and when its first content came."""
    drawn = chance.random() if curse < 0 else curse
    if drawn < _errors(world, number, t, is_candidate):
        return False, None
    return True, chance.lognormvariate(0.0, SPREAD) * _typical_ttft(world, number, share, is_candidate)


def _by_hand(world: World, number: int) -> int:
    return max((step for step in world.ramp if step[0] <= number), key=lambda step: step[0])[1]


def _errors(world: World, number: int, t: float, is_candidate: bool) -> float:
    rate = world.errors
    if world.drifts:
        rate *= 1.75 + 1.25 * math.sin(2 * math.pi * t / DAY)
    if world.has_outages and number % OUTAGE_EVERY < OUTAGE_LENGTH and 0 < number // OUTAGE_EVERY <= OUTAGES:
        rate = 0.5
    if is_candidate and number >= world.breaks_after:
        rate *= world.error_ratio
    return min(rate, 1.0)


def _typical_ttft(world: World, number: int, share: int, is_candidate: bool) -> float:
    seconds = TYPICAL_TTFT
    if not is_candidate:
        return seconds
    if number >= world.breaks_after:
        seconds *= world.slow_ratio
    if share >= world.saturates_at:
        seconds *= world.saturated_ratio
    return seconds


def _score(world: World, number: int, chance: Chance) -> float:
    gap = world.score_gap if number >= world.breaks_after else 0.0
    drawn = chance.random()
    if drawn < world.ties:
        return 0.5
    # Half a tie and the wins add up to ½ less the gap.
    return 1.0 if drawn < world.ties + (1.0 - world.ties) / 2 - gap else 0.0


class _Talks:
    """Conversations under way. Each has its place between 0 and 1, and one draw that decides whether it fails."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._open: list[tuple[str, float, float, int]] = []

    def turn(self, number: int) -> tuple[str, float, float]:
        chance = self._chance
        if len(self._open) < TALKING:
            self._open.append((f"c{number}", chance.random(), chance.random(), TURNS))
        at = int(chance.random() * len(self._open))
        unit, place, curse, turns = self._open[at]
        if turns == 1:
            self._open[at] = self._open[-1]
            self._open.pop()
        else:
            self._open[at] = (unit, place, curse, turns - 1)
        return unit, place, curse
