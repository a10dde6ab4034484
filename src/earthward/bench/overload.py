"""`python -m earthward.bench.overload`: twice as many requests as the hosts can answer, for a minute, come what may.

Simulated Ollama hosts with few slots. What must hold: at least 80 % of the peak is still answered, whoever is refused
hears so at once and with `retry-after`, memory stays flat, and ten seconds later all is as before. Exit status: 0 all
of it holds, 1 not.
"""

import argparse
import asyncio
import statistics
import sys
import time

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from earthward.bench.callers import Heard, ask, by_the_clock, evenly, in_turn, question
from earthward.bench.rig import Child, Rig, rig
from earthward.bench.samples import rank

HOSTS = 2
SLOTS = 4
TOKENS = 20
HOST = ("--slots", str(SLOTS), "--decode", "100", "--prefill", "20000", "--load", "20GB", "--disk", "llama3.2")
REFUSED = (429, 503)


class Size(msgspec.Struct, frozen=True):
    """Seconds: to find the peak, of calm before and after, of the overload."""

    peak: float
    calm: float
    overload: float


FULL = Size(peak=10, calm=15, overload=60)
SHORT = Size(peak=3, calm=10, overload=8)


class Outcome(msgspec.Struct, frozen=True):
    """Rates a second; times in seconds. `share` is goodput under overload as a share of the peak; `refused_p99` how
    long the slowest refusals but one in a hundred took; `growth` of the gateway's memory from the second quarter of the
    overload to its last, as a share; `normal_after` how long after the overload the last request was refused or slow
    (None: it still was at the end). `lost` had neither an answer nor a refusal."""

    peak: float
    offered: float
    goodput: float
    share: float
    refused: int
    without_retry_after: int
    refused_p50: float
    refused_p99: float
    lost: int
    growth: float
    calm_p95: float
    normal_after: float | None

    @property
    def holds(self) -> bool:
        is_normal = self.normal_after is not None and self.normal_after <= 10
        is_polite = not self.without_retry_after and self.refused_p99 <= 0.05
        return self.share >= 0.8 and is_polite and not self.lost and self.growth <= 0.1 and is_normal


def configuration(rig: Rig) -> str:
    endpoints = ", ".join(f"{{url: '{host.url}', slots: {SLOTS}}}" for host in rig.hosts)
    return (
        f"providers:\n  gpus: {{kind: ollama, endpoints: [{endpoints}]}}\n"
        f"targets:\n  llama: {{provider: gpus, model: llama3.2, context: 4096, keep_alive: -1, warm: {HOSTS}}}\n"
        "routes:\n  - {name: all, use: llama}\n"
    )


async def measured(gateway: Child, size: Size, tell: Console) -> Outcome:
    async def call(number: int, due: float) -> Heard:
        return await ask(gateway.port, question("llama", f"Request {number}. sim: tokens={TOKENS}"), due)

    await in_turn(HOSTS * SLOTS, 1.5, call)
    tell.print("the peak ...")
    found = await in_turn(HOSTS * SLOTS * 2, size.peak, call)
    peak = sum(each.is_whole for each in found) / max(each.due + each.total - found[0].due for each in found)
    tell.print(f"{peak:.1f}/s; calm, at half of it ...")
    calm = await by_the_clock(evenly(peak / 2, size.calm), call)
    offered = 2 * peak
    tell.print(f"overload, {offered:.1f}/s ...")
    memory: list[int] = []
    sampling = asyncio.ensure_future(_sample(gateway, memory))
    start = time.monotonic()
    crowd = asyncio.ensure_future(by_the_clock(evenly(offered, size.overload), call))
    await asyncio.sleep(size.overload)
    end = time.monotonic()
    sampling.cancel()
    tell.print("calm again ...")
    after = await by_the_clock(evenly(peak / 2, size.calm), call)
    return outcome(peak, offered, start, end, calm, await crowd, after, memory)


