"""Which of a model's rates a request has, and prices as an operator states them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from earthward.config.snapshot import Price, Rate

PICO_PER_DOLLAR = 10**12


def rate_for(rates: Iterable[Rate], at: datetime, input_tokens: int, *, batch: bool = False) -> Rate | None:
    """The one that holds for a request with so many input tokens at that time."""
    at = at.astimezone(UTC)
    minute = at.hour * 60 + at.minute
    return next((it for it in rates if it.batch == batch and _holds(it, at.date(), minute, input_tokens)), None)


def _holds(rate: Rate, day: date, minute: int, tokens: int) -> bool:
    return (
        (rate.since is None or rate.since <= day)
        and (rate.until is None or day < rate.until)
        and rate.above < tokens
        and (rate.up_to is None or tokens <= rate.up_to)
        and rate.begin <= minute < rate.end
    )


def own_price(
    input: Decimal, output: Decimal, cached: Decimal | None = None, cache_written: Decimal | None = None
) -> Price:
    """A price the operator has stated, in dollars per million tokens. Cached tokens without one cost what others do."""
    written = _per_token(input if cache_written is None else cache_written)
    return Price(
        _per_token(input),
        _per_token(output),
        _per_token(input if cached is None else cached),
        written,
        source="configuration",
        written_for_an_hour=written,
    )


def _per_token(dollars_per_million: Decimal) -> int:
    return round(dollars_per_million * PICO_PER_DOLLAR / 1_000_000)
