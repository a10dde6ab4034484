"""`python -m earthward.bench.shadow`: what sampling costs users, by two routes of one gateway under full load in turns.

Both routes have the same arms; one has 10 % of its exchanges sampled and sent to the other arm as well. Rounds take
turns, so that whatever else the machine does meets both, and no round begins before what was sampled in the one before
is worked off. The gateway, workers and control process alike, has half of the cores, and as many workers as these;
callers and upstreams have the others. A pair of rounds in one of which the gateway did not use its cores, as where
other programs or other guests of the host had them, is no full load and is measured anew. Exit status: 0 users' p99
changes by less than 5 %, 1 by more, 3 the pairs are too few or too uneven to say.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Literal

import msgspec
import psutil
from rich.console import Console
from rich.progress import Progress

from earthward.bench import load
from earthward.bench.paired import at_one_speed, between, factor

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  cloud: {{kind: openai_compatible, zone: cloud, base_url: "{cloud}/v1"}}
  house: {{kind: openai_compatible, endpoints: [{{url: "{house}/v1", slots: 64}}]}}
targets:
  mini: {{provider: cloud, model: gpt-4o-mini, price: free}}
  llama: {{provider: house, model: llama}}
routes:
  - {{name: plain, when: {{model: plain}}, baseline: mini, candidate: llama, share: 0%}}
  - {{name: sampled, when: {{model: sampled}}, baseline: mini, candidate: llama, share: 0%{sampling}}}
"""
SAMPLING = ", sampling: {{rate: {rate}%}}, shadow: {{rate: {rate}%, budget: 1 USD/day}}"
MOST_CHANGE = 1.05
BUSY = 0.95
"""Of its cores, that the gateway must use in a round for it to be full load."""
AGAIN = 2
"""Times as many pairs as are asked for are begun at most, for those that were not full load."""
PATIENCE = 60.0
Cores = Sequence[int]


class Round(msgspec.Struct, frozen=True):
    """Of one route, for some seconds; latencies in milliseconds. `worker` is the workers' CPU time for a request, in
    microseconds, `callers` that of the callers; `control` is the part of a core that the control process took, `busy`
    the part of its cores that the gateway used."""

    route: str
    rate: float
    p50: float
    p99: float
    failed: int
    worker: float
    callers: float
    control: float
    busy: float


Pair = tuple[Round, Round]
"""Plain and sampled."""


class Factors(msgspec.Struct, frozen=True):
    """How many times as large as without samples each is with them: by how fast the machine was, as the callers' CPU
    time tells it, and `p99_as_it_was`. Each p99 lies between the two that stand by it in at least 19 runs of 20 (None:
    too few pairs to say)."""

    p99: float
    between: tuple[float, float] | None
    p99_as_it_was: float
    between_as_it_was: tuple[float, float] | None
    p50: float
    rate: float
    worker: float


class Result(msgspec.Struct, frozen=True):
    """`pairs` were full load and count, `others` were not."""

    pairs: list[Pair]
    others: list[Pair]
    factors: Factors | None
    samples: int
    shadows: int
    dropped: int

    @property
    def verdict(self) -> Literal["holds", "broken", "not enough evidence"]:
        if any(it.failed for pair in (*self.pairs, *self.others) for it in pair):
            return "broken"
        if self.factors is None or self.factors.between is None:
            return "not enough evidence"
        low, high = self.factors.between
        return "holds" if high < MOST_CHANGE else "broken" if low >= MOST_CHANGE else "not enough evidence"


def halves() -> tuple[Cores, Cores]:
    """The gateway's cores, and everybody else's; all for both where there is but one, or the system does not say."""
    if not hasattr(os, "sched_setaffinity"):
        return (), ()
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    return (cores[:half], cores[half:]) if half else (cores, cores)


def measure(pairs: int, seconds: float, connections: int, rate: int, folder: Path) -> Result:
    ours, others = halves()
    _keep_to(others)
    cloud, house = _started("earthward.bench.canned"), _started("earthward.bench.canned")
    processes = [cloud[0], house[0]]
    try:
        path = folder / "earthward.yaml"
        sampling = SAMPLING.format(rate=rate) if rate else ""
        path.write_text(CONFIG.format(cloud=cloud[1]["url"], house=house[1]["url"], sampling=sampling))
        _keep_to(ours)
        workers = str(max(1, len(ours)))
        gateway, up = _started("earthward", "serve", "-c", str(path), "--workers", workers, "--json", "--quiet")
        _keep_to(others)
        processes.append(gateway)
        _until_ready(up, folder)
        found = _pairs(up, pairs, seconds, connections, psutil.Process(gateway.pid), folder)
        told = _counts(_figures(up["admin"], folder))
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
    full, rest = found
    return Result(full, rest, factors(full) if full else None, *told)


def factors(pairs: Sequence[Pair]) -> Factors:
    def ratios(name: str) -> list[float]:
        return [getattr(sampled, name) / getattr(plain, name) for plain, sampled in pairs]

    def at_the_same_speed(name: str) -> list[float]:
        return at_one_speed(ratios(name), ratios("callers"))

    p99 = at_the_same_speed("p99")
    others = [factor(at_the_same_speed(name)) for name in ("p50", "rate", "worker")]
    return Factors(factor(p99), between(p99), factor(ratios("p99")), between(ratios("p99")), *others)


def _keep_to(cores: Cores) -> None:
    """What is started from here on keeps to them, too."""
    if cores:
        os.sched_setaffinity(0, cores)


