"""`python -m earthward.bench.migration`: whole migrations with real tokens, compressed in time.

The candidate is the embedded engine, the baseline a simulated cloud. Promoted where the candidate is fine, also while
its controller is killed again and again; rolled back where it begins to fail, to be slow, to cut answers off, or to
answer worse, which a judge finds in pairs of answers.
Exit status: 0 all as they should be, 1 one is not.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from earthward.bench.migration.figures import Came
from earthward.bench.migration.play import CAUSES, SCENARIOS, WHOLE_WAY, played
from earthward.rollout.controller import OURSELVES

LONGEST_LAG = 1.0
"""Seconds until no traffic is on a candidate that was rolled back."""


def main(words: Sequence[str]) -> int:
    options = _options(words)
    console = Console(width=None if sys.stdout.isatty() else 130)
    came = []
    for scenario in options.scenarios or SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="earthward-migration-") as folder:
            came.append(played(scenario, Path(folder), options.seed))
        if not options.json:
            it = came[-1]
            console.print(f"{it.scenario}: {' -> '.join(it.places)} ({it.why})", highlight=False)
    if options.json:
        print(msgspec.json.encode(came).decode())
    else:
        console.print(_table(came))
    return int(any(problems(it) for it in came))


def problems(it: Came) -> list[str]:
    """What is not as it should be."""
    harm = SCENARIOS[it.scenario]
    wanted = "completed" if harm == "none" else "rolled back"
    found = []
    if it.end != wanted:
        found.append(f"{it.end}, not {wanted}")
    elif harm == "none" and it.places != WHOLE_WAY:
        found.append(f"not by its stages, but {' -> '.join(it.places)}")
    elif harm != "none" and CAUSES[harm] not in it.why:
        found.append(f"not for {CAUSES[harm]}: {it.why}")
    if it.by != OURSELVES:
        found.append(f"not by itself, but by {it.by}")
    if it.scenario == "killed" and not it.kills:
        found.append("the controller was never killed")
    # Who is killed between telling a hook and noting it tells it again.
    if it.noticed < it.moves or (it.noticed > it.moves and not it.kills):
        found.append(f"a hook heard {it.noticed} times of {it.moves} moves")
    if it.flaps:
        found.append(f"{it.flaps} units flapped")
    if it.lag is not None and it.lag > LONGEST_LAG:
        found.append(f"traffic on the candidate for {it.lag:.2f} s after the rollback")
    if it.unanswered:
        found.append(f"{it.unanswered} callers got no answer")
    return found


def _table(came: Sequence[Came]) -> Table:
    table = Table("scenario", "end", box=None, pad_edge=False)
    for name in ("requests", "on candidate", "seconds", "exposed", "traffic gone after", "flapped", "kills", "told"):
        table.add_column(name, justify="right")
    table.add_column("")
    for it in came:
        exposed = "-" if it.exposed is None else f"{it.exposed:,}"
        gone = "-" if it.lag is None else f"{it.lag * 1000:,.0f} ms"
        figures = (f"{it.requests:,}", f"{it.on_candidate:,}", f"{it.seconds:.0f}", exposed, gone)
        verdict = "; ".join(problems(it)) or "as it should be"
        table.add_row(it.scenario, it.end, *figures, str(it.flaps), str(it.kills), str(it.noticed), verdict)
    return table


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m earthward.bench.migration", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; by default all")
    parser.add_argument("--seed", type=int, default=1, help="of the kills")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
