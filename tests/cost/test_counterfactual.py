from fractions import Fraction

from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Price, Rate
from earthward.cost.counterfactual import LEAST_REQUESTS, Habits, counterfactual, habits

RATES = (Rate(Price(1_000_000, 2_000_000, 100_000, 1_000_000)),)
LOCAL = Usage(Count.reported(100), Count.reported(10))
AT = 1_762_500_000_000_000_000


def test_without_habits_the_local_count_stands_in() -> None:
    assert counterfactual(RATES, AT, LOCAL, 0, 0, Habits()) == 100 * 1000 + 10 * 2000


def test_the_clouds_tokens_are_estimated_from_characters() -> None:
    of = Habits(Fraction(1, 4), Fraction(1, 5))
    assert counterfactual(RATES, AT, LOCAL, 1000, 100, of) == 250 * 1000 + 20 * 2000


def test_the_share_it_reads_from_its_cache_is_kept() -> None:
    of = Habits(Fraction(1, 4), Fraction(1, 5), Fraction(1, 2))
    assert counterfactual(RATES, AT, LOCAL, 1000, 100, of) == 125 * 1000 + 125 * 100 + 20 * 2000


def test_unknown_counts_or_no_price_make_it_unknown() -> None:
    assert counterfactual(RATES, AT, Usage(), 0, 0, Habits()) is None
    assert counterfactual((), AT, LOCAL, 0, 0, Habits()) is None


def test_a_long_prompt_would_have_had_the_price_of_its_tier() -> None:
    tiers = (Rate(Price(1_000_000, 0, 0, 0), up_to=99), Rate(Price(5_000_000, 0, 0, 0), above=99))
    assert counterfactual(tiers, AT, LOCAL, 0, 0, Habits()) == 100 * 5000


def test_too_few_answers_are_no_habit() -> None:
    assert habits(LEAST_REQUESTS - 1, 10, 10, 1, 40, 40) == Habits()
    assert habits(LEAST_REQUESTS, 10, 10, 5, 40, 20) == Habits(Fraction(1, 4), Fraction(1, 2), Fraction(1, 2))
    assert habits(LEAST_REQUESTS, 10, 10, 5, 0, 0) == Habits(None, None, Fraction(1, 2))