def _pairs(
    up: dict[str, Any], wanted: int, seconds: float, connections: int, gateway: psutil.Process, folder: Path
) -> tuple[list[Pair], list[Pair]]:
    """Those that were full load, and those that were not; which of the two rounds is first changes with each."""
    *workers, control = sorted(gateway.children(), key=psutil.Process.create_time)
    pairs: list[Pair] = []
    others: list[Pair] = []

    def one(route: str) -> Round:
        plan = load.Plan(url=up["url"], connections=connections, seconds=seconds, model=route)
        before = _cpu(workers), time.process_time(), _cpu([control])
        report = load.run(plan)
        after = _cpu(workers), time.process_time(), _cpu([control])
        used = [end - start for start, end in zip(before, after, strict=True)]
        _until_worked_off(up["admin"], folder)
        return _round(route, report, len(workers), *used)

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("pairs of rounds at full load", total=wanted)
        # Connections, lanes and the collector's generations are not what is measured.
        one("plain")
        while len(pairs) < wanted and len(pairs) + len(others) < AGAIN * wanted:
            routes = ("plain", "sampled") if (len(pairs) + len(others)) % 2 else ("sampled", "plain")
            found = {route: one(route) for route in routes}
            pair = found["plain"], found["sampled"]
            (pairs if all(it.busy >= BUSY for it in pair) else others).append(pair)
            progress.update(bar, completed=len(pairs))
    return pairs, others


def _round(route: str, report: load.Report, cores: int, workers: float, callers: float, control: float) -> Round:
    return Round(
        route,
        report.rate,
        report.latency["p50"] or 0.0,
        report.latency["p99"] or 0.0,
        sum(report.failed.values()),
        workers / max(1, report.ok) * 1e6,
        callers / max(1, report.ok) * 1e6,
        control / report.seconds,
        (workers + control) / report.seconds / cores,
    )


def _cpu(processes: list[psutil.Process]) -> float:
    """Seconds."""
    return sum(it.cpu_times().user + it.cpu_times().system for it in processes)


def _started(*arguments: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def _until_ready(up: dict[str, Any], folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if json.loads(_admin(up["admin"], "/api/status", folder))["store"] == "ok":
                return
        time.sleep(0.1)
    raise SystemExit("the gateway's store did not open")


def _until_worked_off(admin: str, folder: Path) -> None:
    """A moment longer than nobody waits, for those under way and for the records of the round."""
    end = time.monotonic() + PATIENCE
    while _figures(admin, folder).get("earthward_samples_waiting") and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(1.0)


def _figures(admin: str, folder: Path) -> dict[str, float]:
    lines = _admin(admin, "/metrics", folder).decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in found.items() if "_sample" in name}


def _counts(found: dict[str, float]) -> tuple[int, int, int]:
    """Samples sent, shadows that came back, samples dropped by the workers or later."""
    shadows = found.get('earthward_samples_total{done="shadow",route="sampled"}', 0)
    dropped = sum(value for name, value in found.items() if name.startswith("earthward_samples_dropped_total{"))
    return int(found["earthward_samples_sent"]), int(shadows), int(dropped + found["earthward_samples_unsent"])


def _admin(admin: str, path: str, folder: Path) -> bytes:
    token = (folder / "earthward-state" / "admin.token").read_text()
    request = urllib.request.Request(admin + path, headers={"authorization": f"Bearer {token}"})  # noqa: S310  its own port
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return bytes(answer.read())


def main() -> int:
    about = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m earthward.bench.shadow", description=__doc__, formatter_class=about
    )
    parser.add_argument("--pairs", type=int, default=40, help="pairs of rounds at full load; under six tell nothing")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each round")
    parser.add_argument(
        "--connections", type=int, default=32, help="callers, who ask again as soon as they are answered"
    )
    parser.add_argument(
        "--rate", type=int, default=10, help="percent that is sampled and shadowed; 0: how it errs itself"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="earthward-shadow-") as folder:
        result = measure(given.pairs, given.seconds, given.connections, given.rate, Path(folder))
    print(msgspec.json.encode(result).decode() if given.json else told(result, given.rate))
    return {"holds": 0, "broken": 1}.get(result.verdict, 3)


def told(it: Result, rate: int) -> str:
    lines = []
    if (by := it.factors) is not None:
        plain, sampled = zip(*it.pairs, strict=True)
        lines += [_line("plain", plain), _line("sampled", sampled)]
        lines += [
            f"with {rate} % sampled, p99 is {by.p99:.3f} times as long ({_span(by.between)}, {len(plain)} pairs)",
            f"p50 {by.p50:.3f}, requests/s {by.rate:.3f}, workers' CPU {by.worker:.3f}, all at one speed",
            f"p99 at whatever speed the machine had: {by.p99_as_it_was:.3f} ({_span(by.between_as_it_was)})",
        ]
    lines.append(f"{it.samples:,} samples sent, {it.shadows:,} shadows answered, {it.dropped:,} samples dropped")
    lines.append(_left_out(it.others))
    lines.append(f"that p99 is below {MOST_CHANGE} times: {it.verdict}")
    return "\n".join(lines)


def _span(between: tuple[float, float] | None) -> str:
    return "too few pairs to say how surely" if between is None else "{:.3f} to {:.3f}".format(*between)


def _left_out(others: Sequence[Pair]) -> str:
    idle = [sum(pair[which].busy < BUSY for pair in others) for which in (0, 1)]
    return (
        f"{len(others)} pairs left out, since the gateway used less than {BUSY:.0%} of its cores "
        f"({idle[0]} times without samples, {idle[1]} times with them)"
    )


def _line(name: str, rounds: Sequence[Round]) -> str:
    fields = ("rate", "p50", "p99", "worker", "control")
    rate, p50, p99, worker, control = (median(getattr(it, field) for it in rounds) for field in fields)
    cpu = f"{worker:5.0f} µs of workers a request, {control:.2f} cores of control"
    return f"{name:8} {rate:8,.0f} requests/s   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {cpu}"


if __name__ == "__main__":
    sys.exit(main())
