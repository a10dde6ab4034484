"""`earthward keys usage`: what keys, teams, applications and targets have used of their limits, as a gateway counts."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.cli.admin import asked, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, fail, print_json


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
    found = [each for each in answer["limits"] if name in (None, each["name"])]
    if json:
        print_json({"limits": found})
    elif found:
        Console(highlight=False).print(_table(found))
    else:
        print("Nothing is limited." if name is None else f"Nothing that is called {name} has limits.")
    raise typer.Exit(DONE if found or name is None else NO)


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("", "who", "limit"):
        table.add_column(heading, header_style="dim")
    for heading in ("used", "of", "left", "all there again in"):
        table.add_column(heading, header_style="dim", justify="right")
    for it in found:
        money = it["limit"].startswith("budget")
        limit = f"soft {it['limit']}" if it.get("is_soft") else it["limit"]
        style = "red" if it["left"] <= 0 else ""
        amounts = [Text(_amount(it[field], money=money), style) for field in ("used", "of", "left")]
        table.add_row(it["scope"], Text(it["name"]), limit, *amounts, _time(it.get("renews_in", 0.0)))
    return table


def _amount(value: float, *, money: bool) -> str:
    return f"${value:,.2f}" if money else f"{value:,.0f}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.0f} d"
