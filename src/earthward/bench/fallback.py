"""`python -m earthward.bench.fallback`: how soon the next target's words come once the first has failed.

A simulated Ollama host fails in each way a target can, before its first words or after some, and a simulated cloud
takes over. The time is taken between the moment the host gave up, by its own log, and the first words the caller got.
Numbered words show what was doubled or lost: under `stop` a text is a beginning with an error behind it, under `buffer`
whole or that. Exit status: 0 all of it holds, 1 not.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable

import msgspec
import uvloop
from rich.console import Console
from rich.progress import track
from rich.table import Table

from earthward.bench.callers import Heard, ask, question
from earthward.bench.rig import Child, Rig, Simulated, rig
from earthward.bench.samples import rank

WORDS = 40
HELD = 60
"""Characters that the route with `buffer` holds back: some twenty of the numbered words."""
AT_MOST = 0.25
PACE = 0.1
"""Seconds between two requests: each of them costs one of the retries, of which there are ten a second."""
BEFORE = ("500", "503", "reset_before_head", "closed_before_head", "error_first")
AFTER = ("reset_mid_body", "error_event")
CUTS = (1, 5, 10, 15, 20, 30, 39)
"""After how many words a stream breaks."""


class Gap(msgspec.Struct, frozen=True):
    """Seconds from a failure of the first target to the first words of the next, over all runs with that fault."""

    fault: str
    runs: int
    served: int
    p50: float
    p99: float

    @property
    def holds(self) -> bool:
        return self.served == self.runs and self.p99 <= AT_MOST


class Broken(msgspec.Struct, frozen=True):
    """Streams that broke in the middle, under one policy: how many came whole from the next target, how many ended with
    an error behind a beginning, and how many did neither, but left words out or said them twice."""

    policy: str
    runs: int
    whole: int
    beginnings: int
    wrong: int

    @property
    def holds(self) -> bool:
        return not self.wrong


def configuration(host: Simulated, cloud: Simulated) -> str:
    # The host is never left alone here, however often it fails: each failure is to be measured.
    return (
        "providers:\n"
        f"  gpus: {{kind: ollama, eject_after: 1000000, endpoints: [{{url: '{host.url}', slots: 16}}]}}\n"
        f"  cloud: {{kind: openai, base_url: '{cloud.url}/v1', api_key: env:EARTHWARD_BENCH_KEY}}\n"
        "targets:\n"
        "  llama: {provider: gpus, model: llama3.2, context: 4096, keep_alive: -1}\n"
        "  mini: {provider: cloud, model: gpt-4o-mini}\n"
        "routes:\n"
        f"  - {{name: held, when: {{model: held}}, use: llama, fallback: [mini], buffer: {HELD}}}\n"
        "  - {name: stop, use: llama, fallback: [mini]}\n"
    )


async def gap(fault: str, runs: int, gateway: Child, host: Simulated) -> Gap:
    """One request after the other, since a failure must be known to be the one behind an answer."""
    await asyncio.to_thread(host.script, default={"fault": fault, "first": 0.02})
    gaps, served = [], 0
    for number in range(runs):
        heard = await asked(gateway, "stop", number)
        entry = (await asyncio.to_thread(host.seen))[-1]
        served += heard.is_whole and heard.target == "mini"
        if heard.first_at and entry["ended_at"]:
            gaps.append((heard.first_at - entry["ended_at"]) / 1e9)
    ordered = sorted(gaps) or [float("inf")]
    p50, p99 = (round(ordered[rank(share, len(ordered))], 4) for share in (0.5, 0.99))
    return Gap(fault, runs, served, p50, p99)


async def broken(policy: str, runs: int, gateway: Child, host: Simulated) -> Broken:
    texts = []
    for fault in AFTER:
        for cut in CUTS:
            behaviour = {"fault": fault, "after": cut, "tokens": WORDS, "gap": 0.002}
            await asyncio.to_thread(host.script, default=behaviour)
            texts += [await asked(gateway, policy, number) for number in range(max(1, runs // len(CUTS)))]
    return judged(policy, texts)


async def asked(gateway: Child, model: str, number: int) -> Heard:
    await asyncio.sleep(PACE)
    body = question(model, f"Request {number}.", stream=True, max_tokens=WORDS)
    return await ask(gateway.port, body, time.monotonic())


def judged(policy: str, texts: Iterable[Heard]) -> Broken:
    """Whole is every word once, in order; a beginning is the first words in order, and an error."""
    kept = list(texts)
    whole = sum(1 for each in kept if each.is_whole and is_beginning(each.text, WORDS))
    beginnings = sum(1 for each in kept if not each.is_whole and is_beginning(each.text))
    return Broken(policy, len(kept), whole, beginnings, len(kept) - whole - beginnings)


def is_beginning(text: str, length: int | None = None) -> bool:
    """Whether these are the numbered words from the first on, and as many as that if it is said."""
    words = text.split()
    return words == [f"t{number}" for number in range(len(words))] and length in (None, len(words))


async def measured(runs: int, made: Rig, tell: Console) -> tuple[list[Gap], list[Broken]]:
    host = made.host("--slots", "16", "--disk", "llama3.2")
    cloud = made.host("--tokens", str(WORDS))
    gateway = made.gateway(configuration(host, cloud))
    for number in range(5):
        await asked(gateway, "stop", number)
    gaps = [await gap(fault, runs, gateway, host) for fault in track(BEFORE, "failing", console=tell, transient=True)]
    return gaps, [await broken(policy, runs, gateway, host) for policy in ("stop", "held")]


def run(runs: int, tell: Console) -> tuple[list[Gap], list[Broken]]:
    with rig() as made:
        return uvloop.run(measured(runs, made, tell))


def table(gaps: list[Gap]) -> Table:
    shown = Table(title="From the failure of a target to the next one's first words", title_justify="left")
    for heading in ("", "runs", "served by the next", "median", "p99"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for it in gaps:
        times = (f"{seconds * 1000:.1f} ms" for seconds in (it.p50, it.p99))
        shown.add_row(it.fault, str(it.runs), str(it.served), *times)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.fallback", description=str(__doc__).split("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="of each fault")
    parser.add_argument("--short", action="store_true", help="30 runs of each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    gaps, breaks = run(30 if given.short else given.runs, Console(stderr=True))
    holds = all(each.holds for each in gaps) and all(each.holds for each in breaks)
    if given.json:
        print(msgspec.json.encode({"gaps": gaps, "broken": breaks, "holds": holds}).decode())
    else:
        Console().print(table(gaps))
        for each in breaks:
            ends = f"{each.whole} came whole, {each.beginnings} ended with an error"
            print(f"{each.policy}: of {each.runs} streams that broke {ends}, {each.wrong} doubled or lost words")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
