"""What is measured: each experiment is a function of a seed, run many times."""

import random
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from earthward.bench.rollout import rules, streams
from earthward.rollout.plan import Plan
from earthward.rollout.read_plan import plan
from earthward.rollout.simulate import Run, run
from earthward.rollout.worlds import world

RATE = 0.01
LONG = 100_000
BREAK = 50_000
LAST_BREAK = 20_000
LAST_SHARE = 7500
WORSE = {"2 %": 0.02, "5 %": 0.05, "20 %": 0.2}
WHOLE = ("parity", "drift", "outages", "ramp", "saturation")
MOST_WHOLE = 400_000

WHOLE_PLAN: Plan = plan(
    {
        "stages": ["5%", "25%", "75%", "100%"],
        "gates": ["error_rate", "ttft", "quality"],
        "min_requests": 100,
        "bake": {"for": "1d", "holdback": "2%"},
    },
    "measured",
)


PARTS = {"each thousand requests": 1000, "where it has lost": 0}

Result = int | Run | None


class Experiment(NamedTuple):
    """`runs` in full, `short` for a quick look."""

    work: Callable[[str], Result]
    runs: int
    short: int


def detected(seed: str, candidate: float, breaks_after: int = 0) -> int | None:
    return streams.worse_until(_chance(seed), "error_rate", (RATE, candidate), LONG, breaks_after)


def slow_detected(seed: str, slower: float) -> int | None:
    rates = streams.late_part(1.0), streams.late_part(slower)
    return streams.worse_until(_chance(seed), "ttft", rates, LONG)


def broken_at_last(seed: str, metric: str, rates: tuple[float, float]) -> int | None:
    """A break when most of the traffic is on the candidate."""
    return streams.worse_until(_chance(seed), metric, rates, LONG, LAST_BREAK, LAST_SHARE)


def certified(seed: str, candidate: float) -> int | None:
    return streams.until(streams.good_enough("error_rate"), _chance(seed), (RATE, candidate), LONG)


def paired(seed: str, wins: float, *, good: bool) -> int | None:
    return streams.pairs_until(_chance(seed), (wins, 0.3), good=good)


def ruled(seed: str, rule: str, candidate: float) -> int | None:
    return streams.until(rules.RULES[rule](), _chance(seed), (RATE, candidate), LONG)


def foretold(seed: str, candidate: float) -> int | None:
    return streams.until(rules.Oracle(RATE, candidate), _chance(seed), (RATE, candidate), LONG)


def whole(seed: str, scenario: str) -> Run:
    return run(WHOLE_PLAN, world(scenario), _chance(seed), MOST_WHOLE)


def _chance(seed: str) -> random.Random:
    return random.Random(seed)


def experiments() -> dict[str, Experiment]:
    late = {name: rate for name, rate in WORSE.items() if name != "2 %"}
    return {
        "null": Experiment(partial(detected, candidate=RATE), 4000, 200),
        **{f"worse {name}": Experiment(partial(detected, candidate=rate), 4000, 200) for name, rate in WORSE.items()},
        **{
            f"late {name}": Experiment(partial(detected, candidate=rate, breaks_after=BREAK), 2000, 100)
            for name, rate in late.items()
        },
        **{
            f"late {name} at 75 %": Experiment(partial(broken_at_last, metric=metric, rates=rates), 2000, 100)
            for name, metric, rates in (
                ("5 %", "error_rate", (RATE, WORSE["5 %"])),
                ("20 %", "error_rate", (RATE, WORSE["20 %"])),
                ("slow × 3", "ttft", (streams.late_part(1.0), streams.late_part(3.0))),
            )
        },
        "slow × 1": Experiment(partial(slow_detected, slower=1.0), 1000, 20),
        **{f"slow × {by:g}": Experiment(partial(slow_detected, slower=by), 4000, 200) for by in (1.25, 1.5, 2.0)},
        "certified at parity": Experiment(partial(certified, candidate=RATE), 600, 15),
        "certified at twice the rate": Experiment(partial(certified, candidate=2 * RATE), 300, 5),
        "pairs, promoted at parity": Experiment(partial(paired, wins=0.35, good=True), 2000, 60),
        "pairs, -10 points": Experiment(partial(paired, wins=0.25, good=False), 2000, 60),
        "pairs, -20 points": Experiment(partial(paired, wins=0.15, good=False), 2000, 60),
        "pairs, rolled back at -5": Experiment(partial(paired, wins=0.3, good=False), 2000, 60),
        "pairs, promoted at -5": Experiment(partial(paired, wins=0.3, good=True), 2000, 60),
        **{f"oracle {name}": Experiment(partial(foretold, candidate=rate), 2000, 60) for name, rate in WORSE.items()},
        **{f"whole {name}": Experiment(partial(whole, scenario=name), 600, 2) for name in WHOLE},
        "whole sticky": Experiment(partial(whole, scenario="sticky"), 400, 2),
    }


def comparison() -> dict[str, Experiment]:
    """Other rules, only for the table that compares them."""
    rates = {"parity": RATE, **WORSE}
    return {
        f"{rule} | {name}": Experiment(partial(ruled, rule=rule, candidate=rate), 100, 5)
        for rule in rules.RULES
        for name, rate in rates.items()
    }


def changed(seed: str, metric: str, rates: tuple[float, float], share: int, block: int) -> int | None:
    """A break anywhere within a thousand requests."""
    chance = _chance(seed)
    after = (BREAK if share == streams.SHARE else LAST_BREAK) + chance.randrange(1000)
    return streams.worse_until(chance, metric, rates, LONG, after, share, block)


def parts() -> dict[str, Experiment]:
    """How soon a late break is found, by when parts of the stake are put in."""
    late = streams.late_part
    breaks = [(f"errors {name}", "error_rate", (RATE, rate)) for name, rate in WORSE.items() if name != "2 %"]
    breaks += [(f"TTFT × {by:g}", "ttft", (late(1.0), late(by))) for by in (1.5, 3.0)]
    return {
        f"{rule} | {name}, share {share // 100} %": Experiment(
            partial(changed, metric=metric, rates=rates, share=share, block=block), 500, 20
        )
        for rule, block in PARTS.items()
        for share in (streams.SHARE, 2500, LAST_SHARE)
        for name, metric, rates in breaks
    }


def compared() -> dict[str, Experiment]:
    """All that the table needs."""
    wanted = ("null", *(f"{what} {name}" for what in ("worse", "oracle") for name in WORSE))
    ours = {name: it._replace(runs=1000) for name, it in experiments().items() if name in wanted}
    return {**ours, **comparison()}
