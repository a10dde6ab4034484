from decimal import Decimal
from typing import Any

from genai_prices.data import providers

from earthward.simulator.models import ANTHROPIC, OPENAI, Offer, house, nano_dollars

LISTED = {provider.id: {model.id: model for model in provider.models} for provider in providers}


def test_every_price_is_the_list_price():
    for model in (*OPENAI, *ANTHROPIC):
        prices: Any = LISTED[model.owner][model.name].prices
        listed = [prices.input_mtok, prices.output_mtok, prices.cache_read_mtok, prices.cache_write_mtok]
        ours = [model.input, model.output, model.cached, model.written]
        # Where a price has tiers, the first reaches as far as our context does.
        assert [getattr(price, "base", price) for price in listed] == [price and Decimal(price) for price in ours], (
            model.name
        )


def test_a_bill_is_exact_to_the_nano_dollar():
    mini = Offer().find("gpt-4o-mini")
    assert mini is not None
    # A million tokens at $0.15 and a million at $0.60.
    assert nano_dollars(mini, 1_000_000, 0, 1_000_000) == 750_000_000
    assert nano_dollars(mini, 10, 4, 3) == 6 * 150 + 4 * 75 + 3 * 600
    assert nano_dollars(house("llama"), 10, 0, 10) == 0


def test_a_model_is_found_by_its_own_vendor_and_one_of_the_house_by_all():
    offer = Offer()
    assert offer.find("gpt-4o", "anthropic") is offer.find("claude-haiku-4-5", "openai") is None
    assert offer.find("llama", "anthropic") is offer.find("llama", "openai") is not None


def test_input_stored_in_a_cache_has_its_own_price():
    haiku = Offer().find("claude-haiku-4-5")
    assert haiku is not None
    assert nano_dollars(haiku, 10, 4, 3, 2) == 4 * 1000 + 4 * 100 + 2 * 1250 + 3 * 5000


def test_a_model_is_found_under_its_dated_names_too():
    offer = Offer()
    assert offer.find("gpt-4o-2024-08-06") is offer.find("gpt-4o") is offer.find("gpt-4o-2024-05-13") is not None
    assert offer.find("claude-haiku-4-5-20251001") is offer.find("claude-haiku-4-5") is not None
    assert offer.find("gpt-4o-2024") is None
    assert offer.find("gpt-9") is None
