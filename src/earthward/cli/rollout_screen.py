"""How rollouts are shown to people: plans, transitions with their evidence, and sums of simulated runs."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.rollout.alpha import shares
from earthward.rollout.judge import span
from earthward.rollout.plan import Plan, Stage, percent
from earthward.rollout.simulate import Sums
from earthward.rollout.state import Finding, Transition

WIDE = 150
"""Columns where the output is no terminal, which would say how wide it is."""

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
        is_paired = gate.metric == "quality"
        good = f"mean above {0.5 - gate.margin:g}" if is_paired else f"below {gate.below:g} times the baseline's"
        worse = f"mean below {0.5 - gate.margin:g}" if is_paired else f"above {gate.tolerate:g} times the baseline's"
        gates.add_row(*map(cell, (gate.metric, gate.role, good, worse, f"{alphas[gate.metric]:.3g}")))
    yield gates


def _stage_row(stage: Stage, *, is_bake: bool) -> tuple[object, ...]:
    name = f"bake {percent(stage.share)}" if is_bake else stage.name
    gates = ", ".join(stage.gates) or "-"
    timeout = "-" if stage.timeout is None else span(stage.timeout)
    patience = "-" if stage.timeout is None else stage.on_timeout
    approval = "wanted" if stage.approval else "-"
    return name, gates, f"{stage.min_requests:,}", span(stage.hold), timeout, patience, approval


def transitions_table(transitions: Iterable[Transition]) -> Table:
    table = Table("at", "from", "to", box=None, pad_edge=False)
    table.add_column("share", justify="right")
    table.add_column("requests", justify="right")
    for name in ("by", "why", "evidence"):
        table.add_column(name, overflow="fold")
    for it in transitions:
        share = f"shadow {percent(it.shadow)}" if it.shadow else percent(it.share)
        cells = (f"{it.t:.1f} s", it.before, it.after, share, f"{it.requests:,}", it.by or "-", it.why or "-")
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
    table = Table("scenario", "what happens", box=None, pad_edge=False)
    for name in ("rolled back", "promoted", "undecided", "requests, median / p90", "time", "exposed"):
        table.add_column(name, justify="right")
    for name, (says, it) in sums.items():
        chances = (f"{part:.1%}" for part in (it.rolled_back, it.promoted, it.undecided))
        table.add_row(
            *map(cell, (name, says, *chances)),
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
