"""`python -m earthward.bench.decisions`: what one routing decision costs, and whether it stays that with many routes,
endpoints and keys. Exit status: 0 flat, 1 not.
"""

import argparse
import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from earthward.config.snapshot import Account, Key, Quota, Route, Snapshot, Spend, Target, When
from earthward.gateway.limiting import Metered
from earthward.gateway.meters import Meters
from earthward.routing.balance import POLICIES, choices
from earthward.routing.balance.affinity import Affinity
from earthward.routing.balance.shortlist import shortlist
from earthward.routing.balance.standing import Report, Standing
from earthward.routing.balance.view import Ask, Resident
from earthward.routing.match import Asked, Router
from earthward.routing.plan import Planner
from earthward.store.digest import digest_of

FLAT = 3.0
"""How many times the cost at a handful the cost at the greatest number may be."""
FEW = {"routes": 10, "endpoints": 8, "keys": 10, "limits": 10}
MANY = {
    "routes": (10, 100, 1000),
    "endpoints": (1, 8, 40, 200),
    "keys": (10, 1000, 100_000),
    "limits": (10, 1000, 100_000),
}
GOES = 5
MODEL = "llama3.1:8b"


class Cost(msgspec.Struct, frozen=True):
    """Microseconds of one decision with so many of `of`; `way` is the policy, where one is asked."""

    of: str
    count: int
    way: str
    microseconds: float


def routes(count: int) -> Callable[[int], object]:
    """Matching and planning; the route that matches is the last but one."""
    rules = [Route(f"r{number}", When(model=(f"model-{number}-*",)), use="a") for number in range(count)]
    target = Target("a", "p", MODEL, "local")
    router = Router(Snapshot("v", "d", (), (target,), tuple(rules)))
    planner = Planner(router.targets)
    asked = Asked(f"model-{count - 1}-x", "chat", "", "", "key", "app", "team", ())

    def decide(turn: int) -> object:
        route = router.route(asked)
        assert route is not None
        return planner.plan(route, unit="unit", salt=b"salt")

    return decide


@cache
def _conversations(count: int) -> tuple[Affinity, list[bytes]]:
    """Two thousand, and the hosts each prefers, worked out once: that takes longer than all else."""
    affinity = Affinity([f"http://gpu-{place}:11434" for place in range(count)])
    roots = [number.to_bytes(4) for number in range(2000)]
    for root in roots:
        affinity.of(root)
    return affinity, roots


def endpoints(count: int, way: str) -> Callable[[int], object]:
    """A choice among so many hosts, a third of which hold the model."""
    standings = [Standing() for _ in range(count)]
    for place, standing in enumerate(standings):
        held = (Resident(MODEL, 8192, 1, 1),) if place % 3 == 0 else ()
        standing.heard(Report(0.0, held), 0.0)
    warm = [place for place, standing in enumerate(standings) if standing.holds(MODEL)]
    affinity, roots = _conversations(count)
    policy = POLICIES[way]

    def decide(turn: int) -> object:
        preferred = affinity.of(roots[turn % len(roots)])
        looked_at = shortlist(count, turn, preferred[:2], warm)
        views = [standings[place].view(place, 4, MODEL, turn % 5, 1.0) for place in looked_at]
        return choices(policy, views, Ask(8192, preferred, 0.1, 0, count, turn, turn % 97 / 97))

    return decide


def keys(count: int) -> Callable[[int], object]:
    """Who calls, by the hash of what is presented."""
    pepper = b"p" * 32
    presented = [f"ew-{number}".encode() for number in range(count)]
    known = {digest_of(pepper, each): Key(str(number), b"") for number, each in enumerate(presented)}
    return lambda turn: known[digest_of(pepper, presented[turn % count])]


def limits(count: int) -> Callable[[int], object]:
    """One admission and one settlement of a key with limits, of so many, over the meters of four workers."""
    folder = Path(tempfile.mkdtemp())
    meters = Meters(folder, 0, 5)
    quota = Quota(rpm=10**9, tpm=10**9, parallel=10**6, budgets=(Spend("day", 10**15), Spend("month", 10**15)))
    known = [Metered(Account("key", str(number), number, quota), meters) for number in range(count)]
    # The segments are open, and need no names any more.
    shutil.rmtree(folder)

    def decide(turn: int) -> object:
        account = known[turn % count]
        found = account.why_not(100, turn), account.over(20_000)
        account.leave(account.enter(100, turn), 100, 120, 1000, turn, 20_000)
        return found

    return decide


def costs_of(of: str, way: str, deciding: Callable[[int], Callable[[int], object]], rounds: int) -> list[Cost]:
    """Microseconds a decision with each number of them, the best of five goes.

    Each number has its goes among those of the others, so that what else the machine does is nobody's growth.
    """
    decisions = {count: deciding(count) for count in MANY[of]}
    best = dict.fromkeys(decisions, float("inf"))
    gc.disable()
    for _ in range(GOES):
        for count, decide in decisions.items():
            decide(0)
            start = time.perf_counter()
            for turn in range(rounds):
                decide(turn)
            best[count] = min(best[count], (time.perf_counter() - start) / rounds)
    gc.enable()
    return [Cost(of, count, way, seconds * 1e6) for count, seconds in best.items()]


def measure(rounds: int) -> list[Cost]:
    found = costs_of("routes", "", routes, rounds)
    for way in POLICIES:
        found += costs_of("endpoints", way, partial(endpoints, way=way), rounds)
    return found + costs_of("keys", "", keys, rounds) + costs_of("limits", "", limits, rounds)


def growth(costs: list[Cost]) -> float:
    """The most that any kind of decision grows from a handful to the greatest number."""
    few = {(it.of, it.way): it.microseconds for it in costs if it.count == FEW[it.of]}
    return max(it.microseconds / few[it.of, it.way] for it in costs if it.count == MANY[it.of][-1])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m earthward.bench.decisions", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    costs = measure(given.rounds)
    grown = growth(costs)
    if given.json:
        print(msgspec.json.encode({"costs": costs, "growth": grown}).decode())
        return 0 if grown <= FLAT else 1
    table = Table(title="What a decision costs", title_justify="left")
    for heading in ("", "", "µs"):
        table.add_column(heading, justify="right" if heading else "left")
    for it in costs:
        table.add_row(f"{it.count:,} {it.of}", it.way, f"{it.microseconds:.1f}")
    Console().print(table)
    print(f"From a handful to the most, it grows {grown:.1f}-fold at most.")
    return 0 if grown <= FLAT else 1


if __name__ == "__main__":
    sys.exit(main())
