"""`python -m earthward.bench.rollout`: the bars of the rollout's tests, by seeded simulations on all cores.

Prints each figure beside its bar, and how the same failures are found by the rules of others and by an oracle. Exit
status: 0 all bars met, 1 one is missed. `--document FILE` measures the comparison alone, and writes it into that page.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from earthward.bench.rollout.bars import Judged, found, judged, median, p90
from earthward.bench.rollout.experiments import PARTS, WORSE, Result, compared, comparison, experiments, parts
from earthward.bench.rollout.measure import Results, measured
from earthward.bench.rollout.rules import RULES
from earthward.bench.rollout.speed import MOST_MICROSECONDS, microseconds

SEED = 1
BEGIN = "<!-- comparison: written by make docs-rollout -->"
END = "<!-- end of comparison -->"
STYLES = {"met": "green", "missed": "red", "not measured": "yellow"}
OURS = "**Earthward**"
ORACLE = "an oracle that knows both rates"


def main(words: Sequence[str]) -> int:
    options = _options(words)
    if options.document:
        return _document(options)
    console = _console()
    if options.parts:
        console.print(_parts_table(measured(parts(), options.seed, options.jobs, short=options.short)))
        return 0
    chosen = {**experiments(), **(comparison() if options.compare else {})}
    if options.only:
        chosen = {name: it for name, it in chosen.items() if any(word in name for word in options.only)}
    if options.runs:
        chosen = {name: it._replace(runs=min(it.runs, options.runs)) for name, it in chosen.items()}
    began = time.monotonic()
    results = measured(chosen, options.seed, options.jobs, short=options.short)
    verdicts = [it for it in judged(results) if it.figure or not options.only]
    console.print(_bars_table(verdicts))
    if options.compare:
        console.print(_comparison_table(results))
    per_event = microseconds()
    slow = "met" if per_event <= MOST_MICROSECONDS else "missed"
    console.print(f"\n{per_event:.1f} µs per event with six gates, bar {MOST_MICROSECONDS:g}: {slow}")
    console.print(f"Seed {options.seed}, {'short' if options.short else 'full'}, {time.monotonic() - began:.0f} s.")
    return int(slow == "missed" or any(it.verdict == "missed" for it in verdicts))


def _document(options: argparse.Namespace) -> int:
    """Writes the comparison between its marks in a page."""
    page = options.document.read_text()
    if BEGIN not in page or END not in page:
        sys.stderr.write(f"{options.document} has no place for the comparison: {BEGIN} and {END}\n")
        return 2
    results = measured(compared(), options.seed, options.jobs, short=options.short)
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    options.document.write_text(f"{before}{BEGIN}\n{comparison_page(results)}{END}{after}")
    _console().print(_comparison_table(results))
    return 0


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 130, highlight=False)


def _bars_table(verdicts: Sequence[Judged]) -> Table:
    table = Table("what", box=None, pad_edge=False)
    table.add_column("measured", justify="right")
    table.add_column("bar", justify="right")
    table.add_column("")
    for it in verdicts:
        sign = "≤" if it.sense == "at most" else "≥"
        shown = f"{it.limit:.0%}" if it.is_part else f"{it.limit:,.0f}"
        table.add_row(it.what, _figure(it), f"{sign} {shown}", f"[{STYLES[it.verdict]}]{it.verdict}[/]")
    return table


def _figure(it: Judged) -> str:
    if it.figure is None:
        return "-"
    if it.is_part:
        low, high = it.figure.interval
        return f"{it.figure.value:.1%} ({low:.1%} to {high:.1%} of {it.figure.of:,})"
    return f"{it.figure.value:,.0f}"


def comparison_rows(results: Results) -> list[list[str]]:
    """A row a rule: false rollbacks at parity, then the candidate's requests until each failure is found."""
    rows = [[rule, *(_cell(results[f"{rule} | {name}"], name) for name in ("parity", *WORSE))] for rule in RULES]
    ours = [_cell(results["null"], "parity"), *(_cell(results[f"worse {name}"], name) for name in WORSE)]
    oracle = ["-", *(_cell(results[f"oracle {name}"], name) for name in WORSE)]
    return [*rows, [OURS, *ours], [ORACLE, *oracle]]


def _cell(results: Sequence[Result], name: str) -> str:
    share = found(results).value
    if name == "parity":
        return f"{share:.1%}"
    middle, high = median(results), p90(results)
    if middle is None or high is None:
        return "-"
    missed = "" if share == 1 else f" ({share:.1%} found)"
    return f"{middle.value:,.0f} / {high.value:,.0f}{missed}".replace("inf", "-")


HEADS = ("Rule", "false rollback at parity", *(f"errors at {name}" for name in WORSE))


def _comparison_table(results: Results) -> Table:
    table = Table(HEADS[0], box=None, pad_edge=False)
    for head in HEADS[1:]:
        table.add_column(head, justify="right")
    for row in comparison_rows(results):
        table.add_row(*(cell.strip("*") for cell in row))
    return table


def _parts_table(results: Results) -> Table:
    table = Table("a break to", *PARTS, box=None, pad_edge=False)
    for name in dict.fromkeys(name.partition(" | ")[2] for name in results):
        table.add_row(name, *(_cell(results[f"{rule} | {name}"], name) for rule in PARTS))
    return table


def comparison_page(results: Results) -> str:
    lines = [HEADS, ("---", *("--:" for _ in HEADS[1:])), *comparison_rows(results)]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m earthward.bench.rollout", description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="few runs, for a quick look")
    parser.add_argument("--compare", action="store_true", help="the rules of others too")
    parser.add_argument("--document", type=Path, help="write the comparison into this page")
    parser.add_argument("--parts", action="store_true", help="only: when to put in what is held back for late breaks")
    parser.add_argument("--only", nargs="+", help="only experiments with one of these words in their names")
    parser.add_argument("--runs", type=int, help="at most so many runs of each experiment")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(words)
    if options.compare and options.only:
        parser.error("--compare needs all experiments; leave --only out")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
