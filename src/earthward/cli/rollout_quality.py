"""`earthward rollout quality`: whether answers let a route move, task by task."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from earthward.cli.admin import asked, route_name, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, NOT_ENOUGH_EVIDENCE, WRONG_USE, fail, print_json
from earthward.cli.rollout_screen import cell, console

ARMS = ("baseline", "candidate")
PLACES = ("candidate second", "candidate first")
LONGEST = 2_000
"""Characters of a text that are shown."""
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
    screen = console()
    for part in shown(told):
        screen.print(part)


def shown(told: dict[str, Any]) -> Iterator[RenderableType]:
    """The report, part by part; it can be read at 80 columns."""
    verdict = told["verdict"]
    yield cell(f"{told['route']}: {verdict}", STYLES[verdict])
    if told["tasks"]:
        yield _table(told["tasks"])
        yield from (cell(line) for it in told["tasks"] for line in _beside(it))
        low = 0.5 - told["margin"]
        yield cell(f"A score of 0.5 is a tie; above {low:.2f} is good enough. First content: baseline / candidate.")
    else:
        yield cell("No pairs yet: they come from shadows, `shadow: {rate: 5%}` in the route.")
    yield from (cell(f"mind: {warning}", "yellow") for warning in told["warnings"])
    for it in told["examples"]:
        yield from _example(it)
    for it in told["remarks"]:
        yield ""
        yield cell(f"{it['exchange']}: a caller of the {it['arm']} gave {it['score']:.2f}", "bold")
        yield _lines("the comment's key is gone" if it["comment"] is None else it["comment"])


def _table(tasks: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("task", overflow="fold")
    table.add_column("verdict")
    for name in ("pairs", "scored", "score", "interval", "equal length", "first content"):
        table.add_column(name, justify="right", no_wrap=name == "interval")
    for it in tasks:
        table.add_row(
            cell(_task(it)),
            cell(it["verdict"], STYLES[it["verdict"]]),
            f"{it['pairs']:,}",
            f"{it['scored']:,}",
            _figure(it["score"]),
            f"{it['low']:.2f}..{it['high']:.2f}",
            _figure(it["length_controlled"]),
            cell(f"{_seconds(it['baseline_ttft'])} / {_seconds(it['candidate_ttft'])}"),
        )
    return table


def _beside(it: dict[str, Any]) -> Iterator[str]:
    """What checks found of a task, and what callers said: so many words, and no share, since few say anything."""
    names = dict.fromkeys((*it["candidate_bad"], *it["baseline_bad"]))
    found = [f"{name} {it['candidate_bad'].get(name, 0)} ({it['baseline_bad'].get(name, 0)})" for name in names]
    if found:
        yield f"{_task(it)}: the candidate is bad in {', '.join(found)}; the baseline's in brackets"
    if it["good_words"] or it["bad_words"]:
        said = [
            f"{it['good_words'].get(arm, 0)} good and {it['bad_words'].get(arm, 0)} bad of the {arm}"
            for arm in ("candidate", "baseline")
        ]
        yield f"{_task(it)}: callers' words: {', '.join(said)}"


def _task(it: dict[str, Any]) -> str:
    return it["task"] or "(none)"


def _example(it: dict[str, Any]) -> Iterator[RenderableType]:
    by = f", by {it['decided_by']}" if it["decided_by"] else ""
    yield ""
    yield cell(f"{it['exchange']}: score {_figure(it['score'])}{by}", "bold")
    content = it["content"]
    if content is None:
        yield cell("its content is gone")
        return
    yield _lines(content["prompt"])
    sides = Table(show_lines=True)
    for arm in ARMS:
        sides.add_column(arm, overflow="fold", ratio=1)
    sides.add_row(*(_lines(_said(content[arm])) for arm in ARMS))
    yield sides
    yield from (cell(f"{name}: {why}") for name, why in content["whys"].items())
    yield from (_lines(f"the judge, {place}: {words}") for place, words in zip(PLACES, content["judged"], strict=False))


def _lines(text: str) -> Text:
    """Line by line: what models write may be nothing but letters to a terminal."""
    return Text("\n").join(cell(line) for line in _cut(text).split("\n"))


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters; --json has all of them ...]\n{text[-half:]}"


def _said(side: dict[str, Any] | None) -> str:
    if side is None:
        return "(not asked)"
    return side["text"] or side["problem"] or "(nothing)"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
