"""All that is known of a model's prices: by day, by length of the prompt, by hour, in a batch or not; the operator's
own words first. Each `Rate` is a row, so that a database can price ten million requests without a call for each.

No two rates of a model hold for the same request. What no rate holds for has no known price, and so no known cost.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from earthward.config.snapshot import DAY_MINUTES, Price, Rate
from earthward.cost.rates import own_price

PICO_PER_DOLLAR_A_MILLION = 1_000_000

ALIASES = {"vertex_ai": "google", "gemini": "google", "bedrock": "aws", "azure_ai": "azure", "vertex": "google"}
"""What others call a vendor of the list."""
FIRST_VENDORS = ("openai", "anthropic", "google")
"""Asked by name where a model's own name does not tell whose it is."""


class Override(msgspec.Struct, frozen=True):
    """A price the operator has stated, in dollars per million tokens; `model` may have wildcards. `discount` is the
    share taken off the list price instead of prices (0.15 is 15 %)."""

    model: str
    input: Decimal | None = None
    output: Decimal | None = None
    cached: Decimal | None = None
    cache_written: Decimal | None = None
    batch_input: Decimal | None = None
    batch_output: Decimal | None = None
    discount: Decimal | None = None
    since: date | None = None


class Listed(msgspec.Struct, frozen=True):
    """A model of the list; `vendor` as the list names it."""

    vendor: str
    model: str
    rates: tuple[Rate, ...]
    context: int | None = None


def rates_of(model: str, overrides: Sequence[Override] = (), vendor: str | None = None) -> Listed | None:
    """What is known of a model by that name; None if nothing is. Names such as `azure/gpt-4o` carry their vendor."""
    return _own_first(listed(model, vendor), model, overrides)


