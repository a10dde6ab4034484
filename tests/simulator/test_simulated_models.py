from decimal import Decimal

from genai_prices.data import providers

from earthward.simulator.models import OPENAI, Offer, house, nano_dollars

(OPENAIS,) = [provider for provider in providers if provider.id == "openai"]


def test_every_price_is_the_list_price():
    listed = {model.id: model for model in OPENAIS.models}
    for model in OPENAI:
        prices = listed[model.name].prices
        assert (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok) == (
            Decimal(model.input),
            Decimal(model.output),
            Decimal(model.cached),
        ), model.name


def test_a_bill_is_exact_to_the_nano_dollar():
    mini = Offer().find("gpt-4o-mini")
    assert mini is not None
    # A million tokens at $0.15 and a million at $0.60.
    assert nano_dollars(mini, 1_000_000, 0, 1_000_000) == 750_000_000
    assert nano_dollars(mini, 10, 4, 3) == 6 * 150 + 4 * 75 + 3 * 600
    assert nano_dollars(house("llama"), 10, 0, 10) == 0


def test_a_model_is_found_under_its_dated_names_too():
    offer = Offer()
    assert offer.find("gpt-4o-2024-08-06") is offer.find("gpt-4o") is offer.find("gpt-4o-2024-05-13") is not None
    assert offer.find("gpt-4o-2024") is None
    assert offer.find("gpt-9") is None
