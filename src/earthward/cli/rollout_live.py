"""`earthward rollout status` and the verbs: what people ask of, and say to, the rollouts of a running gateway."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from earthward.cli.admin import asked, route_name, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, WRONG_USE, fail, print_json
from earthward.cli.rollout_explain import explained, next_step, of_changes, of_record, unmeasured
from earthward.cli.rollout_quality import quality
from earthward.cli.rollout_screen import VERDICT_STYLES, at, cell, console
from earthward.rollout.judge import span
from earthward.rollout.verbs import Verb

NOT_NOW = 409
NEWEST = 10
HELP: dict[Verb, str] = {
    "start": "Begin: the first stage of the plan, with fresh evidence.",
    "pause": "Stay at this share until `resume`. A candidate that turns out worse is rolled back all the same.",
    "resume": "Go on after a pause; where it waits for approval, approve.",
    "abort": "End it: everything to the baseline, at once.",
    "retry": "Begin anew after a rollback or an abort, with fresh evidence. Refused while it cools down.",
    "freeze": "Stay at this share whatever happens, until `resume`. Nothing rolls back by itself.",
    "undo": "Take back the last move.",
}
MOVING: tuple[Verb, ...] = ("resume", "promote", "promote_full", "retry", "undo")
"""Said twice, they would do twice what one of two people wanted. The others do the same once more, or nothing."""

Route = Annotated[str, typer.Argument(help="The name of the route.")]
Why = Annotated[str, typer.Option("--why", help="Kept in the rollout's history.")]
From = Annotated[
    str, typer.Option("--from", help="Only if it stands there now, as in 25% or `rolled back`.", metavar="STAGE")
]
By = Annotated[str | None, typer.Option("--by", help="Who says so; by default, who runs the command.")]
Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
StateFolder = Annotated[Path | None, typer.Option("--state", help="The gateway's state folder, in place of the file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_live(app: typer.Typer) -> None:
    """Adds the commands for a running gateway."""
    app.command("status")(status)
    app.command("quality")(quality)
    app.command("explain")(explain)
    app.command("promote")(promote)
    for verb, text in HELP.items():
        _add(app, verb, text)


def _add(app: typer.Typer, verb: Verb, text: str) -> None:
    @app.command(verb, help=text)
    def command(
        route: Route,
        why: Why,
        stage: From = "",
        by: By = None,
        config: Config = CONFIG,
        state: StateFolder = None,
        json: Json = False,
    ) -> None:
        _tell(verb, route, why, stage, by, config, state, json=json)


def promote(
    route: Route,
    why: Why,
    full: Annotated[bool, typer.Option("--full", help="Past all stages, to the share at the end.")] = False,
    stage: From = "",
    by: By = None,
    config: Config = CONFIG,
    state: StateFolder = None,
    json: Json = False,
) -> None:
    """Go on to the next stage, whatever the gates say; where it waits for approval, approve."""
    _tell("promote_full" if full else "promote", route, why, stage, by, config, state, json=json)


def status(
    route: Annotated[str | None, typer.Argument(help="The name of the route; left out, all.")] = None,
    config: Config = CONFIG,
    state: StateFolder = None,
    json: Json = False,
) -> None:
    """Say where the rollouts of a running gateway stand; of one route, its evidence and its history too."""
    folder = state_of(config, state)
    if route is None:
        code, answer = asked(folder, "GET", "api", "status")
        told = answer.get("rollouts", [])
    else:
        code, answer = asked(folder, "GET", "api", "rollouts", route_name(route))
        told = answer
    _refuse(code, answer)
    if json:
        print_json(told)
    elif route is None:
        _print_all(told)
    else:
        _print_one(told)
    raise typer.Exit(DONE)


def explain(route: Route, config: Config = CONFIG, state: StateFolder = None, json: Json = False) -> None:
    """Say in words why a rollout is where it is: what each gate has seen, what it waits for, and what ends that."""
    code, answer = asked(state_of(config, state), "GET", "api", "rollouts", route_name(route))
    _refuse(code, answer)
    if json:
        print_json({"explained": list(explained(answer)), **answer})
    else:
        for line in explained(answer):
            console().print(cell(line))
    raise typer.Exit(DONE)


def _tell(
    verb: Verb, route: str, why: str, stage: str, by: str | None, config: Path, state: Path | None, *, json: bool
) -> None:
    if not why.strip():
        fail("--why needs a reason: it is what the history will say")
    folder, path = state_of(config, state), ("api", "rollouts", route_name(route))
    code, answer = asked(folder, "GET", *path)
    _refuse(code, answer)
    before = answer["place"]
    order = {"verb": verb, "by": by or _user(), "why": why, "stage": stage or (before if verb in MOVING else "")}
    code, answer = asked(folder, "POST", *path, body=order)
    _refuse(code, answer)
    if json:
        print_json(answer)
    else:
        console().print(cell(said_of(answer, before)))
    raise typer.Exit(DONE)


def _refuse(code: int, answer: Any) -> None:
    if code != 200:
        fail(str(answer.get("problem", answer)), NO if code in (NOT_NOW, 503) else WRONG_USE)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _percent(it: dict[str, Any]) -> str:
    return f"{it['share'] * 100:.4g}%"


def said_of(it: dict[str, Any], before: str = "") -> str:
    """Where it stands, and, where it is told, where it stood before."""
    problem = f"; stands still: {it['problem']}" if it["problem"] else ""
    way = f"{before} -> {it['place']}" if before not in ("", it["place"]) else it["place"]
    return f"{it['route']}: {way}; {_percent(it)} of the traffic is on the candidate; {it['why']}{problem}"


def _print_all(rollouts: list[dict[str, Any]]) -> None:
    if not rollouts:
        print("No route has a rollout; add `rollout: fast` to one with a baseline and a candidate.")
        return
    table = Table("route", "plan", "stands at", box=None, pad_edge=False)
    table.add_column("share", justify="right")
    table.add_column("why", overflow="fold")
    for it in rollouts:
        plan = f"{it['plan']} (changed)" if it["plan_changes"] else it["plan"]
        table.add_row(*map(cell, (it["route"], plan, it["place"], _percent(it), it["problem"] or it["why"])))
    console().print(table)


def _print_one(it: dict[str, Any]) -> None:
    console().print(cell(said_of(it)))
    for line in next_step(it):
        console().print(cell(line))
    if it["evidence"]:
        print()
        console().print(gates_table(it["evidence"]))
    for name, why in unmeasured(it).items():
        console().print(cell(f"{name} can't be measured: {why}", "red"))
    for name in it["stages"]["set_aside"]:
        console().print(cell(f"left out of its plan: {name}", "dim"))
    for line in (*of_changes(it), *of_record(it)):
        console().print(cell(line, "yellow"))
    if it["history"]:
        print()
        console().print(moves_table(it["history"][-NEWEST:]))


def gates_table(evidence: list[dict[str, Any]]) -> Table:
    """`worse` and `good` are the fortunes of both tests, and at what each ends."""
    table = Table(box=None, pad_edge=False)
    for name in ("gate", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("candidate\nbad/all", "baseline\nbad/all", "worse\nof", "good\nof", "decided\nin about"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in evidence:
        name = each["metric"] if each["role"] == "guardrail" else f"{each['metric']} ({each['role']})"
        verdict = cell(each["verdict"], VERDICT_STYLES[each["verdict"]])
        arms = (_counted(each, arm) for arm in ("candidate", "baseline"))
        tests = (f"{each[f'e_{test}']:.2g}/{each[f'enough_{test}']:.3g}" for test in ("worse", "good"))
        expected = "-" if each["expected_s"] is None else span(each["expected_s"])
        table.add_row(cell(name), verdict, *map(cell, (*arms, *tests, expected)))
    return table


def _counted(it: dict[str, Any], arm: str) -> str:
    """Bad of all, or the mean of all where a metric counts nothing bad. A score is of the candidate alone."""
    if it["mean"] is None:
        return f"{it[f'{arm}_bad']:,}/{it[arm]:,}"
    mean = it["mean"] if arm == "candidate" else it["baseline_mean"]
    return "-" if mean is None else f"{mean:.2g}/{it[arm]:,}"


def moves_table(history: list[dict[str, Any]]) -> Table:
    """Where it came from stands in the line before."""
    table = Table(box=None, pad_edge=False)
    table.add_column("at (UTC)", no_wrap=True)
    for name in ("to", "by", "why"):
        table.add_column(name, overflow="fold")
    for each in history:
        table.add_row(*map(cell, (at(each["t"]), each["after"], each["by"] or "-", each["why"] or "-")))
    return table
