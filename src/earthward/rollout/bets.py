"""Bets on which arm the next bad event comes from: an e-process, valid however often one looks at it.

Given that a bad event happened, and that the candidate had a share π of the requests, it is the candidate's with
probability θ(ρ) = πρ / (πρ + 1 - π), where ρ is how many times more often the candidate fails. That needs no known
failure rate, and stays true while rates drift, outages come and π is raised. A fortune of 1 is bet against the claim
"ρ is ρ₀" by likelihood ratios; if the claim is true, the chance of ever reaching 1/α is at most α (Ville).

Three things are added to the plain mixture:

- A part of the fortune is held back and put in later, so that a candidate that was good for long and then breaks does
  not first have to work off what has been lost. Each ratio gets its next part when a bet on it has lost so much since
  the last one: likelihood ratios from low points, as a CUSUM begins at the lowest. That fits every share and every rate
  of bad events. The parts fall like j^-1.2.
- What an event would win beyond 1/α is of no use, so it is given to the other outcome, at the odds of the claim
  (Fischer and Ramdas, Improving Wald's sequential test by avoiding overshoot, 2024). The claim stays a fair game.
- Who has reached 1/α stops betting.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import NamedTuple

import msgspec

from earthward.rollout.event import WHOLE

FIRST = 0.7
"""The part of the fortune that is bet from the beginning."""

LOST = 0.3
"""What is left of a bet when its ratio gets the next part."""

_FALL = 1.2
_REST = 4.591582
"""The sum of j^-1.2 over all j from 2."""


class Grid(NamedTuple):
    """Ratios to bet on, as multiples of the claim's, and the part of the fortune on each."""

    ratios: tuple[float, ...]
    weights: tuple[float, ...]


WORSE = Grid((2.0, 4.0, 10.0, 25.0), (0.5, 0.2, 0.15, 0.15))
SAFER = Grid((0.3, 0.55), (1 / 3, 2 / 3))
RARE = Grid((0.1, 0.4), (0.5, 0.5))
OTHER = Grid((0.5, 0.8, 1.25, 2.0), (0.25, 0.25, 0.25, 0.25))


class Bets(msgspec.Struct):
    """`stakes` is what now lies on each ratio, `cash` what is held back. `left` is what is left of a bet of 1 on each
    since it last got a part, `parts` how many it has had; empty before the first event.
    """

    stakes: list[float]
    cash: float = 0.0
    is_won: bool = False
    left: list[float] = []
    parts: list[int] = []

    @property
    def fortune(self) -> float:
        """The e-value."""
        return sum(self.stakes) + self.cash


class Odds(NamedTuple):
    """What a stake on each ratio is multiplied by, for either outcome; `theta` is the claim's chance of a candidate."""

    grid: Grid
    theta: float
    on_candidate: tuple[float, ...]
    on_baseline: tuple[float, ...]
    longest_step: float


def opened(grid: Grid, first: float = 1.0, whole: float = 1.0) -> Bets:
    """Before the first event, with a fortune of `whole`. What is not bet at first is put in later."""
    return Bets([whole * first * weight for weight in grid.weights], whole * (1.0 - first))


def due_part(number: int, first: float = FIRST) -> float:
    """How much of the fortune the part of this number is, from 2; all of them together are what was held back."""
    return float((1.0 - first) * number**-_FALL / _REST)


def put_in(bets: Bets, factors: Sequence[float], grid: Grid, first: float = FIRST) -> None:
    """After an event that multiplied stakes by `factors`: puts in what is now due of what is held back."""
    if not bets.left:
        bets.left, bets.parts = [1.0] * len(factors), [1] * len(factors)
    for place, factor in enumerate(factors):
        left = bets.left[place] * factor
        if left <= LOST:
            left = 1.0
            bets.parts[place] += 1
            part = min(bets.cash, grid.weights[place] * due_part(bets.parts[place], first))
            bets.cash -= part
            bets.stakes[place] += part
        bets.left[place] = left


def settle(bets: Bets, odds: Odds, is_candidate: bool, enough: float) -> bool:
    """Takes in one bad event; whether the fortune has now reached `enough`, which is 1/α, for the first time."""
    if bets.is_won:
        return False
    came, other = odds.on_candidate, odds.on_baseline
    chance_of_other = 1.0 - odds.theta
    if not is_candidate:
        came, other, chance_of_other = other, came, odds.theta
    before, cash = bets.stakes, bets.cash
    stakes = list(map(mul, before, came))
    if (sum(before) + cash) * odds.longest_step >= enough:
        fortune = sum(stakes) + cash
        if fortune >= enough:
            # What was beyond was given away, so it is not shown either.
            bets.stakes, bets.is_won = [stake * (enough - cash) / (fortune - cash) for stake in stakes], True
            return True
        # Never enough to win by itself: at the claim's odds, both outcomes together are worth today's fortune.
        stakes = _without_overshoot(bets, stakes, other, chance_of_other, enough)
    bets.stakes = stakes
    if cash > 0.0:
        put_in(bets, came, odds.grid)
    return False


def _without_overshoot(
    bets: Bets, stakes: list[float], other: tuple[float, ...], chance_of_other: float, enough: float
) -> list[float]:
    """The stakes, with what the outcome that did not come would have won beyond `enough`."""
    beyond = sum(stake * factor for stake, factor in zip(bets.stakes, other, strict=True)) + bets.cash - enough
    total = sum(stakes)
    if beyond <= 0.0 or total <= 0.0:
        return stakes
    raised = 1.0 + beyond * chance_of_other / (1.0 - chance_of_other) / total
    return [stake * raised for stake in stakes]


@lru_cache(maxsize=4096)
def odds(grid: Grid, claim: float, share: int) -> Odds | None:
    """Of a claim ρ = `claim` at this share, in 1/10,000; None where one arm has it all, and an event tells nothing."""
    if not 0 < share < WHOLE:
        return None
    theta = _theta(claim, share)
    bet = [_theta(claim * ratio, share) for ratio in grid.ratios]
    on_candidate = tuple(it / theta for it in bet)
    on_baseline = tuple((1.0 - it) / (1.0 - theta) for it in bet)
    return Odds(grid, theta, on_candidate, on_baseline, max(*on_candidate, *on_baseline))


def _theta(ratio: float, share: int) -> float:
    return share * ratio / (share * ratio + WHOLE - share)
