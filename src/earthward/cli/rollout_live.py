"""`earthward rollout status` and the verbs: what people ask of, and say to, the rollouts of a running gateway."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from earthward.cli.admin import asked, route_name, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, WRONG_USE, fail, print_json
from earthward.cli.rollout_explain import explained, of_changes
from earthward.cli.rollout_quality import quality
from earthward.cli.rollout_screen import VERDICT_STYLES, cell, console
from earthward.rollout.judge import span
from earthward.rollout.verbs import Verb, said

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
        at: From = "",
        by: By = None,
        config: Config = CONFIG,
        state: StateFolder = None,
        json: Json = False,
    ) -> None:
        _tell(verb, route, why, at, by, config, state, json=json)


def promote(
    route: Route,
    why: Why,
    full: Annotated[bool, typer.Option("--full", help="Past all stages, to the share at the end.")] = False,
    at: From = "",
    by: By = None,
    config: Config = CONFIG,
    state: StateFolder = None,
    json: Json = False,
) -> None:
    """Go on to the next stage, whatever the gates say; where it waits for approval, approve."""
    _tell("promote_full" if full else "promote", route, why, at, by, config, state, json=json)


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
    verb: Verb, route: str, why: str, at: str, by: str | None, config: Path, state: Path | None, *, json: bool
) -> None:
    if not why.strip():
        fail("--why needs a reason: it is what the history will say")
    folder, path = state_of(config, state), ("api", "rollouts", route_name(route))
    before = at
    if verb in MOVING and not at:
        code, answer = asked(folder, "GET", *path)
        _refuse(code, answer)
        before = answer["place"]
    order = {"verb": verb, "by": by or _user(), "why": why, "stage": before}
    code, answer = asked(folder, "POST", *path, body=order)
    _refuse(code, answer)
    if json:
        print_json(answer)
    else:
        console().print(cell(f"was at {before}" if before else said(verb), "dim"))
        console().print(cell(_line(answer)))
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
    return f"{it['share'] * 100:.4g} %"


def _line(it: dict[str, Any]) -> str:
    problem = f"; stands still: {it['problem']}" if it["problem"] else ""
    return f"{it['route']}: {it['place']}, {_percent(it)} of the traffic is on the candidate; {it['why']}{problem}"


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
    console().print(cell(_line(it)))
    evidence = Table("gate", "role", "verdict", box=None, pad_edge=False)
    for name in ("candidate", "baseline", "worse", "good enough", "to be decided"):
        evidence.add_column(name, justify="right")
    for each in it["evidence"]:
        candidate = f"{each['candidate_bad']:,} bad of {each['candidate']:,}"
        baseline = f"{each['baseline_bad']:,} bad of {each['baseline']:,}"
        verdict = cell(each["verdict"], VERDICT_STYLES[each["verdict"]])
        tests = (f"{each[f'e_{test}']:.2g} of {each[f'enough_{test}']:.3g}" for test in ("worse", "good"))
        expected = "-" if each["expected_s"] is None else f"in about {span(each['expected_s'])}"
        cells = (candidate, baseline, *tests, expected)
        evidence.add_row(cell(each["metric"]), cell(each["role"]), verdict, *map(cell, cells))
    if it["evidence"]:
        console().print(evidence)
    for name in it["stages"]["set_aside"]:
        console().print(cell(f"left out of its plan: {name}", "dim"))
    for line in of_changes(it):
        console().print(cell(line, "yellow"))
    history = Table("at", "from", "to", "by", box=None, pad_edge=False)
    history.add_column("why", overflow="fold")
    for each in it["history"][-NEWEST:]:
        at = datetime.fromtimestamp(each["t"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        history.add_row(*map(cell, (at, each["before"], each["after"], each["by"] or "-", each["why"] or "-")))
    if it["history"]:
        console().print(history)
