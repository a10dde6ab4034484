"""`earthward prices`: what models cost, as this gateway reckons."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.cli.ledger import printable
from earthward.cli.output import NO, fail, print_json
from earthward.config.load import money_of
from earthward.config.problems import ConfigErrors
from earthward.config.snapshot import DAY_MINUTES, Rate
from earthward.cost.price_book import Listed, Override, rates_of
from earthward.cost.price_book import search as search_list
from earthward.cost.rates import rate_for

WIDE = 120
MILLION = 1_000_000
MOST = 200

app = typer.Typer(no_args_is_help=True, help="Look up what models cost: the public list, and your own prices.")

Own = Annotated[Path | None, typer.Option("--prices", help="A file with the section `prices`: your own, with dates.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="As requests name it; `azure/gpt-4o` names the vendor too.")],
    vendor: Annotated[str | None, typer.Option(help="Whose price, where several sell the model.")] = None,
    prices: Own = None,
    json: Json = False,
) -> None:
    """Show all prices of one model: with their dates, lengths of prompts, hours, and in batches. Status 1: unknown."""
    found = rates_of(model, _overrides(prices), vendor)
    if found is None or not found.rates:
        fail(f"no price of {printable(model)} is known; its cost would be unknown. Try `earthward prices search`", NO)
    if json:
        print_json({"vendor": found.vendor, "model": found.model, "rates": [_plain(rate) for rate in found.rates]})
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    console.print(Text(f"{found.vendor}/{found.model}, dollars per million tokens", "bold"))
    console.print(_rates(found.rates))


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="All of them must be in the name of the model or the vendor.")],
    json: Json = False,
) -> None:
    """Search the public list. Shows what a short request costs today."""
    found = search_list(" ".join(words))
    if not found:
        fail(f"no model of the list has {printable(' '.join(words))!r} in its name", NO)
    now = datetime.now(UTC)
    if json:
        print_json([_line(it, rate_for(it.rates, now, 0)) for it in found])
        return
    table = Table("vendor", "model", box=None, pad_edge=False)
    for name in ("in", "out", "cached", "context"):
        table.add_column(name, justify="right")
    for it in found[:MOST]:
        rate = rate_for(it.rates, now, 0)
        prices = (rate.price.input, rate.price.output, rate.price.cached) if rate else (None, None, None)
        table.add_row(it.vendor, it.model, *map(_dollars, prices), f"{it.context:,}" if it.context else "")
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    console.print(table)
    if len(found) > MOST:
        console.print(f"and {len(found) - MOST} more; give another word")


def _overrides(path: Path | None) -> tuple[Override, ...]:
    try:
        return money_of(path).overrides if path else ()
    except ConfigErrors as errors:
        fail(str(errors))


def _rates(rates: tuple[Rate, ...]) -> Table:
    table = Table("from", "until", "for", box=None, pad_edge=False)
    for name in ("in", "out", "cached", "cache written", "a request"):
        table.add_column(name, justify="right")
    table.add_column("source", overflow="fold")
    for it in rates:
        price = it.price
        parts = map(_dollars, (price.input, price.output, price.cached, price.cache_written))
        request = f"${price.request / 10**12:g}" if price.request else ""
        table.add_row(str(it.since or ""), str(it.until or ""), _where(it), *parts, request, Text(price.source))
    return table


def _where(rate: Rate) -> str:
    parts = ["batch"] if rate.batch else []
    if rate.above >= 0:
        parts.append(f"over {rate.above:,} in")
    if rate.up_to is not None:
        parts.append(f"up to {rate.up_to:,} in")
    if (rate.begin, rate.end) != (0, DAY_MINUTES):
        parts.append(f"{_clock(rate.begin)} to {_clock(rate.end)} UTC")
    return ", ".join(parts)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _dollars(pico: int | None) -> str:
    return "?" if pico is None else f"${pico / MILLION:.6f}".rstrip("0").rstrip(".")


def _line(it: Listed, rate: Rate | None) -> dict[str, Any]:
    return {"vendor": it.vendor, "model": it.model, "context": it.context, **({} if rate is None else _plain(rate))}


def _plain(rate: Rate) -> dict[str, Any]:
    """Dollars per million tokens."""
    names = ("input", "output", "cached", "cache_written")
    prices = {name: None if (pico := getattr(rate.price, name)) is None else pico / MILLION for name in names}
    return {
        "batch": rate.batch,
        "since": rate.since,
        "until": rate.until,
        "above": max(0, rate.above),
        "up_to": rate.up_to,
        "from_minute": rate.begin,
        "to_minute": rate.end,
        **prices,
        "request": rate.price.request / 10**12,
        "source": rate.price.source,
    }
