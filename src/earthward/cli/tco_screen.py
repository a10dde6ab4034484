"""What `earthward tco` shows people."""

import sys
from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.cost.against import Reason
from earthward.cost.ownership import Month, Ownership, Scenario
from earthward.cost.sensitivity import Swing
from earthward.sizing.capacity import Capacity

WIDE = 110
BARS = " ▁▂▃▄▅▆▇█"
BAR = 24


def show(
    scenario: Scenario,
    result: Ownership,
    swings: Sequence[Swing],
    reasons: Sequence[Reason],
    capacity: Capacity | None,
    local_model: str,
    rented: Decimal | None,
) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    work, box = scenario.work, scenario.box
    console.print(Text(f"{scenario.cloud.name} or {box.name}", "bold"))
    console.print(
        f"{work.requests:,.0f} requests a month, {work.input_tokens:,.0f} tokens in and {work.output_tokens:,.0f} out "
        f"each, over {scenario.months} months\n"
    )
    console.print(_totals(scenario, result, rented))
    console.print(f"\n{_break_even(result)}")
    if capacity is not None:
        console.print(_carried(scenario, capacity, local_model))
    console.print(_curve(result.months))
    console.print(_tornado(swings))
    for reason in sorted(reasons, key=lambda it: not it.blocks):
        mark = Text("against it: " if reason.blocks else "mind: ", "red" if reason.blocks else "yellow")
        console.print(mark + Text(reason.text, "default"))
    console.print()


def money(amount: Decimal | None) -> str:
    if amount is None:
        return "-"
    return f"{'-' if round(amount, 2) < 0 else ''}${abs(amount):,.2f}".removesuffix(".00")


def _totals(scenario: Scenario, result: Ownership, rented: Decimal | None) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ("a month at first", f"{scenario.months} months", "per 1M tokens"):
        table.add_column(name, justify="right")
    first = result.months[0]
    table.add_row("cloud", money(first.cloud), money(result.cloud), money(result.cloud_per_million))
    table.add_row(
        f"own ({first.boxes} x {scenario.box.name})",
        money(first.running),
        money(result.own),
        money(result.own_per_million),
    )
    if rented is not None:
        table.add_row("rented by the hour", "", money(rented), "")
    share = "" if result.saved_share is None else f" ({result.saved_share * 100:.0f} %)"
    table.add_row("saved", "", money(result.saved) + share, "", style="bold")
    if scenario.discount:
        table.add_row("saved, at today's value", "", money(result.present_value), "")
    return table


def _break_even(result: Ownership) -> str:
    first = result.months[0]
    sum_of_it = f"{money(first.bought)} ÷ ({money(first.cloud)} - {money(first.running)})"
    if result.break_even is None:
        return f"Break-even: never ({sum_of_it} at first)"
    months = f"{result.break_even:.1f}".removesuffix(".0")
    return f"Break-even: after {months} months ({sum_of_it} at first)"


def _carried(scenario: Scenario, found: Capacity, name: str) -> str:
    need = float(scenario.work.requests) / (730 * 3600)
    fits = "fits" if found.fits else f"does not fit ({found.on_card * 100:.0f} % of the weights on the card)"
    return (
        f"{name} {fits}: {found.needed_bytes / 1e9:.1f} of {found.usable_bytes / 1e9:.1f} GB; "
        f"{found.single:.1f} tokens/s for one request, {found.tokens_per_second:,.0f} over {found.slots} at once.\n"
        f"One carries {found.requests_per_second:.3g} requests/s (estimate, {found.low:.2g} to {found.high:.2g}); "
        f"the average is {need:.2g}. Measure it before you buy.\n"
    )


def _curve(months: Sequence[Month]) -> Text:
    """Both totals as they grow, a column for a month or for several."""
    step = max(1, -(-len(months) // 60))
    shown = months[step - 1 :: step]
    most = max(max(it.cloud_total, it.own_total) for it in shown) or Decimal(1)

    def bars(amounts: Sequence[Decimal]) -> str:
        return "".join(BARS[min(8, max(0, round(amount / most * 8)))] for amount in amounts)

    lines = f"cloud so far  {bars([it.cloud_total for it in shown])}\nown so far    "
    boxes = "".join(str(min(9, it.boxes)) for it in shown)
    return Text(f"{lines}{bars([it.own_total for it in shown])}\nboxes         {boxes}\n")


def _tornado(swings: Sequence[Swing]) -> Table:
    table = Table("what moves the savings most", "from", "to", box=None, pad_edge=False)
    for name in ("saved at least", "saved at most"):
        table.add_column(name, justify="right")
    table.add_column("")
    widest = max((it.width for it in swings), default=Decimal(1)) or Decimal(1)
    for it in swings:
        low, high = sorted((it.saved_low, it.saved_high))
        table.add_row(it.name, it.low, it.high, money(low), money(high), "█" * max(1, round(it.width / widest * BAR)))
    return table
