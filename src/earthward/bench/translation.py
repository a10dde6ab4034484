"""`python -m earthward.bench.translation`: what it costs to translate a request, and each chunk of a stream, for every
pair of dialects, beside what it costs to pass them through. Exit status: 0 within the budget, 1 not.

With tools on offer an answer of Ollama's is looked through for calls that came as text, and one to tools that were told
in words is read as a whole: measured apart.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, Literal, get_args

import msgspec
from rich.console import Console
from rich.table import Table

from earthward.chat import Count, Event, Failure, Finished, Started, TextDelta, Usage, UsageReported
from earthward.config.snapshot import Provider, Target
from earthward.dialects.envelope import Envelope, read
from earthward.gateway.crossing import Crossing, Written, crossing
from earthward.gateway.doors import DOORS, EXITS, door_at
from earthward.gateway.doors.door import Question
from earthward.gateway.terms import terms_of
from earthward.providers import KINDS

ADDED = 10.0
"""Microseconds that translation may add to a chunk: the budget of one translated less that of one passed through."""
CHUNKS = 100
IN_A_ROW = 3
WARM_UP = 2
"""Rounds."""
TURNS = 8
TEXT = "The quick brown fox jumps over the lazy dog. " * 6
CONVERSATION = [{"role": "user" if turn % 2 == 0 else "assistant", "content": TEXT} for turn in range(TURNS + 1)]
CONTENTS = [{"role": "user" if turn % 2 == 0 else "model", "parts": [{"text": TEXT}]} for turn in range(TURNS + 1)]
ASKED: dict[bytes, dict[str, Any]] = {
    b"/v1/chat/completions": {"messages": CONVERSATION},
    b"/v1/messages": {"messages": CONVERSATION, "max_tokens": 500},
    b"/v1/responses": {"input": CONVERSATION},
    b"/v1/completions": {"prompt": TEXT * TURNS},
    b"/api/chat": {"messages": CONVERSATION},
    b"/v1beta/models/m:streamGenerateContent": {"contents": CONTENTS},
}
"""One of each dialect, all of about the same length."""
Tools = Literal["", "native", "words"]
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"name": "weather", "description": "It.", "parameters": PLACE}
FUNCTIONS = [{"type": "function", "function": TOOL}]
OFFERED: dict[bytes, list[dict[str, Any]]] = {
    b"/v1/chat/completions": FUNCTIONS,
    b"/v1/messages": [{"name": "weather", "input_schema": PLACE}],
    b"/v1/responses": [{"type": "function", **TOOL}],
    b"/api/chat": FUNCTIONS,
    b"/v1beta/models/m:streamGenerateContent": [{"functionDeclarations": [TOOL]}],
}
"""A tool, for those who can offer one."""


class Cost(msgspec.Struct, frozen=True):
    """Microseconds. `passed` are those of a pass-through to the same target, of a request without tools. `tools` is how
    the target was told of some, if it was."""

    caller: str
    target: str
    request: float
    request_passed: float
    chunk: float
    chunk_passed: float
    tools: Tools = ""

    @property
    def added(self) -> float:
        return self.chunk - self.chunk_passed


def question(path: bytes, tools: Tools = "") -> Question:
    google = b":" in path
    body = {**({} if google else {"model": "m", "stream": True}), **ASKED[path]}
    if tools:
        body["tools"] = OFFERED[path]
    envelope = read(json.dumps(body).encode())
    door = door_at(path, b"alt=sse" if google else b"")
    assert isinstance(envelope, Envelope)
    assert door is not None
    glance = door.glance(envelope)
    assert not isinstance(glance, Failure)
    return Question(door, envelope, glance, "id", 1)


def path_of(dialect: str) -> bytes:
    return next(path for path, door in DOORS.items() if door.dialect == dialect and path in ASKED)


def way(asked: Question, dialect: str, tools: Tools = "") -> Crossing:
    kind = next(kind for kind in KINDS.values() if dialect in (kind.dialect, *(api.dialect for api in kind.apis)))
    provider = Provider("p", kind.name, dialect, "cloud", ())
    target = Target("t", "p", "m", "cloud", context=8192, tools=tools or None)
    return crossing(asked, EXITS[dialect].way(target, provider), dialect, "m", terms_of(target, provider))


def chunks(dialect: str, tools: Tools = "") -> list[bytes]:
    """A stream of this dialect, a piece for each event. To tools in words it is the answer in the form for that."""
    before, after = ('{"answer":"', '"}') if tools == "words" else ("", "")
    writer = question(path_of(dialect))
    written = writer.door.writer(writer)
    events: list[Event] = [Started("id", "m", 1)]
    events += [TextDelta(f"{before if not number else ''} t{number}") for number in range(CHUNKS - 1)]
    events.append(TextDelta(f" t{CHUNKS}{after}"))
    events += [UsageReported(Usage(Count.reported(5), Count.reported(CHUNKS))), Finished("stop")]
    return [*filter(None, map(written.write, events)), written.end()]


class Case:
    """One pair that is measured. `goes` are what is timed: a request read and written (its envelope is there already),
    a whole stream with its request, and the same without a chunk. `least` is what each took at least, in ns of CPU."""

    def __init__(self, path: bytes, dialect: str, tools: Tools = "") -> None:
        self.caller = question(path).door.dialect
        self.target = dialect
        self.tools = tools
        self._asked = question(path, tools)
        self._pieces = chunks(dialect, tools)
        self.goes: tuple[Callable[[], None], ...] = (self._request, self._stream, self._bare)
        self.taken: tuple[list[int], ...] = ([], [], [])

    @property
    def request(self) -> float:
        return min(self.taken[0]) / 1000

    @property
    def chunk(self) -> float:
        return (min(self.taken[1]) - min(self.taken[2])) / 1000 / CHUNKS

    def go(self, keep: bool) -> None:
        """Each `IN_A_ROW` times: what was done just now is in the processor's caches, as it is in a worker."""
        for go, taken in zip(self.goes, self.taken, strict=True):
            for _ in range(IN_A_ROW):
                start = time.process_time_ns()
                go()
                took = time.process_time_ns() - start
                if keep:
                    taken.append(took)

    def _way(self) -> Crossing:
        """Of the same question, not read yet."""
        asked = self._asked
        again = Question(asked.door, asked.envelope, asked.glance, asked.id, asked.created)
        return way(again, self.target, self.tools)

    def _request(self) -> None:
        written = self._way().request()
        assert isinstance(written, Written)

    def _stream(self) -> None:
        crossed = self._way()
        crossed.request()
        listener = crossed.stream()
        for piece in self._pieces:
            listener.feed(piece)
        assert listener.is_over, listener.failure

    def _bare(self) -> None:
        crossed = self._way()
        crossed.request()
        crossed.stream()


