import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest
from genai_prices import Usage as ListUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot

from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Price
from earthward.cost.exchange import cost
from earthward.cost.price_book import Override
from earthward.cost.prices import listed_price, prices_from
from earthward.cost.rates import own_price

DAY = date(2026, 1, 1)


def test_a_vendors_model_has_its_list_price() -> None:
    price = listed_price("gpt-4o-mini", vendor="openai", day=DAY)
    assert (price.input, price.output, price.cached) == (150_000, 600_000, 75_000)
    assert price.source.startswith("genai-prices ")
    assert price.source.endswith(": openai/gpt-4o-mini")


def test_a_dated_name_has_the_price_of_its_model() -> None:
    assert listed_price("gpt-4o-mini-2024-07-18", vendor="openai", day=DAY).input == 150_000


def test_a_vendor_is_also_found_by_the_address_of_its_api() -> None:
    assert listed_price("llama-3.3-70b-versatile", url="https://api.groq.com/openai/v1", day=DAY).output is not None


@pytest.mark.parametrize(
    ("model", "vendor", "url"),
    [
        ("no-such-model", "openai", None),
        ("gpt-4o-mini", "no-such-vendor", None),
        ("gpt-4o-mini", None, "http://gpu-1:8000/v1"),
        ("", "openai", None),
    ],
)
def test_what_is_not_listed_is_unknown_rather_than_free(model: str, vendor: str | None, url: str | None) -> None:
    assert listed_price(model, vendor=vendor, url=url, day=DAY) == Price()


def test_without_a_price_of_their_own_cached_tokens_cost_what_others_do() -> None:
    price = listed_price("gpt-4o-mini", vendor="openai", day=DAY)
    assert price.cache_written == price.input


def test_where_long_prompts_cost_more_all_rates_are_there_beside_the_price_of_a_short_one() -> None:
    price, rates = prices_from("gemini-2.5-pro", vendor="google", day=DAY)
    assert price.input == 1_250_000
    assert {rate.price.input for rate in rates if rate.above > 0} == {2_500_000}


def test_a_model_with_one_price_has_no_rates_beside_it() -> None:
    assert prices_from("gpt-4o-mini", vendor="openai", day=DAY)[1] == ()


def test_where_the_hour_matters_there_is_a_rate_for_each_part_of_the_day() -> None:
    _, rates = prices_from("deepseek-v4-pro", vendor="deepseek", day=DAY)
    assert {rate.begin for rate in rates} != {0}


def test_an_operators_discount_comes_off_every_rate() -> None:
    off = Override("gemini-2.5-*", discount=Decimal("0.1"))
    price, rates = prices_from("gemini-2.5-pro", vendor="google", overrides=[off], day=DAY)
    assert price.input == 1_125_000
    assert {rate.price.input for rate in rates} == {1_125_000, 2_250_000}


def test_a_price_that_changes_is_that_of_the_day() -> None:
    before = listed_price("gpt-5.6-sol", vendor="openai", day=date(2026, 8, 20))
    after = listed_price("gpt-5.6-sol", vendor="openai", day=date(2026, 8, 21))
    assert before.input != after.input


def test_a_price_for_each_request_is_part_of_it() -> None:
    assert listed_price("sonar", vendor="perplexity", day=DAY).request > 0


def test_our_cost_is_the_lists_own() -> None:
    """For every model of the vendors we know, at a short prompt with some of it cached."""
    compared = 0
    for vendor in ("openai", "anthropic", "google"):
        provider = next(provider for provider in get_snapshot().providers if provider.id == vendor)
        for model in provider.models:
            price = listed_price(model.id, vendor=vendor)
            if price.input is None or price.output is None:
                continue
            usage = Usage(Count.reported(1000), Count.reported(100), Count.reported(300), Count.reported(0))
            theirs = ListUsage(input_tokens=1000, output_tokens=100, cache_read_tokens=300)
            expected = calc_price(theirs, model.id, provider_id=vendor).total_price * 10**9
            found = cost(price, usage)
            assert found is not None
            assert abs(found - expected) <= 1, model.id
            compared += 1
    assert compared > 100


def test_an_operators_price_is_in_dollars_per_million() -> None:
    assert own_price(Decimal("0.15"), Decimal("0.60")) == Price(
        150_000, 600_000, 150_000, 150_000, source="configuration", written_for_an_hour=150_000
    )
    assert own_price(Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75")).cache_written == 3_750_000


def test_the_list_is_not_loaded_before_it_is_asked_for() -> None:
    code = "import sys, earthward.cost.prices; print('genai_prices' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_price_of_tomorrow_is_unknown_today_and_known_then() -> None:
    override = Override("acme", Decimal(1), Decimal(2), since=date(2026, 1, 2))
    price, rates = prices_from("acme", overrides=(override,), day=DAY)
    assert price.input is None
    assert [it.price.input for it in rates] == [1_000_000]
