from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.config.snapshot import Rate
from earthward.cost.price_book import Override, listed, rates_of, search
from earthward.cost.rates import rate_for

D = Decimal
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ALL = search("")


def price(rates: tuple[Rate, ...], at: datetime = NOON, tokens: int = 0, *, batch: bool = False) -> int | None:
    found = rate_for(rates, at, tokens, batch=batch)
    return found.price.input if found else None


def rates(model: str, *overrides: Override) -> tuple[Rate, ...]:
    found = rates_of(model, overrides)
    return found.rates if found else ()


def test_a_long_prompt_has_the_price_of_its_tier_from_the_first_token_past_it() -> None:
    found = rates("claude-sonnet-4-5")
    assert price(found, tokens=200_000) == 3_000_000
    assert price(found, tokens=200_001) == 6_000_000


def test_a_batch_has_its_own_price() -> None:
    assert price(rates("gpt-4o-mini"), batch=True) == 75_000


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALL), st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)), st.integers(0, 2_000_000))
def test_no_two_rates_of_a_model_hold_at_once(it: object, at: datetime, tokens: int) -> None:
    at = at.replace(tzinfo=UTC)
    for rate in it.rates:  # type: ignore[attr-defined]
        others = [other for other in it.rates if other is not rate]  # type: ignore[attr-defined]
        if rate_for([rate], at, tokens, batch=rate.batch):
            assert rate_for(others, at, tokens, batch=rate.batch) is None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro", "deepseek/deepseek-v4-pro"]
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.integers(0, 500_000),
)
def test_a_rate_is_what_the_public_list_asks_of_that_request(name: str, at: datetime, tokens: int) -> None:
    from genai_prices import Usage

    vendor, _, model = name.partition("/")
    at = at.replace(tzinfo=UTC)
    snapshot = get_snapshot()
    asked = snapshot.calc(Usage(input_tokens=tokens, output_tokens=0), model, vendor, None, at).total_price
    rate = rate_for(rates(name), at, tokens)
    assert rate is not None
    assert rate.price.input is not None
    assert D(rate.price.input) * tokens / 10**12 == asked


def test_an_override_holds_from_its_day_on() -> None:
    found = rates("gpt-4o-mini", Override("gpt-4o*", input=D(1), output=D(2), since=date(2026, 11, 1)))
    assert price(found, datetime(2026, 10, 31, 23, 59, tzinfo=UTC)) == 150_000
    assert price(found, datetime(2026, 11, 1, tzinfo=UTC)) == 1_000_000


def test_a_day_begins_in_utc() -> None:
    found = rates("gpt-4o-mini", Override("gpt-4o*", input=D(1), output=D(2), since=date(2026, 11, 1)))
    in_berlin = datetime(2026, 11, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert price(found, in_berlin) == 150_000


def test_later_overrides_replace_earlier_ones() -> None:
    first = Override("gpt-4o-mini", input=D(1), output=D(1), since=date(2026, 1, 1))
    second = Override("gpt-4o-mini", input=D(2), output=D(2), since=date(2026, 6, 1))
    found = rates("gpt-4o-mini", second, first)
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 6)]
    assert [price(found, at) for at in moments] == [1_000_000, 2_000_000]


def test_a_discount_is_taken_off_every_list_price() -> None:
    found = rates("claude-sonnet-4-5", Override("claude-*", discount=D("0.1")))
    assert price(found, tokens=1) == 2_700_000
    assert price(found, tokens=300_000) == 5_400_000
    assert price(found, batch=True) == 1_350_000


def test_a_model_of_ones_own_has_the_price_that_was_stated() -> None:
    assert price(rates("acme-7b", Override("acme-*", input=D("0.2"), output=D(1)))) == 200_000
    assert rates_of("acme-7b") is None


@pytest.mark.parametrize(
    "name", ["azure/gpt-4o", "openai/gpt-4o", "vertex_ai/gemini-2.0-flash", "text-embedding-3-small"]
)
def test_names_with_a_vendor_before_them_are_known(name: str) -> None:
    assert listed(name) is not None


def test_a_local_model_has_no_list_price() -> None:
    assert listed("llama3.1:8b") is None


@pytest.mark.parametrize("since", [None, date(2025, 1, 1)])
def test_of_two_overrides_of_a_day_that_stated_last_holds_alone(since: date | None) -> None:
    wide = Override("gpt-4o*", Decimal(1), Decimal(2), since=since)
    found = rates("gpt-4o", wide, Override("gpt-4o", Decimal(3), Decimal(4), since=since))
    assert [it.price.input for it in found if it.until is None and not it.batch] == [3_000_000]
