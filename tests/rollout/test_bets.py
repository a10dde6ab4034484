import itertools
import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.bets import FIRST, OTHER, SAFER, WORSE, Bets, Grid, odds, opened, put_in, settle

GRIDS = {"worse": WORSE, "safer": SAFER, "other": OTHER}
shares = st.integers(1, 9_999)


def fortune_after(grid: Grid, events: tuple[bool, ...], share: int, claim: float, enough: float) -> float:
    """With parts held back; at most `enough`, since who has that stops."""
    bets = opened(grid, FIRST)
    at = odds(grid, claim, share)
    assert at is not None
    for event in events:
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
    assert bets.is_won
    assert bets.fortune == before


@pytest.mark.parametrize("share", [0, 10_000])
def test_where_one_arm_has_all_an_event_tells_nothing(share):
    assert odds(WORSE, 1.0, share) is None


@pytest.mark.parametrize("share", [100, 500, 7500])
def test_a_ratio_gets_its_next_part_when_it_has_lost_enough_and_higher_ones_lose_sooner(share):
    bets, at = opened(WORSE, FIRST), odds(WORSE, 1.0, share)
    for _ in range(1000):
        settle(bets, at, False, 1e9)
    assert bets.parts == sorted(bets.parts)
    assert bets.parts[0] > 1
    assert bets.cash < 1 - FIRST


def test_whose_bets_gain_gets_no_part():
    bets, at = opened(WORSE, FIRST), odds(WORSE, 1.0, 500)
    for _ in range(50):
        settle(bets, at, True, 1e300)
    assert bets.parts == [1, 1, 1, 1]
    assert bets.cash == pytest.approx(1 - FIRST)


def test_all_parts_together_are_no_more_than_was_held_back_and_moving_them_gains_nothing():
    bets = opened(WORSE, FIRST)
    for _ in range(20_000):
        put_in(bets, (0.1,) * 4, WORSE)
    assert bets.parts == [20_001] * 4
    assert 0 <= bets.cash < 1 - FIRST
    assert bets.fortune == pytest.approx(1.0)


def test_a_state_of_before_there_were_parts_is_read_and_goes_on():
    old = {"stakes": [0.35, 0.14, 0.105, 0.105], "cash": 0.01, "starts": 40, "is_won": False}
    bets, at = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=Bets), odds(WORSE, 1.0, 500)
    for _ in range(2000):
        settle(bets, at, False, 20.0)
    assert bets.cash >= 0
    assert len(bets.parts) == 4


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
            settle(bets, odds(WORSE, 1.0, share), chance.random() < share / 10_000, 20.0)
        reached += bets.is_won
    assert reached / 1000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_bets_are_written_and_read_back_to_the_last_bit():
    bets = opened(WORSE, FIRST)
    for event in (True, False, False, True):
        settle(bets, odds(WORSE, 1.0, 777), event, 1e9)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(bets), type=Bets) == bets


@given(st.lists(st.booleans(), max_size=60), st.sampled_from([100, 500, 7500]), st.sampled_from([1.5, 20.0, 1e9]))
def test_a_bet_is_settled_as_the_book_says(events, share, enough):
    """Each stake is multiplied by its odds; what one outcome would win beyond `enough` goes to the other."""
    bets, at = opened(SAFER), odds(SAFER, 2.0, share)
    stakes = list(bets.stakes)
    for is_candidate in events:
        came, other = (at.on_candidate, at.on_baseline)[:: 1 if is_candidate else -1]
        chance = at.theta if is_candidate else 1 - at.theta
        after, missed = (sum(s * f for s, f in zip(stakes, factors, strict=True)) for factors in (came, other))
        stakes = [s * f for s, f in zip(stakes, came, strict=True)]
        if after >= enough:
            assert settle(bets, at, is_candidate, enough)
            assert bets.fortune == pytest.approx(enough)
            return
        given_away = max(0.0, missed - enough) * (1 - chance) / chance
        stakes = [s * (1 + given_away / sum(stakes)) for s in stakes]
        assert not settle(bets, at, is_candidate, enough)
        assert bets.stakes == pytest.approx(stakes)
