from datetime import date
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.chat.usage import UNKNOWN, Count, Usage
from earthward.config.snapshot import Price, Target
from earthward.cost.exchange import cost, cost_at
from earthward.cost.prices import listed_price, prices_from

# gpt-4o-mini: $0.15 in, $0.60 out, $0.075 cached, per million tokens.
MINI = Price(150_000, 600_000, 75_000, 150_000)
SONNET = Price(3_000_000, 15_000_000, 300_000, 3_750_000)
FREE = Price(0, 0, 0, 0)


def used(input: int | None = None, output: int | None = None, cached: int | None = 0, written: int | None = 0) -> Usage:
    counts = (UNKNOWN if tokens is None else Count.reported(tokens) for tokens in (input, output, cached, written))
    return Usage(*counts)


def test_a_million_tokens_cost_the_list_price() -> None:
    assert cost(MINI, used(1_000_000, 0)) == 150_000_000
    assert cost(MINI, used(0, 1_000_000)) == 600_000_000


def test_cached_tokens_are_part_of_the_input_at_their_own_price() -> None:
    assert cost(MINI, used(1000, 0, cached=400)) == 600 * 150 + 400 * 75


def test_tokens_written_to_a_cache_may_cost_more_than_others() -> None:
    assert cost(SONNET, used(1000, 100, cached=300, written=200)) == 500 * 3000 + 300 * 300 + 200 * 3750 + 100 * 15_000


def test_a_single_token_is_rounded_to_the_nearest_nano_dollar() -> None:
    assert cost(Price(499, 0, 499, 499), used(1, 0)) == 0
    assert cost(Price(500, 0, 500, 500), used(1, 0)) == 1
    assert cost(Price(1, 0, 1, 1), used(1_000_000, 0)) == 1000


def test_a_price_for_each_request_is_added() -> None:
    assert cost(Price(0, 0, 0, 0, request=5_000_000_000), used(1, 1)) == 5_000_000


@pytest.mark.parametrize("usage", [Usage(), used(None, 10), used(10, None)])
def test_an_unknown_count_makes_an_unknown_cost_and_never_none_at_all(usage: Usage) -> None:
    assert cost(MINI, usage) is None


def test_an_unknown_number_of_cached_tokens_matters_where_they_cost_less() -> None:
    assert cost(MINI, used(1000, 10, cached=None)) is None
    assert cost(Price(150_000, 600_000, 150_000, 150_000), used(1000, 10, cached=None, written=None)) == 156_000


@pytest.mark.parametrize("price", [Price(), Price(input=1), Price(output=1)])
def test_an_unknown_price_makes_an_unknown_cost(price: Price) -> None:
    assert cost(price, used(10, 10)) is None


def test_an_unknown_price_for_what_was_not_used_is_no_matter() -> None:
    assert cost(Price(20_000, None, 20_000, 20_000), used(1000, 0)) == 20_000


def test_what_is_free_costs_nothing_even_when_nothing_was_counted() -> None:
    assert cost(FREE, Usage()) == 0
    assert cost(FREE, used(10, 10)) == 0


def test_an_estimate_is_priced_like_a_count() -> None:
    counts = (Count.estimated(1000), Count.estimated(10), Count.reported(0), Count.reported(0))
    assert cost(MINI, Usage(*counts)) == 156_000


def test_where_the_input_is_an_estimate_unknown_parts_of_it_count_as_none() -> None:
    broken_off = Usage(Count.estimated(1000), Count.estimated(10))
    assert cost(SONNET, broken_off) == 1000 * 3000 + 10 * 15_000
    told_of_cache = Usage(Count.estimated(1000), Count.estimated(10), Count.reported(400))
    assert cost(SONNET, told_of_cache) == 600 * 3000 + 400 * 300 + 10 * 15_000


def test_where_the_input_is_reported_an_estimate_of_the_output_makes_no_unknown_part_known() -> None:
    assert cost(SONNET, Usage(Count.reported(1000), Count.estimated(10))) is None
    assert cost(SONNET, Usage(Count.reported(1000), Count.estimated(10), Count.reported(0))) is None


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_sums_are_exact(input: int, output: int, cached: int, written: int) -> None:
    """Against the same sum in fractions of a dollar."""
    parts = (input, 3), (cached, Fraction(3, 10)), (written, Fraction(15, 4)), (output, 15)
    dollars = sum(tokens * price for tokens, price in parts) / Fraction(1_000_000)
    found = cost(SONNET, used(input + cached + written, output, cached, written))
    assert found is not None
    assert abs(found - dollars * 10**9) <= Fraction(1, 2)


def test_what_is_written_for_an_hour_has_a_price_of_its_own() -> None:
    price = listed_price("claude-sonnet-4-5", vendor="anthropic", day=date(2026, 1, 1))
    usage = msgspec.structs.replace(used(1000, 0, written=600), written_for_an_hour=200)
    assert cost(price, usage) == (400 * 3_000 + 400 * 3_750 + 200 * 6_000)
    unknown = msgspec.structs.replace(price, written_for_an_hour=None)
    assert cost(unknown, usage) is None


def test_a_long_prompt_costs_what_its_tier_asks_and_a_short_one_does_not() -> None:
    price, rates = prices_from("gemini-2.5-pro", vendor="google", day=date(2026, 1, 1))
    target = Target("t", "p", "gemini-2.5-pro", "cloud", price=price, rates=rates)
    at = 1_767_268_800 * 10**9
    assert cost_at(target, used(200_000, 0), at) == 200_000 * 1_250
    assert cost_at(target, used(200_001, 0), at) == 200_001 * 2_500
