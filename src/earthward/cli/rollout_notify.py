"""`earthward rollout alerts` and `notify`: rules for Prometheus, and whether a hook takes what it will be told."""

import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, fail, print_json
from earthward.cli.rollout_screen import cell, console
from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, load
from earthward.config.problems import unknown
from earthward.config.snapshot import Hook
from earthward.control.webhooks import NotTold, tell
from earthward.rollout.notices import trial


def add_notify(app: typer.Typer) -> None:
    """Adds both commands."""
    app.command("alerts")(alerts)
    app.command("notify")(notify)


def rules() -> str:
    """The rules, as YAML."""
    return (files("earthward.cli") / "alerts.yml").read_text()


def alerts() -> None:
    """Print alert rules for Prometheus: rolled back, paused, standing still, and hooks that are not told."""
    print(rules(), end="")


def notify(
    hook: Annotated[str | None, typer.Argument(help="The name of one under `notify`; left out, all.")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send a test to who wants to hear of rollouts, and say whether it was taken. Exit status 1 where one was not.

    Secrets are looked up by this command: run it with the gateway's environment.
    """
    answers = {it.name: _answer(it) for it in _hooks(config, hook)}
    if json:
        print_json([{"hook": name, "told": not problem, "problem": problem} for name, problem in answers.items()])
    else:
        for name, problem in answers.items():
            console().print(cell(f"{name}: {'not told: ' + problem if problem else 'told'}", "red" if problem else ""))
    raise typer.Exit(NO if any(answers.values()) else DONE)


def _hooks(config: Path, named: str | None) -> list[Hook]:
    try:
        hooks = compile(load(config)).notify
    except ConfigErrors as errors:
        fail(str(errors))
    if not hooks:
        fail(f"{config} names nobody under `notify`, as in `notify: {{ops: {{url: env:OPS_WEBHOOK}}}}`")
    if named is not None and named not in {it.name for it in hooks}:
        fail(unknown("hook", named, [it.name for it in hooks]))
    return [it for it in hooks if named in (None, it.name)]


def _answer(hook: Hook) -> str:
    """Empty where it was taken."""
    now = time.time()
    it = trial(now)
    try:
        tell(hook, it.slack() if hook.format == "slack" else it.body(), now, it.id)
    except NotTold as problem:
        return str(problem)
    return ""
