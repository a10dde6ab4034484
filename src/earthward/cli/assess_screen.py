"""What `earthward assess` shows people."""

import sys
from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.assess.result import Assessment, Line
from earthward.cli.ledger import printable

WIDE = 120
MOST = 15
BARS = "▁▂▃▄▅▆▇█"


def show(found: Assessment) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    for line in _head(found):
        console.print(line)
    for title, lines in (("model", found.by_model), ("application", found.by_app), ("task", found.by_task)):
        if len(lines) > 1 or title == "model":
            console.print(_table(title, lines))
            console.print()
    console.print(_days(found.by_day, "day"))
    console.print(_days(found.by_hour_of_day, "hour of the day, UTC"))
    for line in _rest(found):
        console.print(line)
    for warning in warnings(found):
        console.print(Text(f"mind: {warning}", "yellow"))


def dollars(nano: int | None) -> str:
    if nano is None:
        return "unknown"
    return f"${_amount(Decimal(nano) / 10**9)}"


def _amount(of: Decimal) -> str:
    return f"{of:,.2f}" if of >= 1 or not of else f"{of:.2g}"


def _head(found: Assessment) -> list[Text]:
    lines = [
        Text(f"{printable(it.path)}: {it.format}, {it.usage:,} of {it.rows:,} rows are usage") for it in found.files
    ]
    total = found.total
    lines.append(Text(""))
    lines.append(Text(f"{found.first} to {found.last}" if found.first else "no usage", "bold"))
    lines.append(
        Text(
            f"{total.requests:,} requests, {total.input:,} tokens in ({total.cached:,} cached), {total.output:,} out, "
            f"{dollars(total.cost)} at list price"
        )
    )
    # Of one currency, the sum says the same again.
    shown = list(found.billed.items())[: 1 if len(found.billed) == 2 else None]
    lines += [Text(f"billed: {_amount(amount)} {printable(_currency(name))}") for name, amount in shown]
    return [*lines, Text("")]


def _currency(name: str) -> str:
    return "USD, all together" if name == "all in usd" else name.upper()


def _table(title: str, lines: Sequence[Line]) -> Table:
    table = Table(title, box=None, pad_edge=False)
    for name in ("requests", "in", "cached", "out", "cost", "without a price"):
        table.add_column(name, justify="right")
    for it in lines[:MOST]:
        counts = (it.requests, it.input, it.cached, it.output)
        cells = (f"{count:,}" for count in counts)
        table.add_row(Text(printable(it.name)), *cells, dollars(it.cost), f"{it.unpriced:,}" if it.unpriced else "")
    if len(lines) > MOST:
        table.add_row(f"and {len(lines) - MOST} more", style="dim")
    return table


def _days(lines: Sequence[Line], what: str) -> Text:
    """Cost as a small bar for each, or requests where no cost is known."""
    values = [it.cost or 0 for it in lines] if any(it.cost for it in lines) else [it.requests for it in lines]
    most = max(values, default=0) or 1
    bars = "".join(BARS[min(7, value * 8 // (most + 1))] for value in values[-100:])
    span = f"{lines[0].name} to {lines[-1].name}" if len(lines) > 1 else ""
    return Text(f"cost by {what}: {bars} {span}")


def _rest(found: Assessment) -> list[Text]:
    lines = [Text("")]
    for name, it in (("prompts", found.prompt), ("answers", found.answer)):
        if it is not None:
            lines.append(
                Text(f"{name}: half have at most {it.p50:,} tokens, 90 % {it.p90:,}, 99 % {it.p99:,}; most {it.most:,}")
            )
    peak = found.peak
    if peak.requests_per_second is not None:
        under_way = "" if peak.concurrency is None else f"; at most {peak.concurrency:,} requests at once"
        lines.append(
            Text(
                f"busiest minute: {peak.requests_per_second:,.2f} requests/s, {peak.input_tokens_per_second or 0:,.0f} "
                f"tokens/s in, {peak.output_tokens_per_second or 0:,.0f} out{under_way}"
            )
        )
    else:
        lines.append(Text("peaks are not known: the rows are sums over hours or days"))
    eligible = found.eligible
    if eligible is not None:
        cost = "" if eligible.cost is None else f", {eligible.cost * 100:.1f} % of the cost"
        lines.append(Text(f"a local model could serve {eligible.requests * 100:.1f} % of the requests{cost}", "bold"))
        lines += [Text(f"  not {count:,}: {printable(reason)}") for reason, count in eligible.rest.items()]
    return lines


def warnings(found: Assessment) -> list[str]:
    """Everything that was left out, or is not known."""
    said = []
    for it in found.files:
        said += [f"{printable(it.path)}: {count:,} rows left out: {reason}" for reason, count in it.skipped.items()]
        said += [
            f"  {printable(it.path)}:{place.line}: {printable(f'`{place.column}` ' if place.column else '')}"
            f"{printable(place.message)}"
            for place in it.examples
        ]
    said += [f"no price is known of {printable(it)} ({count:,} rows)" for it, count in found.unknown_models.items()]
    said += [
        f"{count:,} rows are billed in {printable(it.upper())}; give --rate {printable(it.upper())}=DOLLARS to add them"
        for it, count in found.unknown_currencies.items()
    ]
    if found.unknown_tokens:
        said.append(f"{found.unknown_tokens:,} rows do not tell their tokens")
    if found.duplicates:
        said.append(f"{found.duplicates:,} rows came twice, by their ids, and count once")
    if found.odd_cache:
        said.append(f"{found.odd_cache:,} rows have more cached tokens than tokens in")
    return said
