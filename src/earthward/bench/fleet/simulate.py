"""The gateway before a simulated fleet: the policies as they are, with reports as old as a prober's would be."""

import math
import random
from collections import deque

import msgspec

from earthward.bench.fleet.hosts import Clock, Host, HostKind, Job
from earthward.bench.fleet.traffic import Asked, traffic
from earthward.bench.samples import rank
from earthward.routing.balance import POLICIES, choices
from earthward.routing.balance.affinity import Affinity
from earthward.routing.balance.standing import Report, Standing
from earthward.routing.balance.view import Ask

GB = 1e9
HOSTS = (
    HostKind(1.0, 2.0 * GB),
    HostKind(1.0, 2.0 * GB),
    HostKind(0.8, 1.5 * GB),
    HostKind(0.7, 1.5 * GB),
    HostKind(0.5, 1.0 * GB),
    HostKind(0.4, 1.0 * GB),
)
PROBED_EVERY = 1.0
READS = 1500.0
"""Tokens per second: what the gateway takes a host to read where it does not know."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of one policy: requests answered, seconds to the first token, loads a minute over all hosts."""

    policy: str
    asked: int
    answered: int
    p50: float
    p95: float
    loads_per_minute: float


class Gateway:
    """Sends each request where the policy says, as soon as the best endpoint has a free slot."""

    def __init__(self, policy: str, kinds: tuple[HostKind, ...], seed: int) -> None:
        self.clock = Clock()
        self.policy = POLICIES[policy]
        self.hosts = [Host(kind, self.clock) for kind in kinds]
        self.slots = [kind.room * kind.parallel for kind in kinds]
        self.standings = [Standing() for _ in kinds]
        self.in_flight = [0] * len(kinds)
        self.affinity = Affinity([f"http://host-{place}:11434" for place in range(len(kinds))])
        self.first: list[float] = []
        self.turn = 0
        self._waiting: deque[Asked] = deque()
        self._draw = random.Random(seed)

    def run(self, asked: list[Asked], seconds: float) -> None:
        for each in asked:
            self.clock.at(each.at, lambda each=each: self._accept(each))  # type: ignore[misc]
        self._probe()
        self.clock.run(seconds)

    def _probe(self) -> None:
        for standing, host in zip(self.standings, self.hosts, strict=True):
            standing.heard(Report(self.clock.now, host.residents()), self.clock.now)
        self.clock.after(PROBED_EVERY, self._probe)

    def _accept(self, asked: Asked) -> None:
        self._waiting.append(asked)
        self._send_waiting()

    def _send_waiting(self) -> None:
        """Whoever waits longest first; one that waits for a warm host lets others pass to theirs."""
        held: deque[Asked] = deque()
        behind: dict[str, int] = {}
        while self._waiting:
            asked = self._waiting.popleft()
            if not self._send(asked, behind.get(asked.model.name, 0)):
                held.append(asked)
                behind[asked.model.name] = behind.get(asked.model.name, 0) + 1
        self._waiting = held

    def _send(self, asked: Asked, queued: int) -> bool:
        now = self.clock.now
        model = asked.model.name
        ask = Ask(
            affinity=self.affinity.of(asked.conversation.to_bytes(8)),
            reading=asked.known / READS,
            queued=queued,
            count=len(self.hosts),
            turn=self.turn,
            draw=self._draw.random(),
        )
        views = [
            standing.view(place, self.slots[place], model, self.in_flight[place], now)
            for place, standing in enumerate(self.standings)
        ]
        best = choices(self.policy, views, ask)[0].place
        if views[best].is_full:
            return False
        self.turn += 1
        standing = self.standings[best]
        standing.sent(model, now)
        self.in_flight[best] += 1

        def tell_first(load: float) -> None:
            self.first.append(self.clock.now - asked.at)
            standing.answered(model, self.clock.now - now, self.clock.now, load=load or None)

        def tell_end() -> None:
            self.in_flight[best] -= 1
            standing.ended(model, self.clock.now - now, self.clock.now)
            self._send_waiting()

        job = Job(asked.model, asked.conversation, asked.prompt, asked.known, asked.output, tell_first, tell_end)
        self.hosts[best].take(job)
        return True


def simulate(policy: str, *, seed: int, minutes: float, rate: float) -> Outcome:
    """One policy under the traffic of that seed. Whoever had no answer at the end counts as having waited for ever."""
    seconds = minutes * 60
    asked = traffic(seed, seconds, rate)
    gateway = Gateway(policy, HOSTS, seed)
    gateway.run(asked, seconds + 60)
    first = sorted(gateway.first) + [math.inf] * (len(asked) - len(gateway.first))
    return Outcome(
        policy,
        len(asked),
        len(gateway.first),
        first[rank(0.5, len(first))],
        first[rank(0.95, len(first))],
        sum(host.loads for host in gateway.hosts) / minutes,
    )