def rates_at(
    model: str, overrides: Sequence[Override] = (), *, vendor: str | None = None, url: str | None = None
) -> Listed | None:
    """`rates_of`, but of that vendor, or of whose API is at that URL, and of no other."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        found = _listed(*get_snapshot().find_provider_model(model, None, vendor, url))
    except LookupError:
        found = None
    return _own_first(found, model, overrides)


def list_day() -> date:
    """Of which day the public list is."""
    from genai_prices.data_snapshot import get_snapshot

    day: date = get_snapshot().timestamp.date()
    return day


def _own_first(found: Listed | None, model: str, overrides: Sequence[Override]) -> Listed | None:
    own = sorted((it for it in overrides if fnmatchcase(model, it.model)), key=_since)
    if not own:
        return found
    rates = tuple(_with_overrides(found.rates if found else (), own))
    return Listed(found.vendor if found else "configuration", found.model if found else model, rates)


def _since(override: Override) -> date:
    return override.since or date.min


def _with_overrides(rates: Sequence[Rate], own: Sequence[Override]) -> Iterator[Rate]:
    first = own[0].since
    yield from _until(rates, first) if first else ()
    # Of two from the same day on, as of two without one, that stated last holds.
    own = list({_since(it): it for it in own}.values())
    ends = [it.since for it in own[1:]] + [None]
    for override, end in zip(own, ends, strict=True):
        yield from _stated(override, rates, end)


def _until(rates: Iterable[Rate], end: date) -> Iterator[Rate]:
    for rate in rates:
        if rate.since is None or rate.since < end:
            yield msgspec.structs.replace(rate, until=min(rate.until or end, end))


def _stated(override: Override, rates: Sequence[Rate], end: date | None) -> Iterator[Rate]:
    if override.discount is not None:
        yield from _discounted(override, rates, end)
        return
    into, out = override.input, override.output
    if into is not None and out is not None:
        price = own_price(into, out, override.cached, override.cache_written)
        yield Rate(price, since=override.since, until=end)
    if override.batch_input is not None and override.batch_output is not None:
        price = own_price(override.batch_input, override.batch_output)
        yield Rate(price, batch=True, since=override.since, until=end)


def _discounted(override: Override, rates: Sequence[Rate], end: date | None) -> Iterator[Rate]:
    kept = 1 - (override.discount or Decimal(0))
    for rate in _until(rates, end) if end else rates:
        since = max(rate.since or date.min, override.since or date.min)
        if rate.until is None or since < rate.until:
            yield msgspec.structs.replace(
                rate, price=_times(rate.price, kept), since=None if since == date.min else since
            )


def _times(price: Price, kept: Decimal) -> Price:
    names = ("input", "output", "cached", "cache_written", "written_for_an_hour")
    parts = {name: None if (it := getattr(price, name)) is None else round(it * kept) for name in names}
    return msgspec.structs.replace(price, **parts, source=f"{price.source}, discounted by configuration")


# ── the public list ──


def listed(model: str, vendor: str | None = None) -> Listed | None:
    """A model of the public list, by its name, its dated name, or `vendor/name`."""
    from genai_prices.data_snapshot import get_snapshot

    prices = get_snapshot()
    for name, whose in _tries(model, vendor):
        try:
            provider, info = prices.find_provider_model(name, None, whose, None)
        except LookupError:
            continue
        return _listed(provider, info)
    return None


def _tries(model: str, vendor: str | None) -> Iterator[tuple[str, str | None]]:
    vendor = ALIASES.get(vendor, vendor) if vendor else None
    before, slash, behind = model.partition("/")
    if vendor:
        yield model, vendor
    if slash:
        yield behind, ALIASES.get(before, before)
    for name in (model, behind) if slash else (model,):
        yield name, None
        for whose in FIRST_VENDORS:
            yield name, whose


def search(words: str) -> list[Listed]:
    """Models of which the name or the vendor has all these words in it."""
    from genai_prices.data_snapshot import get_snapshot

    wanted = words.lower().split()
    return [
        _listed(provider, info)
        for provider in get_snapshot().providers
        for info in provider.models
        if all(word in f"{provider.id} {info.id} {info.name or ''}".lower() for word in wanted)
    ]


def _listed(provider: Any, info: Any) -> Listed:
    from importlib.metadata import version

    source = f"genai-prices {version('genai-prices')}: {provider.id}/{info.id}"
    return Listed(provider.id, info.id, tuple(_rates(info, source)), info.context_window)


def _rates(info: Any, source: str) -> Iterator[Rate]:
    offers = info.prices if isinstance(info.prices, list) else [_Always(info.prices)]
    windows = [window for offer in offers for window in _windows(offer.constraint)]
    batch = [it for it in info.price_variants or () if it.when == {"processing": "batch"}]
    dated = sorted((it for it in offers if not _windows(it.constraint)), key=_from)
    ends = [_from(it) for it in dated[1:]] + [None]
    for offer, end in zip(dated, ends, strict=True):
        since = _from(offer)
        span = {"since": None if since == date.min else since, "until": end}
        for begin, stop in _gaps(windows):
            yield from _tiers(offer.prices, source, {**span, "begin": begin, "end": stop})
        # A batch price is only listed from the day somebody looked; before it, it is taken to have been the same.
        for variant in batch[-1:]:
            yield from _tiers(_Merged(offer.prices, variant.prices), f"{source}, batch", {**span, "batch": True})
    for offer in offers:
        for begin, stop in _windows(offer.constraint):
            yield from _tiers(offer.prices, source, {"begin": begin, "end": stop})


class _Always:
    """Prices without a condition, in the form of those that have one."""

    def __init__(self, prices: Any) -> None:
        self.constraint = None
        self.prices = prices


class _Merged:
    """Prices of which some are replaced."""

    def __init__(self, prices: Any, instead: Any) -> None:
        for name, value in {**vars(prices), **{k: v for k, v in vars(instead).items() if v is not None}}.items():
            setattr(self, name, value)


def _from(offer: Any) -> date:
    day: date = getattr(offer.constraint, "start_date", None) or date.min
    return day


def _windows(constraint: Any) -> list[tuple[int, int]]:
    """Minutes of the UTC day at which it holds; none if the hour does not matter to it."""
    if not hasattr(constraint, "start_time"):
        return []
    begin, end = _minute(constraint.start_time), _minute(constraint.end_time)
    return [(begin, end)] if begin < end else [(begin, DAY_MINUTES), (0, end)]


def _minute(at: time) -> int:
    moved = datetime.combine(date(2000, 1, 2), at)
    if at.tzinfo is not None:
        moved = moved.astimezone(UTC)
    return moved.hour * 60 + moved.minute


def _gaps(windows: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What the windows leave of the day."""
    at = 0
    for begin, end in sorted(windows):
        if at < begin:
            yield at, begin
        at = max(at, end)
    if at < DAY_MINUTES:
        yield at, DAY_MINUTES


_PARTS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached": "cache_read_mtok",
    "written": "cache_write_mtok",
    "hour": "cache_write_1h_mtok",
}


def _tiers(prices: Any, source: str, where: dict[str, Any]) -> Iterator[Rate]:
    """A rate for each length of prompt that has prices of its own. A tier holds for the whole request."""
    parts = {name: getattr(prices, field, None) for name, field in _PARTS.items()}
    starts = sorted({tier.start for part in parts.values() for tier in getattr(part, "tiers", ())})
    request = getattr(prices, "requests_kcount", None)
    for above, up_to in zip([-1, *starts], [*starts, None], strict=True):
        pico = {name: _pico(part, above) for name, part in parts.items()}
        full = pico["input"]
        price = Price(
            full,
            # An embedding has no output to pay for.
            0 if pico["output"] is None and full is not None else pico["output"],
            full if pico["cached"] is None else pico["cached"],
            full if pico["written"] is None else pico["written"],
            request=0 if request is None else round(Decimal(request) * 10**12 / 1000),
            source=source,
            written_for_an_hour=pico["hour"],
        )
        if full is not None:
            yield Rate(price, above=above, up_to=up_to, **where)


def _pico(part: Any, above: int) -> int | None:
    if part is None:
        return None
    dollars = part
    if hasattr(part, "tiers"):
        dollars = next((it.price for it in reversed(part.tiers) if it.start <= above), part.base)
    return round(Decimal(dollars) * PICO_PER_DOLLAR_A_MILLION)
