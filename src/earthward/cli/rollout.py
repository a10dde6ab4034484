"""`earthward rollout`: what a plan of a rollout says, would do, and would have done; and those of a gateway."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from earthward.cli.output import DONE, NO, NOT_ENOUGH_EVIDENCE, WRONG_USE, fail, print_json
from earthward.cli.rollout_events import add_events
from earthward.cli.rollout_file import plan_from
from earthward.cli.rollout_live import add_live
from earthward.cli.rollout_notify import add_notify
from earthward.cli.rollout_runs import simulated
from earthward.cli.rollout_screen import NARROW, cell, console, plan_tables, print_transitions, sums_table
from earthward.rollout.alpha import shares
from earthward.rollout.controller import Controller
from earthward.rollout.merge import merged
from earthward.rollout.plan import percent
from earthward.rollout.presets import PRESETS
from earthward.rollout.problems import nearest
from earthward.rollout.read_events import LONGEST_LINE, BadLine, Line, line
from earthward.rollout.replay import Replayed, replayed
from earthward.rollout.simulate import Sums, interval
from earthward.rollout.state import described
from earthward.rollout.worlds import KNOBS, NULLS, SCENARIOS, World, world

MOST_TOLD = 20
MOST_KEPT = 1000
BEYOND: dict[str, Any] = {}
"""Stands for a broken line beyond those that are kept."""
MOST_FALSE = 0.05

app = typer.Typer(
    no_args_is_help=True, help="Plan rollouts, try a plan beforehand, and lead those of a running gateway."
)

PlanOption = Annotated[
    str, typer.Option("--plan", "-p", help=f"A file with the plan, or a preset: {', '.join(PRESETS)}.")
]
RolloutOption = Annotated[
    str | None, typer.Option("--rollout", help="Which one, where the file has several under `rollouts:`.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def plan(
    plan: Annotated[str, typer.Argument(help=f"A file with the plan, or a preset: {', '.join(PRESETS)}.")],
    rollout: RolloutOption = None,
    json: Json = False,
) -> None:
    """Show what a plan says, with everything it leaves out, and how α is split over its tests."""
    read = plan_from(plan, rollout)
    if json:
        print_json({"plan": read, "alpha": shares(read)})
        return
    for table in plan_tables(read):
        console().print(table)
        print()
    if read.bake.share != read.goal:
        print(f"After the bake, {percent(read.goal)} is on the candidate.")
    print(f"An equal candidate is rolled back with a chance of at most {read.alpha:.3g}, over the whole rollout.")


@app.command()
def simulate(
    plan: PlanOption = "fast",
    rollout: RolloutOption = None,
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", "-s", help=f"One or more; by default all: {', '.join(SCENARIOS)}.")
    ] = None,
    by: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1000,
            help="How much worse, in scenarios with a harm: a factor, or for `answers` the loss of score.",
        ),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Runs of each scenario.")] = 50,
    per_day: Annotated[float, typer.Option(min=1, max=1e10, help="Requests a day.")] = 10_000,
    errors: Annotated[float, typer.Option(min=0, max=1, help="The part that the baseline fails.")] = 0.01,
    judged: Annotated[float, typer.Option(min=0, max=1, help="The part that is compared with the other arm.")] = 0.05,
    most: Annotated[int, typer.Option(min=1, help="Requests after which a run ends undecided.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same traffic.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="Processes; by default one per core.")] = None,
    json: Json = False,
) -> None:
    """Try a plan on imagined traffic: false rollbacks, time and requests to a decision, requests exposed to harm.

    Exit status 1 where more runs with two equal arms were rolled back than the plan allows, or 5 %, and than chance
    explains.
    """
    read = plan_from(plan, rollout)
    names = _scenarios(scenario, by)
    figures = {"per_day": per_day, "errors": errors, "judged": judged}
    worlds = {name: world(name, by if name in KNOBS else None, **figures) for name in names}
    sums: dict[str, tuple[str, Sums]] = {}
    with _progress(MofNCompleteColumn()) as progress:
        for name, found in simulated(read, worlds, runs, seed, most, jobs or os.cpu_count() or 1, progress):
            sums[name] = SCENARIOS[name][0].replace("--by", f"{_harm(worlds[name], name):g}"), found
    if json:
        print_json({"plan": read, "seed": seed, **figures, "scenarios": {name: it for name, (_, it) in sums.items()}})
    else:
        console().print(sums_table(sums))
        _print_causes(sums)
    most_false = max(MOST_FALSE, read.alpha)
    is_false = any(interval(sums[name][1].rolled_back, runs)[0] > most_false for name in sums if name in NULLS)
    raise typer.Exit(NO if is_false else DONE)


@app.command()
def replay(
    events: Annotated[Path, typer.Argument(help="One JSON object per line; `-` reads from standard input.")],
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            "-p",
            help=f"A file with the plan, or a preset: {', '.join(PRESETS)}. Left out, the plan on record, or fast.",
        ),
    ] = None,
    rollout: RolloutOption = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", help="Events of another gateway, whose requests count too, at their time; one or more."),
    ] = None,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out lines that can't be read.")] = False,
    json: Json = False,
) -> None:
    """Say what a plan would have decided on events on record, with the evidence of every transition.

    A line has `t` (seconds), `unit`, `arm` (baseline or candidate, as assigned) and `share`, and any of `ok`, `ttft_s`,
    `token_s`, `total_s`, `score` (0 to 1, of the candidate against the baseline), `cost`, `bad` (names of metrics),
    `checked` (those that were looked at; by default all), `unmeasured`, and `later` (more about a request that was told
    before). What `rollout events` prints of a gateway is read too, and without `--plan` leads to the decisions that the
    gateway took. With `--also` requests of other gateways count too: what one decision over all of them had been.
    Exit status: 0 promoted, 1 rolled back or aborted, 3 neither.
    """
    read = plan_from(plan or "fast", rollout)
    paths = [events, *(also or ())]
    found: dict[Path, list[dict[str, Any]]] = {path: [] for path in paths}
    if len(found) < len(paths):
        fail("the same events are given twice", WRONG_USE)
    with contextlib.ExitStack() as files, _progress(TaskProgressColumn()) as progress:
        logs = [_lines(files.enter_context(_opened(path)), path, progress, found[path]) for path in paths]
        result = replayed(read, merged(logs[0], logs[1:]), is_fixed=plan is not None)
    broken = [it for each in found.values() for it in each]
    if broken and not skip_broken:
        for path, each in [(path, each) for path, each in found.items() if each][: 1 if json else None]:
            _tell_broken(path, each, json=json)
        raise typer.Exit(WRONG_USE)
    if not result.requests and not result.transitions:
        fail(f"{events} holds no events", NOT_ENOUGH_EVIDENCE)
    if json:
        print_json(_replay_json(result, broken))
    else:
        _print_replay(result, broken)
    raise typer.Exit(_status(result))


def _scenarios(wanted: list[str] | None, by: float | None) -> list[str]:
    for name in wanted or ():
        if name not in SCENARIOS:
            fail(f"there is no scenario `{name}`{nearest(name, SCENARIOS)} Known: {', '.join(SCENARIOS)}")
    if by is not None:
        if not wanted:
            fail("--by needs --scenario: say what is to be worse")
        if not any(name in KNOBS for name in wanted):
            fail(f"{', '.join(wanted)}: no harm that --by could set; these have one: {', '.join(KNOBS)}")
    return wanted or list(SCENARIOS)


def _progress(*columns: Any) -> Progress:
    """A bar on stderr for people; nothing where nobody looks."""
    screen = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        TimeElapsedColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )


def _harm(world: World, name: str) -> float:
    return float(getattr(world, KNOBS[name])) if name in KNOBS else 0.0


def _print_causes(sums: dict[str, tuple[str, Sums]]) -> None:
    for name, (says, it) in sums.items():
        if console().width < NARROW:
            console().print(cell(f"{name}: {says}", "dim"))
        for cause, count in sorted(it.causes.items(), key=lambda pair: -pair[1]):
            console().print(cell(f"{name}: {count} rolled back at {cause}", "dim"))


def _opened(path: Path) -> BinaryIO:
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        return path.open("rb")
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")


def _lines(file: BinaryIO, path: Path, progress: Progress, broken: list[dict[str, Any]]) -> Iterator[Line]:
    size = os.fstat(file.fileno()).st_size if str(path) != "-" else None
    bar = progress.add_task(str(path), total=size)
    number = 0
    while data := file.readline(LONGEST_LINE + 1):
        number += 1
        progress.advance(bar, len(data))
        if not data.strip():
            continue
        try:
            yield line(data)
        except BadLine as problem:
            it = {"line": number, "column": problem.column, "problem": str(problem)}
            broken.append(it if len(broken) < MOST_KEPT else BEYOND)
            while len(data) > LONGEST_LINE and not data.endswith(b"\n"):
                data = file.readline(LONGEST_LINE + 1)


def _tell_broken(path: Path, broken: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json({"ok": False, "file": str(path), "broken": broken[:MOST_KEPT], "broken_lines": len(broken)})
        return
    for it in broken[:MOST_TOLD]:
        print(f"{path}:{it['line']}:{it['column']}: {it['problem']}", file=sys.stderr)
    more = f", of which {MOST_TOLD} are shown" if len(broken) > MOST_TOLD else ""
    print(
        f"earthward: {len(broken)} broken lines{more}; mend them, or leave them out with --skip-broken", file=sys.stderr
    )


def _replay_json(result: Replayed, broken: list[dict[str, Any]]) -> dict[str, Any]:
    state, controller = result.state, Controller(result.state)
    return {
        "plan": state.plan,
        "requests": result.requests,
        "transitions": result.transitions,
        "end": {
            "place": described(state.place, state.plan, state.paused),
            "phase": state.place.phase,
            "paused": state.paused,
            "share": state.share,
            "shadow": state.shadow,
            "epoch": state.epoch,
            "exposed": state.exposed,
            "why": controller.why,
            "evidence": controller.findings(),
        },
        "broken": broken[:MOST_KEPT],
        "broken_lines": len(broken),
        "refused": result.refused,
        "unwatched": result.unwatched,
        "backwards": result.backwards,
        "too_old": result.too_old,
    }


def _print_replay(result: Replayed, broken: list[dict[str, Any]]) -> None:
    state = result.state
    print_transitions(result.transitions)
    print(f"\n{result.requests:,} requests, {state.exposed:,} of them on the candidate.", end=" ")
    console().print(cell(f"At the end: {described(state.place, state.plan, state.paused)}; {Controller(state).why}"))
    for name, count in result.unwatched.items():
        console().print(cell(f"`{name}` was bad {count} times, but the plan has no gate of that name"))
    for refusal in result.refused:
        console().print(cell(f"not possible: {refusal}"))
    if result.backwards:
        print(f"{result.backwards:,} lines were older than the one before; time does not run back for them", end="")
        print(f", and {result.too_old:,} of before the epoch are left out" if result.too_old else ", but they count")
    if broken:
        print(f"{len(broken):,} broken lines were left out")


def _status(result: Replayed) -> int:
    match result.state.place.phase:
        case "bake" | "completed":
            return DONE
        case "rolled back" | "aborted":
            return NO
    return NOT_ENOUGH_EVIDENCE


add_live(app)
add_events(app)
add_notify(app)
