import itertools
import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.bets import FIRST, OTHER, SAFER, WORSE, Bets, Grid, begin_again, odds, opened, settle

GRIDS = {"worse": WORSE, "safer": SAFER, "other": OTHER}
shares = st.integers(1, 9_999)


def fortune_after(grid: Grid, events: tuple[bool, ...], share: int, claim: float, enough: float) -> float:
    """With a changepoint after the third event; at most `enough`, since who has that stops."""
    bets = opened(grid, FIRST)
    at = odds(grid, claim, share)
    assert at is not None
    for number, event in enumerate(events):
        if number == 3:
            begin_again(bets, grid)
        settle(bets, at, event, enough)
    return bets.fortune


def expected_fortune(grid: Grid, share: int, claim: float, truth: float, enough: float, length: int = 7) -> float:
    """Over all sequences of events, where the candidate really fails `truth` times as often."""
    theta = share * truth / (share * truth + 10_000 - share)
    total = 0.0
    for events in itertools.product((False, True), repeat=length):
        chance = math.prod(theta if event else 1 - theta for event in events)
        total += chance * fortune_after(grid, events, share, claim, enough)
    return total


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("share", [100, 500, 2500, 7500, 9800])
@pytest.mark.parametrize("enough", [3.0, 20.0, 1000.0])
def test_a_true_claim_makes_a_game_in_which_nothing_is_gained(grid, share, enough):
    assert expected_fortune(grid, share, 1.0, 1.0, enough) <= 1 + 1e-9


@pytest.mark.parametrize("truth", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("share", [500, 5000, 9800])
def test_a_candidate_better_than_claimed_gains_even_less_against_worse(truth, share):
    assert expected_fortune(WORSE, share, 1.0, truth, 5.0) <= expected_fortune(WORSE, share, 1.0, 1.0, 5.0) + 1e-9


@pytest.mark.parametrize("truth", [2.5, 4.0, 20.0])
@pytest.mark.parametrize("share", [500, 5000, 9800])
def test_a_candidate_worse_than_claimed_gains_even_less_against_good_enough(truth, share):
    assert expected_fortune(SAFER, share, 2.0, truth, 5.0) <= 1 + 1e-9


def test_nothing_is_won_that_is_of_no_use():
    """What would go beyond 1/α is given to the other outcome, at the claim's odds: the game stays exactly fair."""
    bets = opened(WORSE)
    bets.stakes = [4.0 * weight for weight in WORSE.weights]
    at = odds(WORSE, 1.0, 500)
    won, lost = msgspec.json.decode(msgspec.json.encode(bets), type=Bets), bets
    assert settle(won, at, True, 5.0)
    assert not settle(lost, at, False, 5.0)
    plain = sum(4.0 * weight * factor for weight, factor in zip(WORSE.weights, at.on_baseline, strict=True))
    assert lost.fortune > plain
    assert 0.05 * 5.0 + 0.95 * lost.fortune == pytest.approx(4.0)


def test_events_of_the_candidate_speak_against_it_and_those_of_the_baseline_for_it():
    at = odds(WORSE, 1.0, 500)
    up, down = opened(WORSE), opened(WORSE)
    settle(up, at, True, 1e9)
    settle(down, at, False, 1e9)
    assert down.fortune < 1 < up.fortune


def test_who_has_reached_enough_stops_betting():
    bets, at = opened(WORSE), odds(WORSE, 1.0, 500)
    assert [settle(bets, at, True, 20.0) for _ in range(6)].count(True) == 1
    before = bets.fortune
    assert not settle(bets, at, False, 20.0)
    begin_again(bets, WORSE)
    assert bets.is_won
    assert bets.fortune == before


@pytest.mark.parametrize("share", [0, 10_000])
def test_where_one_arm_has_all_an_event_tells_nothing(share):
    assert odds(WORSE, 1.0, share) is None


def test_all_changepoints_together_put_in_no_more_than_was_held_back():
    bets = opened(WORSE, FIRST)
    for _ in range(20_000):
        begin_again(bets, WORSE)
    assert bets.cash >= 0
    assert bets.fortune == pytest.approx(1.0)


@given(shares, st.floats(1.0, 10.0))
def test_odds_are_fair_at_the_claim(share, claim):
    at = odds(WORSE, claim, share)
    assert at is not None
    for on_candidate, on_baseline in zip(at.on_candidate, at.on_baseline, strict=True):
        assert at.theta * on_candidate + (1 - at.theta) * on_baseline == pytest.approx(1.0)


def test_the_chance_of_ever_reaching_enough_is_at_most_alpha_while_the_share_is_raised():
    """A thousand true claims of 400 events each, the share going from 5 to 25 to 75 %."""
    chance = random.Random(5)
    reached = 0
    for _ in range(1000):
        bets = opened(WORSE, FIRST)
        for number in range(400):
            share = (500, 2500, 7500)[number * 3 // 400]
            if number % 50 == 49:
                begin_again(bets, WORSE)
            settle(bets, odds(WORSE, 1.0, share), chance.random() < share / 10_000, 20.0)
        reached += bets.is_won
    assert reached / 1000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_bets_are_written_and_read_back_to_the_last_bit():
    bets = opened(WORSE, FIRST)
    for event in (True, False, False, True):
        settle(bets, odds(WORSE, 1.0, 777), event, 1e9)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(bets), type=Bets) == bets
