"""What a report says, as plain values, made of the rows that its queries gave. Pure.

Money is nano-dollars. An interval is one of 95 %. What can't be told is None.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from earthward.ledger.summary import middle
from earthward.report.intervals import Interval, Z, wilson
from earthward.report.moves import Move, Standing

EPOCH = date(1970, 1, 1)
DAY_MINUTES = 1440
SERVED = ("serve", "drill")
"""A drill answers a caller, as any other does."""
LEAST_DAYS = 7
PROJECTED_DAYS = 365
RECENT_DAYS = 28
BAD_RATE = 0.05
FEW = 20
MATTERS = 0.005
"""A difference between shares of failures that is worth stopping for; with many requests, smaller ones show too."""


class Day(msgspec.Struct, frozen=True):
    """`paid` is all that went out: clouds, own cost, retries, shadows and judges. `would` is what it would have been
    without own models: what clouds served, at what it cost, and what was served at home at the price asked for."""

    day: date
    local: int
    cloud: int
    would: int
    paid: int
    saved: int
    errors: int


class ArmFigures(msgspec.Struct, frozen=True):
    """`errors` counts those a caller saw and those another target rescued. Times in nanoseconds."""

    arm: str
    target: str
    requests: int
    errors: Interval | None
    rescued: int
    ttft_p50: Interval | None
    ttft_p95: Interval | None


class Spend(msgspec.Struct, frozen=True):
    name: str
    requests: int
    cost: int


class ClassFigures(msgspec.Struct, frozen=True):
    """How many requests with data of that class went to a cloud, and how many stayed."""

    name: str
    left: int
    stayed: int


class StageFigures(msgspec.Struct, frozen=True):
    route: str
    stage: int
    first: date
    last: date
    baseline: int
    candidate: int


class Figures(msgspec.Struct, frozen=True):
    """`saved_to_date` counts the days before these too."""

    first: date
    last: date
    days: tuple[Day, ...]
    requests: int
    saved: int
    saved_to_date: int
    unknown_saved: int
    displaced: int
    estimated: int
    unknown_costs: int
    cloud_cost: int
    own_cost: int
    overheads: tuple[Spend, ...]
    projected: Interval | None
    capex: int | None
    paid_back: float | None
    days_to_go: int | None
    arms: tuple[ArmFigures, ...]
    stages: tuple[StageFigures, ...]
    apps: tuple[tuple[str, int, int, int], ...]
    incidents: tuple[tuple[date, int, int], ...]
    classes: tuple[ClassFigures, ...]
    kilowatt_hours: float | None
    kilograms: float | None
    moves: tuple[Move, ...]
    standings: tuple[Standing, ...]
    next_step: str


def quantile(times: dict[int, int], share: float) -> Interval | None:
    """A percentile of counted times, with the interval that the ranks beside it give."""
    count = sum(times.values())
    if count < FEW:
        return None
    reach = Z * math.sqrt(count * share * (1 - share))
    ranks = (share * count, share * count - reach, share * count + reach)
    found = [_at(times, min(count, max(1, math.ceil(rank)))) for rank in ranks]
    return Interval(*found)


def _at(times: dict[int, int], rank: int) -> int:
    for time in sorted(times):
        rank -= times[time]
        if rank <= 0:
            return time
    return max(times)


def projected(saved: Sequence[int]) -> Interval | None:
    """A year's savings out of the last days', if they go on as they were; None before there is a week of them."""
    recent = saved[-RECENT_DAYS:]
    if len(recent) < LEAST_DAYS:
        return None
    mean = sum(recent) / len(recent)
    spread = math.sqrt(sum((it - mean) ** 2 for it in recent) / (len(recent) - 1))
    reach = Z * spread / math.sqrt(len(recent))
    return Interval(*(it * PROJECTED_DAYS for it in (mean, mean - reach, mean + reach)))


def day_of(start: int) -> date:
    return EPOCH + timedelta(days=start // DAY_MINUTES)


def days(rows: Iterable[Sequence[int | str]]) -> tuple[Day, ...]:
    """Of rows (start, zone, purpose, requests, cost, own_cost, counterfactual, saved, errors)."""
    found: dict[date, list[int]] = defaultdict(lambda: [0] * 6)
    for start, zone, purpose, requests, cost, own, counterfactual, saved, errors in rows:
        sums = found[day_of(int(start))]
        if purpose in SERVED:
            sums[0 if zone == "local" else 1] += int(requests)
            sums[2] += int(counterfactual) if zone == "local" else int(cost)
            sums[5] += int(errors)
        sums[3] += int(cost) + int(own)
        sums[4] += int(saved)
    if not found:
        return ()
    first, last = min(found), max(found)
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return tuple(Day(day, *found.get(day, [0] * 6)) for day in every)


def arms(rows: Iterable[Sequence[int | str]], ttfts: Iterable[Sequence[int | str]]) -> tuple[ArmFigures, ...]:
    """Of rows (arm, target, requests, errors, rescued), and (arm, target, bucket, requests)."""
    times: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for arm, target, bucket, count in ttfts:
        times[str(arm), str(target)][middle(int(bucket))] = int(count)
    found = []
    for arm, target, requests, errors, rescued in rows:
        counted = times[str(arm), str(target)]
        rate = wilson(int(errors) + int(rescued), int(requests))
        found.append(
            ArmFigures(
                str(arm),
                str(target) or "(none)",
                int(requests),
                rate,
                int(rescued),
                quantile(counted, 0.5),
                quantile(counted, 0.95),
            )
        )
    return tuple(found)


def incidents(found: Sequence[Day]) -> tuple[tuple[date, int, int], ...]:
    """Days on which more than one answer in twenty failed: (day, errors, requests)."""
    totals = ((it.day, it.errors, it.local + it.cloud) for it in found)
    return tuple(it for it in totals if it[2] >= FEW and it[1] > BAD_RATE * it[2])


def next_step(
    found: Sequence[Day],
    by_arm: Sequence[ArmFigures],
    unknown_saved: int,
    saved: int,
    rollouts: Sequence[Standing] = (),
) -> str:
    """What the figures call for, in one sentence."""
    total, local = sum(it.local + it.cloud for it in found), sum(it.local for it in found)
    if not total:
        return "Send traffic through the gateway: there is nothing to report yet."
    if not local:
        return "Begin with a small share on a local model: all traffic is served by the cloud."
    for it in rollouts:
        if it.now.startswith("rolled back"):
            return f"Find out why the rollout of {it.route} was rolled back, mend it, then retry: {it.why}."
    candidates = [it for it in by_arm if it.arm == "candidate" and it.errors]
    baselines = [it for it in by_arm if it.arm == "baseline" and it.errors]
    for candidate in candidates:
        worst = max((it.errors.high for it in baselines if it.errors), default=1.0)
        if candidate.errors and candidate.errors.low > worst + MATTERS:
            return f"Stop and look at {candidate.target}: it fails more often than the baseline, beyond doubt."
    if unknown_saved:
        return "State own costs for every local target: without them, part of the savings can't be told."
    if saved < 0:
        return "Look at the local targets' costs: as used today, they cost more than the cloud would."
    waiting = next((it for it in rollouts if ", paused (" in it.now), None)
    if waiting is not None:
        return f"Decide on the rollout of {waiting.route}, which is {waiting.now}: {waiting.why}."
    if local / total < 0.95:
        share = local / total * 100
        return f"Raise the local share, which is {share:.0f} % now: nothing in the figures speaks against it."
    return "Keep a holdback, and look again in a month."
