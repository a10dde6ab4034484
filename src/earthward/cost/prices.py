"""What a target's tokens cost: from the configuration, else from the vendors' public prices.

The list comes with the package genai-prices, so nothing is fetched. It is only needed when a snapshot is compiled,
and importing it takes a quarter of a second, so it is imported there.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from earthward.config.snapshot import Price

PICO_PER_DOLLAR = 10**12
UNKNOWN = Price()


def own_price(
    input: Decimal, output: Decimal, cached: Decimal | None = None, cache_written: Decimal | None = None
) -> Price:
    """A price the operator has stated, in dollars per million tokens. Cached tokens without one cost what others do."""
    return Price(
        _per_token(input),
        _per_token(output),
        _per_token(input if cached is None else cached),
        _per_token(input if cache_written is None else cache_written),
        source="configuration",
    )


def listed_price(model: str, *, vendor: str | None = None, url: str | None = None, day: date | None = None) -> Price:
    """The vendor's public price on that day (by default, the day the list was loaded); all None if there is none.

    The vendor is found by its name in the list or by the URL of its API. Where a price depends on the length of the
    prompt, the hour or a service tier, it is the ordinary one for short prompts, and `source` says so.
    """
    from genai_prices.data_snapshot import get_snapshot

    prices = get_snapshot()
    try:
        provider, info = prices.find_provider_model(model, None, vendor, url)
    except LookupError:
        return UNKNOWN
    noon = datetime.combine(day or prices.timestamp.date(), time(12), tzinfo=UTC)
    listed = _ordinary(info, noon)
    full = _base(listed.input_mtok)
    source = f"genai-prices {version('genai-prices')}: {provider.id}/{info.id}"
    return Price(
        full,
        _base(listed.output_mtok),
        _first_known(_base(listed.cache_read_mtok), full),
        _first_known(_base(listed.cache_write_mtok), full),
        request=_per_thousand(_base_dollars(listed.requests_kcount)),
        source=source + "".join(f", {remark}" for remark in _remarks(info, listed)),
    )


def _ordinary(info: Any, at: datetime) -> Any:
    """The prices in force at that time, off-peak offers left aside."""
    if not isinstance(info.prices, list):
        return info.prices
    by_date = [offer for offer in info.prices if not hasattr(offer.constraint, "start_time")]
    in_force = [offer for offer in by_date if offer.constraint is None or offer.constraint.active(at)]
    return (in_force or by_date or info.prices)[-1 if in_force else 0].prices


def _remarks(info: Any, listed: Any) -> list[str]:
    remarks = []
    if any(hasattr(price, "tiers") for price in vars(listed).values()):
        remarks.append("base tier")
    if isinstance(info.prices, list) and any(hasattr(offer.constraint, "start_time") for offer in info.prices):
        remarks.append("other prices at some hours")
    return remarks


def _base(price: Any) -> int | None:
    dollars = _base_dollars(price)
    return None if dollars is None else _per_token(dollars)


def _base_dollars(price: Any) -> Decimal | None:
    dollars: Decimal | None = getattr(price, "base", price)
    return dollars


def _per_token(dollars_per_million: Decimal) -> int:
    return round(dollars_per_million * PICO_PER_DOLLAR / 1_000_000)


def _per_thousand(dollars: Decimal | None) -> int:
    return 0 if dollars is None else round(dollars * PICO_PER_DOLLAR / 1000)


def _first_known(*prices: int | None) -> int | None:
    return next((price for price in prices if price is not None), None)