async def _sample(gateway: Child, memory: list[int]) -> None:
    while True:
        memory.append(await asyncio.to_thread(lambda: gateway.memory))
        await asyncio.sleep(0.5)


def outcome(
    peak: float,
    offered: float,
    start: float,
    end: float,
    calm: list[Heard],
    crowd: list[Heard],
    after: list[Heard],
    memory: list[int],
) -> Outcome:
    good = sum(1 for each in crowd if each.is_whole and each.due + each.total <= end)
    goodput = good / (end - start)
    refused = [each for each in crowd if each.status in REFUSED]
    p95 = _at(0.95, [each.total for each in calm])
    return Outcome(
        peak=round(peak, 2),
        offered=round(offered, 2),
        goodput=round(goodput, 2),
        share=round(goodput / peak, 3),
        refused=len(refused),
        without_retry_after=sum(1 for each in refused if not (each.retry_after or "").isdigit()),
        refused_p50=round(_at(0.5, [each.total for each in refused]), 4),
        refused_p99=round(_at(0.99, [each.total for each in refused]), 4),
        lost=sum(1 for each in crowd if not each.is_whole and each.status not in REFUSED),
        growth=round(growth(memory), 4),
        calm_p95=round(p95, 4),
        normal_after=normal_after(end, after, p95),
    )


def growth(memory: list[int]) -> float:
    """Of the last quarter on the second."""
    quarter = max(1, len(memory) // 4)
    before = statistics.fmean(memory[quarter : 2 * quarter] or memory)
    return statistics.fmean(memory[-quarter:]) / before - 1


def normal_after(end: float, after: list[Heard], usual: float) -> float | None:
    """When the last one was due that was not answered as usual; none in the last fifth may be so."""
    unusual = [each.due - end for each in after if not each.is_whole or each.total > 2 * usual]
    last = max(unusual, default=0.0)
    is_over = last < 0.8 * (after[-1].due - end) if after else True
    return round(max(0.0, last), 2) if is_over else None


def _at(share: float, times: list[float]) -> float:
    return sorted(times)[rank(share, len(times))] if times else 0.0


def run(size: Size, tell: Console) -> Outcome:
    with rig() as made:
        for _ in range(HOSTS):
            made.host(*HOST)
        return uvloop.run(measured(made.gateway(configuration(made)), size, tell))


def table(it: Outcome) -> Table:
    shown = Table(title=f"{HOSTS} hosts with {SLOTS} slots each, {it.offered:g} requests/s", title_justify="left")
    for heading in ("", "measured", "wanted"):
        shown.add_column(heading, justify="left" if not heading else "right")
    back = "not within the run" if it.normal_after is None else f"{it.normal_after:.1f} s"
    shown.add_row("peak", f"{it.peak:.1f}/s", "")
    shown.add_row("answered under overload", f"{it.goodput:.1f}/s, {it.share:.0%} of the peak", "80 %")
    shown.add_row("refused", f"{it.refused}, {it.without_retry_after} without retry-after", "0 without")
    times = f"{it.refused_p50 * 1000:.1f} ms, p99 {it.refused_p99 * 1000:.1f} ms"
    shown.add_row("time to a refusal, median", times, "50 ms")
    shown.add_row("neither answered nor refused", str(it.lost), "0")
    shown.add_row("growth of memory", f"{it.growth:.1%}", "10 %")
    shown.add_row(f"normal again (p95 {it.calm_p95 * 1000:.0f} ms) after", back, "10 s")
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.overload", description=str(__doc__).split("\n")[0])
    parser.add_argument("--short", action="store_true", help="8 seconds instead of a minute")
    parser.add_argument("--seconds", type=float, help="of the overload")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    size = SHORT if given.short else FULL
    if given.seconds:
        size = msgspec.structs.replace(size, overload=given.seconds)
    found = run(size, Console(stderr=True))
    if given.json:
        print(msgspec.json.encode({"outcome": found, "holds": found.holds}).decode())
    else:
        Console().print(table(found))
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
