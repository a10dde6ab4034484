"""How rollouts are shown to people: plans, transitions with their evidence, and sums of simulated runs."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earthward.rollout.alpha import shares
from earthward.rollout.judge import span
from earthward.rollout.plan import Gate, Plan, Stage, metric_of, percent
from earthward.rollout.simulate import Sums
from earthward.rollout.state import Finding, Transition

NARROW, LINES = 110, 140
"""Columns below which a table leaves a column out, and below which moves with their evidence are told in lines."""
WIDE = 150
"""Columns where the output is no terminal, which would say how wide it is."""

DATES, LAST = 1e9, 1e11
"""Seconds since 1970. Logs that people make count from nothing."""

VERDICT_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow", "no data": "dim", "error": "magenta"}


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def cell(text: object, style: str = "") -> Text:
    """Names and reasons come from files and callers, so nothing of theirs may steer the terminal."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in str(text)), style)


def plan_tables(plan: Plan) -> Iterable[Table]:
    stages = Table("stage", "gates", box=None, pad_edge=False)
    for name in ("min requests", "hold", "timeout"):
        stages.add_column(name, justify="right")
    stages.add_column("on timeout")
    stages.add_column("approval")
    for stage in (*plan.stages, plan.bake):
        stages.add_row(*map(cell, _stage_row(stage, is_bake=stage is plan.bake)))
    yield stages
    alphas = shares(plan)
    gates = Table("gate", "role", "good enough", "worse", box=None, pad_edge=False)
    gates.add_column("α of its test", justify="right")
    for gate in plan.gates:
        gates.add_row(*map(cell, (gate.metric, gate.role, *_bounds(gate), f"{alphas[gate.metric]:.3g}")))
    yield gates


def _bounds(gate: Gate) -> tuple[str, str]:
    """What is good enough, and what is worse."""
    match metric_of(gate).kind:
        case "sums":
            return "only shown", "-"
        case "pairs":
            return f"mean above {0.5 - gate.margin:g}", f"mean below {0.5 - gate.margin:g}"
    worse = "more often" if gate.tolerate == 1 else f"above {gate.tolerate:g} times as often"
    return f"below {gate.below:g} times, or {gate.negligible * 100:g}%", worse


def _stage_row(stage: Stage, *, is_bake: bool) -> tuple[object, ...]:
    name = f"bake {percent(stage.share)}" if is_bake else stage.name
    gates = ", ".join(stage.gates) or "-"
    timeout = "-" if stage.timeout is None else span(stage.timeout)
    patience = "-" if stage.timeout is None else stage.on_timeout
    approval = "wanted" if stage.approval else "-"
    return name, gates, f"{stage.min_requests:,}", span(stage.hold), timeout, patience, approval


def print_transitions(transitions: Iterable[Transition]) -> None:
    """As a table where there is room for one, else as lines."""
    screen = console()
    if screen.width >= LINES:
        screen.print(transitions_table(transitions))
        return
    for it in transitions:
        screen.print(cell(f"{at(it.t)}  {it.before} -> {it.after}, after {it.requests:,} requests"))
        screen.print(Padding(cell(f"{it.by or '-'}: {it.why or '-'}"), (0, 0, 0, 2)))
        for found in it.evidence:
            screen.print(Padding(_finding(found), (0, 0, 0, 4)))


def at(t: float) -> str:
    """A time of the clock, in UTC; seconds where it is none."""
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M:%S") if DATES <= t < LAST else f"{t:.1f} s"


def transitions_table(transitions: Iterable[Transition]) -> Table:
    table = Table("at", "from", "to", box=None, pad_edge=False)
    table.add_column("share", justify="right")
    table.add_column("requests", justify="right")
    for name in ("by", "why", "evidence"):
        table.add_column(name, overflow="fold")
    for it in transitions:
        share = f"shadow {percent(it.shadow)}" if it.shadow else percent(it.share)
        cells = (at(it.t), it.before, it.after, share, f"{it.requests:,}", it.by or "-", it.why or "-")
        table.add_row(*map(cell, cells), _evidence(it.evidence))
    return table


def _evidence(findings: Iterable[Finding]) -> Text:
    lines = [_finding(it) for it in findings]
    return Text("\n").join(lines) if lines else cell("-")


def _finding(it: Finding) -> Text:
    text = cell(f"{it.metric} ")
    text.append(it.verdict, VERDICT_STYLES[it.verdict])
    if it.mean is not None:
        text.append(f" mean {it.mean:.3g} of {it.candidate:,}")
    else:
        text.append(f" {it.candidate_bad:,}/{it.candidate:,} to {it.baseline_bad:,}/{it.baseline:,}")
    text.append(f", worse {_of(it.e_worse, it.enough_worse)}, good {_of(it.e_good, it.enough_good)}", "dim")
    if it.expected_s is not None:
        text.append(f", about {span(it.expected_s)} to go", "dim")
    return text


def _of(fortune: float, enough: float) -> str:
    return f"{fortune:.2g} of {enough:.3g}" if fortune < 100 else f"{fortune:,.0f} of {enough:,.0f}"


def sums_table(sums: dict[str, tuple[str, Sums]]) -> Table:
    """What a scenario is stands below, where there is no room for it."""
    is_wide = console().width >= NARROW
    table = Table("scenario", box=None, pad_edge=False)
    if is_wide:
        table.add_column("what happens")
    for name in ("rolled back", "promoted", "undecided"):
        table.add_column(name if is_wide else name.replace(" ", "\n"), justify="right", no_wrap=is_wide)
    for name in ("requests", "time", "exposed"):
        table.add_column(f"{name}\nmedian / p90", justify="right")
    for name, (says, it) in sums.items():
        chances = (f"{part:.1%}" for part in (it.rolled_back, it.promoted, it.undecided))
        table.add_row(
            *map(cell, (name, says, *chances) if is_wide else (name, *chances)),
            cell(_pair(it.requests_median, it.requests_p90)),
            cell(
                "-"
                if it.seconds_median is None or it.seconds_p90 is None
                else f"{span(it.seconds_median)} / {span(it.seconds_p90)}"
            ),
            cell(_pair(it.exposed_median, it.exposed_p90)),
        )
    return table


def _pair(median: float | None, p90: float | None) -> str:
    return "-" if median is None or p90 is None else f"{median:,.0f} / {p90:,.0f}"
