"""Bets on how answers compare, pair by pair: an e-process for the mean of scores between 0 and 1.

Against the claim "the mean is at most m" a fortune is multiplied by 1 + λ(s - m) at each score s, against "at least m"
by 1 - λ(s - m), for several λ at once (Waudby-Smith and Ramdas, JRSS-B 2024, with a fixed grid). Nothing is assumed of
how scores spread, and ties are scores of ½.
"""

from earthward.rollout.bets import Bets, Grid, put_in

STEPS = Grid((0.12, 0.3, 0.9), (0.06, 0.6, 0.34))
"""`ratios` are the λ here."""

FIRST = 0.9
"""The part of the fortune that is bet from the beginning, where a later change matters."""


def settle_score(bets: Bets, score: float, mean: float, sign: int, enough: float) -> bool:
    """Takes in one score; whether the fortune has now reached `enough` for the first time.

    `sign` is 1 to bet that the mean is above `mean`, -1 to bet that it is below.
    """
    if bets.is_won:
        return False
    gain = sign * (score - mean)
    factors = [1.0 + step * gain for step in STEPS.ratios]
    bets.stakes = [stake * factor for stake, factor in zip(bets.stakes, factors, strict=True)]
    bets.is_won = bets.fortune >= enough
    if bets.cash > 0.0 and not bets.is_won:
        put_in(bets, factors, STEPS, FIRST)
    return bets.is_won
