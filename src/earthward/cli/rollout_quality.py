"""`earthward rollout quality`: whether answers let a route move, task by task."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from earthward.cli.admin import asked, route_name, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, NOT_ENOUGH_EVIDENCE, WRONG_USE, fail, print_json
from earthward.cli.rollout_screen import cell, console

STATUS = {"safe to move": DONE, "not yet": NO, "not enough evidence": NOT_ENOUGH_EVIDENCE}
STYLES = {"safe to move": "green", "not yet": "red", "not enough evidence": "yellow"}


def quality(
    route: Annotated[str, typer.Argument(help="The name of the route.")],
    examples: Annotated[
        int, typer.Option("--examples", min=0, max=50, help="Show so many pairs side by side, the worst first.")
    ] = 0,
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    state: Annotated[Path | None, typer.Option("--state", help="The state folder, in place of the file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say for each task whether it is safe to move: how both arms' answers compare, by checks and by the judge.

    With --examples, prompts and answers are decrypted and shown. Exit status: 0 safe to move, 1 not yet, 3 not enough
    evidence.
    """
    query = f"?examples={examples}"
    code, told = asked(state_of(config, state), "GET", "api", "rollouts", route_name(route), "quality", query=query)
    if code != 200:
        fail(str(told.get("problem", told)), WRONG_USE if code == 404 else NO)
    if json:
        print_json(told)
    else:
        _print(told)
    raise typer.Exit(STATUS[told["verdict"]])


def _print(told: dict[str, Any]) -> None:
    verdict = told["verdict"]
    console().print(cell(f"{told['route']}: {verdict}", STYLES[verdict]))
    table = Table("task", "verdict", box=None, pad_edge=False)
    for name in ("pairs", "scored", "score", "interval", "equal length", "first content"):
        table.add_column(name, justify="right")
    table.add_column("worse in", overflow="fold")
    for it in told["tasks"]:
        table.add_row(
            cell(it["task"] or "(none)"),
            cell(it["verdict"], STYLES[it["verdict"]]),
            f"{it['pairs']:,}",
            f"{it['scored']:,}",
            _figure(it["score"]),
            f"{it['low']:.2f}..{it['high']:.2f}",
            _figure(it["length_controlled"]),
            cell(f"{_seconds(it['baseline_ttft'])} / {_seconds(it['candidate_ttft'])}"),
            cell(_worse_in(it)),
        )
    if told["tasks"]:
        console().print(table)
        low = 0.5 - told["margin"]
        text = f"A score of 0.5 is a tie; above {low:.2f} is good enough. First content: baseline / candidate."
        console().print(cell(text))
    else:
        console().print(cell("No pairs yet: they come from shadows, `shadow: {rate: 5%}` in the route."))
    for warning in told["warnings"]:
        console().print(cell(f"mind: {warning}", "yellow"))
    for it in told["examples"]:
        _print_example(it)


def _print_example(it: dict[str, Any]) -> None:
    by = f", by {it['decided_by']}" if it["decided_by"] else ""
    console().print()
    console().print(cell(f"{it['exchange']}: score {_figure(it['score'])}{by}", "bold"))
    content = it["content"]
    if content is None:
        console().print(cell("its content is gone"))
        return
    console().print(_lines(content["prompt"]))
    sides = Table("baseline", "candidate", show_lines=True)
    sides.add_row(*(_lines(_said(content[arm])) for arm in ("baseline", "candidate")))
    console().print(sides)
    for name, why in content["whys"].items():
        console().print(cell(f"{name}: {why}"))


def _lines(text: str) -> Text:
    """Line by line: what models write may be nothing but letters to a terminal."""
    return Text("\n").join(cell(line) for line in text.split("\n"))


def _said(side: dict[str, Any] | None) -> str:
    if side is None:
        return "(not asked)"
    return side["text"] or side["problem"] or "(nothing)"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _worse_in(it: dict[str, Any]) -> str:
    names = dict.fromkeys((*it["candidate_bad"], *it["baseline_bad"]))
    pairs = ((name, it["candidate_bad"].get(name, 0), it["baseline_bad"].get(name, 0)) for name in names)
    return ", ".join(f"{name} {candidate} (baseline {baseline})" for name, candidate, baseline in pairs) or "-"
