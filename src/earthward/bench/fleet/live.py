"""`python -m earthward.bench.fleet.live`: the fleet of the simulation on paper, with the real gateway and over sockets.

Six simulated Ollama hosts of unequal speed, four models, room for two each, and conversations that come back, in time
that runs faster than the clock. The gateway is the real one, and it looks at the hosts no more often than it does.
Exit status: 0 `warmest` wins clearly over `round_robin` and `least_busy`, 1 it does not.
"""

import argparse
import asyncio
import json
import math
import sys

import uvloop
from rich.console import Console
from rich.progress import track

from earthward.bench.callers import Heard, ask, by_the_clock, question
from earthward.bench.fleet.__main__ import AGAINST, compared, told
from earthward.bench.fleet.hosts import HostKind
from earthward.bench.fleet.simulate import HOSTS, Outcome
from earthward.bench.fleet.traffic import MODELS, Asked, traffic
from earthward.bench.rig import Child, Rig, rig
from earthward.bench.samples import rank

CONTEXT = 32_768
READS, WRITES = 2400.0, 72.0
"""Tokens a second of a host of speed 1: about the means of the models on paper, since here a host has one rate."""
CROWDING = 0.2
SHORTEST = 8
Message = dict[str, str]
CHARACTERS = 4
"""Of a token, as the simulator counts."""


def host_arguments(kind: HostKind, faster: float) -> list[str]:
    rates = {"--prefill": READS * kind.speed, "--decode": WRITES * kind.speed, "--load": kind.disk}
    said = [word for name, value in rates.items() for word in (name, f"{value * faster:.0f}")]
    said += ["--memory", "1TB", "--resident", str(kind.room), "--slots", str(kind.parallel)]
    said += ["--crowding", str(CROWDING), "--context", str(CONTEXT)]
    for model in MODELS:
        said += ["--disk", json.dumps({"name": model.name, "size": model.size, "kv": 0})]
    return said


def configuration(made: Rig, balance: str) -> str:
    slots = [kind.room * kind.parallel for kind in HOSTS]
    endpoints = ", ".join(f"{{url: '{it.url}', slots: {own}}}" for it, own in zip(made.hosts, slots, strict=True))
    lines = ["providers:", f"  gpus: {{kind: ollama, balance: {balance}, endpoints: [{endpoints}]}}", "targets:"]
    lines += [f"  {name(it.name)}: {{provider: gpus, model: '{it.name}', context: {CONTEXT}}}" for it in MODELS]
    lines.append("routes:")
    lines += [f"  - {{name: {name(it.name)}, when: {{model: '{it.name}'}}, use: {name(it.name)}}}" for it in MODELS]
    return "\n".join(lines) + "\n"


def name(model: str) -> str:
    return model.partition(":")[0]


class Conversations:
    """What was said in each so far, as those who talk would send it again."""

    def __init__(self) -> None:
        self._said: dict[int, list[Message]] = {}

    def goes_on(self, asked: Asked) -> list[Message]:
        """All that was said, and as much more as the prompt is longer than that."""
        said = self._said.setdefault(asked.conversation, [])
        text = f"Conversation {asked.conversation}, {len(said)}: ".ljust((asked.prompt - asked.known) * CHARACTERS, "x")
        said.append({"role": "user", "content": f"{text} sim: tokens={max(SHORTEST, asked.output)}"})
        return list(said)

    def answered(self, asked: Asked, text: str) -> None:
        self._said[asked.conversation].append({"role": "assistant", "content": text})


async def measured(
    policy: str, asked: list[Asked], minutes: float, faster: float, made: Rig, gateway: Child
) -> Outcome:
    talk = Conversations()

    async def call(number: int, due: float) -> Heard:
        it = asked[number]
        body = question(it.model.name, talk.goes_on(it), stream=True)
        heard = await ask(gateway.port, body, due, timeout=300)
        talk.answered(it, heard.text)
        return heard

    heard = await by_the_clock([it.at / faster for it in asked], call)
    first = sorted(it.first * faster if it.is_whole and it.first is not None else math.inf for it in heard)
    loads = sum([int((await asyncio.to_thread(host.stats))["loads"]) for host in made.hosts])
    answered = sum(1 for it in heard if it.is_whole)
    p50, p95 = first[rank(0.5, len(first))], first[rank(0.95, len(first))]
    return Outcome(policy, len(asked), answered, p50, p95, loads / minutes)


def run(policy: str, *, seed: int, minutes: float, rate: float, faster: float) -> Outcome:
    """Seconds are those of the simulation."""
    asked = traffic(seed, minutes * 60, rate)
    with rig() as made:
        for kind in HOSTS:
            made.host(*host_arguments(kind, faster))
        gateway = made.gateway(configuration(made, policy))
        return uvloop.run(measured(policy, asked, minutes, faster, made, gateway))


def arguments() -> argparse.ArgumentParser:
    about = str(__doc__).split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.fleet.live", description=about)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10.0, help="simulated")
    parser.add_argument("--rate", type=float, default=1.0, help="requests a second, simulated")
    parser.add_argument("--faster", type=float, default=5.0, help="how many times as fast as the clock time runs")
    parser.add_argument("--short", action="store_true", help="3 minutes, 6 times as fast")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main() -> int:
    given = arguments().parse_args()
    if given.short:
        given.minutes, given.faster = 3.0, 6.0
    names = track(("warmest", *AGAINST), "serving", console=Console(stderr=True), transient=True)
    outcomes = [
        run(each, seed=given.seed, minutes=given.minutes, rate=given.rate, faster=given.faster) for each in names
    ]
    comparison = compared(given.seed, given.minutes, given.rate, outcomes)
    return told(comparison, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