def disturbance(cases: Iterable[Case]) -> float:
    """How many times longer than at best a go took in the middle: about 1 on a machine that has nothing else to do."""
    return median(median(taken) / min(taken) for case in cases for taken in case.taken)


def dialects() -> list[str]:
    """Of targets that there is a caller for, too: they can be compared with passing through."""
    return [dialect for dialect in EXITS if any(DOORS.get(path) and DOORS[path].dialect == dialect for path in ASKED)]


def measure(rounds: int) -> tuple[list[Cost], float]:
    """What each pair costs, and how much the machine was disturbed meanwhile.

    Every pair, those that pass through among them, has a turn in every round: a spell in which the machine is slow
    takes some turns from each, and not all from one. The collector is as in a worker, which has frozen all that was
    there.
    """
    passed = {target: Case(path_of(target), target) for target in dialects()}
    crossed = [Case(path, target, tools) for target in dialects() for path, tools in asked_at(target)]
    cases = [*passed.values(), *crossed]
    gc.collect()
    gc.freeze()
    try:
        for number in range(-WARM_UP, rounds):
            for case in cases:
                case.go(keep=number >= 0)
    finally:
        gc.unfreeze()
    return [cost(case, passed[case.target]) for case in crossed], disturbance(cases)


def cost(case: Case, passed: Case) -> Cost:
    return Cost(case.caller, case.target, case.request, passed.request, case.chunk, passed.chunk, case.tools)


def asked_at(target: str) -> list[tuple[bytes, Tools]]:
    """What is translated to a target of this dialect: everything but its own, and with tools where answers are looked
    through for calls."""
    own = path_of(target)
    asked: list[tuple[bytes, Tools]] = [(path, "") for path in ASKED if path != own]
    if target == "ollama":
        asked += [(path, tools) for tools in get_args(Tools) if tools for path in OFFERED if path != own]
    return asked


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m earthward.bench.translation", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    costs, disturbed = measure(given.rounds)
    most = max(cost.added for cost in costs)
    if given.json:
        print(msgspec.json.encode({"costs": costs, "added": most, "disturbed": disturbed}).decode())
        return 0 if most <= ADDED else 1
    table = Table(title="What translation costs, in µs of CPU", title_justify="left")
    for heading in ("caller", "target", "tools", "request", "of passed", "chunk", "of passed"):
        table.add_column(heading, justify="left" if heading in ("caller", "target", "tools") else "right")
    for cost in costs:
        ratios = f"{cost.request / cost.request_passed:.1f} ×", f"{cost.chunk / cost.chunk_passed:.1f} ×"
        figures = f"{cost.request:.0f}", ratios[0], f"{cost.chunk:.1f}", ratios[1]
        table.add_row(cost.caller, cost.target, cost.tools, *figures)
    Console().print(table)
    print(f"A chunk that is translated costs {most:.1f} µs more than one passed through, at most; it may {ADDED:g}.")
    print(f"In the middle everything took {disturbed:.2f} × as long as at best; much more than 1 is a busy machine.")
    return 0 if most <= ADDED else 1


if __name__ == "__main__":
    sys.exit(main())
