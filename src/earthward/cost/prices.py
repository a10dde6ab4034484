"""What a target's tokens cost: the operator's own prices, else the vendor's public ones, as they are on a day.

The list comes with the package genai-prices, so nothing is fetched. It is only needed when a snapshot is compiled,
and importing it takes a quarter of a second, so it is imported there.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from earthward.config.snapshot import Price, Rate
from earthward.cost.price_book import Override, list_day, rates_at
from earthward.cost.rates import rate_for

UNKNOWN = Price()


def prices_from(
    model: str,
    *,
    vendor: str | None = None,
    url: str | None = None,
    overrides: Sequence[Override] = (),
    day: date | None = None,
) -> tuple[Price, tuple[Rate, ...]]:
    """The price of a short prompt at noon of that day, by default the day the list was loaded, and all rates that hold
    from that day on where there is more than one, or none holds yet. Unknown, and none, where nothing is known.

    The vendor is found by its name in the list or by the URL of its API.
    """
    day = day or list_day()
    found = rates_at(model, overrides, vendor=vendor, url=url)
    rates = tuple(it for it in found.rates if not it.batch and (it.until is None or it.until > day)) if found else ()
    rate = rate_for(rates, datetime.combine(day, time(12), tzinfo=UTC), 0)
    return rate.price if rate else UNKNOWN, rates if len(rates) > 1 or rate is None else ()


def listed_price(model: str, *, vendor: str | None = None, url: str | None = None, day: date | None = None) -> Price:
    """The vendor's public price for a short prompt on that day; all None if there is none."""
    return prices_from(model, vendor=vendor, url=url, day=day)[0]
