"""`python -m earthward.bench.fleet`: what each balancing policy makes of six unequal Ollama hosts and four models.

On paper and in simulated time, with the gateway's own policies. Exit status: 0 `warmest` wins clearly, 1 it does not.
"""

import argparse
import sys

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from earthward.bench.fleet.simulate import Outcome, simulate
from earthward.routing.balance import POLICIES

AGAINST = ("round_robin", "least_busy")
CLEARLY = 0.7
"""At most this share of the others' figure is a clear win."""


class Comparison(msgspec.Struct, frozen=True):
    """`first` and `loads` are the figures of `warmest` as a share of the best of those it is compared with."""

    seed: int
    minutes: float
    rate: float
    outcomes: tuple[Outcome, ...]
    first: float
    loads: float

    @property
    def is_won(self) -> bool:
        return self.first <= CLEARLY and self.loads <= CLEARLY


def compared(seed: int, minutes: float, rate: float, outcomes: list[Outcome]) -> Comparison:
    by_name = {outcome.policy: outcome for outcome in outcomes}
    warm, others = by_name["warmest"], [by_name[name] for name in AGAINST]
    first = warm.p95 / min(other.p95 for other in others)
    loads = warm.loads_per_minute / min(other.loads_per_minute for other in others)
    return Comparison(seed, minutes, rate, tuple(outcomes), first, loads)


def table(comparison: Comparison) -> Table:
    title = f"Six hosts, four models, room for two each; {comparison.rate:g} requests/s for {comparison.minutes:g} min"
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    for heading in ("answered", "first token p50", "p95", "loads a minute"):
        shown.add_column(heading, justify="right")
    for it in comparison.outcomes:
        figures = f"{it.answered} of {it.asked}", f"{it.p50:.2f} s", f"{it.p95:.2f} s", f"{it.loads_per_minute:.2f}"
        shown.add_row(it.policy, *figures)
    return shown


def told(comparison: Comparison, *, as_json: bool) -> int:
    """Prints it. The exit status: 0 `warmest` wins clearly, 1 it does not."""
    if as_json:
        print(msgspec.json.encode(comparison).decode())
    else:
        Console().print(table(comparison))
        print(
            f"warmest: {1 - comparison.first:.0%} less time to the first token at p95 and {1 - comparison.loads:.0%} "
            f"fewer loads than the better of {' and '.join(AGAINST)}"
        )
    return 0 if comparison.is_won else 1


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.fleet", description=str(__doc__).split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20.0, help="simulated; a minute takes some 10 ms")
    parser.add_argument("--rate", type=float, default=1.0, help="requests a second; at 2 the others are overwhelmed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main() -> int:
    given = arguments().parse_args()
    names = track(POLICIES, "simulating", console=Console(stderr=True), transient=True)
    outcomes = [simulate(name, seed=given.seed, minutes=given.minutes, rate=given.rate) for name in names]
    comparison = compared(given.seed, given.minutes, given.rate, outcomes)
    return told(comparison, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
