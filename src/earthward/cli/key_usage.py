"""`earthward keys usage`: what keys, teams, applications and targets have used of their limits, as a gateway counts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.cli.admin import asked, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, fail, print_json
from earthward.gateway.limits_left import Remaining


def usage(
    name: Annotated[str | None, typer.Argument(help="Of whom: a key's id, or a name. Default: all limits.")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    state: Annotated[Path | None, typer.Option(help="The gateway's state folder, if the file can't be read.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is used and what is left of all limits, as the running gateway counts it."""
    status, answer = asked(state_of(config, state), "GET", "api", "limits")
    if status != 200:
        fail(f"the gateway can't tell: {answer.get('problem', status)}", NO)
    limits = msgspec.convert(answer["limits"], list[Remaining])
    found = [each for each in limits if name in (None, each.name)]
    if json:
        print_json({"limits": found})
    elif found:
        Console(highlight=False).print(limits_table(found))
    else:
        print("Nothing is limited." if name is None else f"Nothing that is called {name} has limits.")
    raise typer.Exit(DONE if found or name is None else NO)


def limits_table(found: Iterable[Remaining]) -> Table:
    """What is used and left of limits."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("", "who", "limit"):
        table.add_column(heading, header_style="dim")
    for heading in ("used", "of", "left", "all there again in"):
        table.add_column(heading, header_style="dim", justify="right")
    for it in found:
        money = it.limit.startswith("budget")
        limit = f"soft {it.limit}" if it.is_soft else it.limit
        style = "red" if it.left <= 0 else ""
        amounts = [Text(_amount(amount, money=money), style) for amount in (it.used, it.of, it.left)]
        table.add_row(it.scope, Text(it.name), limit, *amounts, _time(it.renews_in))
    return table


def _amount(value: float, *, money: bool) -> str:
    return f"${value:,.2f}" if money else f"{value:,.0f}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.0f} d"
