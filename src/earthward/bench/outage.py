"""`python -m earthward.bench.outage`: one host of three fails in each way there is, and comes back; then all fail.

Requests come by the clock at simulated Ollama hosts. What must hold: no request is lost while a host is left; one that
fails fast is out after five failures in a row, for 2 s, then 4, then 8; it comes back with little at first; and while
all fail, the attempts upstream stay within 1.2 of the requests and 10 a second. Exit status: 0 all of it holds, 1 not.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import uvloop
from rich.console import Console
from rich.progress import track
from rich.table import Table

from earthward.bench.callers import Heard, ask, by_the_clock, evenly, question
from earthward.bench.rig import Rig, Simulated, rig
from earthward.routing.retries import PER_REQUEST, PER_SECOND, WINDOW

SLOTS = 4
HOST = ("--slots", str(SLOTS), "--decode", "100", "--prefill", "20000", "--load", "20GB", "--disk", "llama3.2")
RATE = 20.0
TOKENS = 10
BROKEN = {"default": {"fault": "500"}}
HEALED: dict[str, object] = {"default": {}}
REFUSAL = {"behaviour": {"fault": "refused", "wait": 4.0}}
NOTICED = 0.1
"""Seconds by which a gap may be shorter than the pause it shows: clocks start when failures are heard, not sent."""


class Times(msgspec.Struct, frozen=True):
    """Seconds: before the fault, of the fault, after it; and of the outage of all."""

    before: float = 2
    fault: float = 10
    after: float = 18
    outage: float = 20


FULL = Times()
SHORT = Times(before=1, fault=4, after=9, outage=10)


class Fault(msgspec.Struct, frozen=True):
    """What happens to one host of three: how it begins, how it ends, and under which policy. Where `is_ejected`, the
    gaps between the requests that still reach it are its pauses, and must grow."""

    name: str
    begin: Callable[[Simulated], None]
    end: Callable[[Simulated], None]
    balance: str = "warmest"
    is_ejected: bool = False


FAULTS = (
    Fault("black-holed", lambda host: host.send(signal.SIGSTOP), lambda host: host.send(signal.SIGCONT)),
    Fault("fails fast", lambda host: host.script(**BROKEN), lambda host: host.script(**HEALED)),
    Fault(
        "fails fast, in turn",
        lambda host: host.script(**BROKEN),
        lambda host: host.script(**HEALED),
        "round_robin",
        True,
    ),
    Fault("slow", lambda host: host.script(default={"first": 2.0}), lambda host: host.script(**HEALED)),
    Fault("refuses", lambda host: host.script(queue=[REFUSAL]), lambda host: None, "round_robin"),
)


class Outcome(msgspec.Struct, frozen=True):
    """Of one fault. `at_host` requests reached the host while it failed; `pauses` are the gaps between them, in
    seconds, that are as long as an ejection; `back_after` is when it first answered one after the fault (None: never),
    and `share_at_first` of a fair share what it got in the two seconds after that. `slowest` is the longest any caller
    waited, in seconds."""

    fault: str
    requests: int
    lost: int
    at_host: int
    pauses: tuple[float, ...]
    back_after: float | None
    share_at_first: float | None
    slowest: float

    @property
    def holds(self) -> bool:
        is_growing = all(later >= earlier for earlier, later in pairwise(self.pauses))
        return not self.lost and self.back_after is not None and is_growing


class Total(msgspec.Struct, frozen=True):
    """All hosts fail: requests, attempts that reached them, and how many may at most."""

    requests: int
    attempts: int
    allowed: float

    @property
    def holds(self) -> bool:
        return self.attempts <= self.allowed


def configuration(rig: Rig, balance: str) -> str:
    endpoints = ", ".join(f"{{url: '{host.url}', slots: {SLOTS}}}" for host in rig.hosts)
    return (
        f"providers:\n  gpus: {{kind: ollama, balance: {balance}, endpoints: [{endpoints}]}}\n"
        "targets:\n  llama: {provider: gpus, model: llama3.2, context: 4096, keep_alive: -1, warm: 3}\n"
        "routes:\n  - {name: all, use: llama}\n"
    )


async def struck(fault: Fault, times: Times, made: Rig) -> Outcome:
    gateway = made.gateway(configuration(made, fault.balance))
    victim = made.hosts[0]

    async def call(number: int, due: float) -> Heard:
        return await ask(gateway.port, question("llama", f"Request {number}. sim: tokens={TOKENS}"), due)

    await by_the_clock(evenly(RATE, 1.0), call)
    crowd = asyncio.ensure_future(by_the_clock(evenly(RATE, times.before + times.fault + times.after), call))
    await asyncio.sleep(times.before)
    began = time.time_ns()
    await asyncio.to_thread(fault.begin, victim)
    await asyncio.sleep(times.fault)
    ended = time.time_ns()
    await asyncio.to_thread(fault.end, victim)
    heard = await crowd
    log = await asyncio.to_thread(lambda: [host.seen() for host in made.hosts])
    return outcome(fault, began, ended, heard, log)


def outcome(fault: Fault, began: int, ended: int, heard: list[Heard], log: list[list[dict[str, Any]]]) -> Outcome:
    answered = [[each["received_at"] for each in entries if each["how"] == "finished"] for entries in log]
    during = [each["received_at"] for each in log[0] if began <= each["received_at"] < ended]
    after = [at for at in answered[0] if at >= ended]
    gaps = [(later - earlier) / 1e9 for earlier, later in pairwise(during)]
    share = None
    if after:
        first = [sum(1 for at in each if after[0] <= at < after[0] + 2e9) for each in answered]
        share = round(3 * first[0] / max(1, sum(first)), 2)
    return Outcome(
        fault.name,
        len(heard),
        sum(1 for each in heard if not each.is_whole),
        len(during),
        tuple(round(gap, 2) for gap in gaps if gap >= 2 - NOTICED) if fault.is_ejected else (),
        round((after[0] - ended) / 1e9, 2) if after else None,
        share,
        round(max(each.total for each in heard), 2),
    )


async def all_struck(times: Times, made: Rig) -> Total:
    gateway = made.gateway(configuration(made, "round_robin"))
    for host in made.hosts:
        await asyncio.to_thread(host.script, **BROKEN)

    async def call(number: int, due: float) -> Heard:
        return await ask(gateway.port, question("llama", f"Request {number}"), due)

    heard = await by_the_clock(evenly(4 * RATE, times.outage), call)
    attempts = sum(len(host.seen()) for host in made.hosts)
    return Total(len(heard), attempts, allowed(len(heard), times.outage))


def allowed(requests: int, seconds: float) -> float:
    """Attempts at most: a shorter outage may spend what ten seconds give. A second is counted as a whole one."""
    return requests * (1 + PER_REQUEST) + PER_SECOND * (max(seconds, WINDOW) + 1)


def run(times: Times, tell: Console, faults: Sequence[Fault] = FAULTS) -> tuple[list[Outcome], Total]:
    outcomes = []
    for fault in track(faults, "one of three", console=tell, transient=True):
        with rig() as made:
            for _ in range(3):
                made.host(*HOST)
            outcomes.append(uvloop.run(struck(fault, times, made)))
    with rig() as made:
        for _ in range(3):
            made.host(*HOST)
        return outcomes, uvloop.run(all_struck(times, made))


def table(outcomes: list[Outcome]) -> Table:
    shown = Table(title=f"One host of three, {RATE:g} requests/s", title_justify="left")
    for heading in (
        "",
        "requests",
        "lost",
        "at the host meanwhile",
        "pauses",
        "back after",
        "share at first",
        "slowest",
    ):
        shown.add_column(heading, justify="left" if not heading else "right")
    for it in outcomes:
        pauses = ", ".join(f"{gap:.1f}" for gap in it.pauses)
        back = "never" if it.back_after is None else f"{it.back_after:.1f} s"
        share = "" if it.share_at_first is None else f"{it.share_at_first:.0%}"
        row = str(it.requests), str(it.lost), str(it.at_host), pauses, back, share, f"{it.slowest:.1f} s"
        shown.add_row(it.fault, *row)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.outage", description=str(__doc__).split("\n")[0])
    parser.add_argument("--short", action="store_true", help="faults of 4 seconds instead of 10")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    outcomes, total = run(SHORT if given.short else FULL, Console(stderr=True))
    holds = total.holds and all(each.holds for each in outcomes)
    if given.json:
        print(msgspec.json.encode({"faults": outcomes, "outage": total, "holds": holds}).decode())
    else:
        Console().print(table(outcomes))
        print(f"All three fail: {total.requests} requests made {total.attempts} attempts; allowed {total.allowed:.0f}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
