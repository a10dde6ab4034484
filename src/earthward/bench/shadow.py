"""`python -m earthward.bench.shadow`: what sampling costs users, by two routes of one gateway under full load in turns.

Both routes have the same arms; one has 10 % of its exchanges sampled and sent to the other arm as well. Rounds take
turns, so that whatever else the machine does meets both, and no round begins before what was sampled in the one before
is worked off. The gateway, workers and control process alike, has half of the cores, and as many workers as these;
callers and upstreams have the others. Exit status: 0 users' p99 changes by less than 5 %, 1 by more, 3 the rounds are
too few or too uneven to say, or did not keep the gateway busy.
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
from collections.abc import Iterator, Sequence
from math import comb
from pathlib import Path
from statistics import median
from typing import Any, Literal

import msgspec
import psutil
from rich.console import Console
from rich.progress import Progress

from earthward.bench import load

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
SURE = 0.95
BUSY = 0.9
"""Of its cores, that the gateway must use for it to be full load."""
PATIENCE = 60.0
Cores = Sequence[int]


class Round(msgspec.Struct, frozen=True):
    """Of one route, for some seconds; latencies in milliseconds. `worker` is the workers' CPU time for a request, in
    microseconds, `control` the part of a core that the control process took, `busy` the part of its cores that the
    gateway used."""

    route: str
    rate: float
    p50: float
    p99: float
    failed: int
    worker: float
    control: float
    busy: float


class Result(msgspec.Struct, frozen=True):
    """`p99`, `p50`, `rate` and `worker` are the median over the pairs of rounds of sampled over plain. What p99's would
    be over all pairs there could be lies within `between` in at least 19 runs of 20 (None: too few pairs)."""

    rounds: list[Round]
    p99: float
    p50: float
    rate: float
    worker: float
    between: tuple[float, float] | None
    samples: int
    shadows: int
    dropped: int

    @property
    def busy(self) -> float:
        return median(it.busy for it in self.rounds)

    @property
    def verdict(self) -> Literal["holds", "broken", "not enough evidence"]:
        if any(it.failed for it in self.rounds) or (self.between is not None and self.between[0] >= MOST_CHANGE):
            return "broken"
        if self.between is None or self.busy < BUSY or self.between[1] >= MOST_CHANGE:
            return "not enough evidence"
        return "holds"


def between(values: Sequence[float]) -> tuple[float, float] | None:
    """Where the median of what these were drawn from lies, at least so surely, whatever its distribution: between two
    of them, by how many must be on either side (the sign test)."""
    count, least = len(values), -1
    tail = 0.0
    while tail <= (1 - SURE) / 2 and least < count:
        least += 1
        tail += comb(count, least) / 2**count
    ordered = sorted(values)
    return (ordered[least - 1], ordered[count - least]) if least else None


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
        rounds = list(_rounds(up, pairs, seconds, connections, psutil.Process(gateway.pid), folder))
        told = _counts(_figures(up["admin"], folder))
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
    plain, sampled = rounds[::2], rounds[1::2]
    p99, p50, rates, worker = (
        [getattr(on, name) / getattr(off, name) for off, on in zip(plain, sampled, strict=True)]
        for name in ("p99", "p50", "rate", "worker")
    )
    return Result(rounds, median(p99), median(p50), median(rates), median(worker), between(p99), *told)


def _keep_to(cores: Cores) -> None:
    """What is started from here on keeps to them, too."""
    if cores:
        os.sched_setaffinity(0, cores)


def _rounds(
    up: dict[str, Any], pairs: int, seconds: float, connections: int, gateway: psutil.Process, folder: Path
) -> Iterator[Round]:
    """Plain and sampled by turns, in changing order, told in the first one's."""
    *workers, control = sorted(gateway.children(), key=psutil.Process.create_time)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("rounds", total=2 * pairs)
        # Connections, lanes and the collector's generations are not what is measured.
        load.run(load.Plan(url=up["url"], connections=connections, seconds=seconds, model="plain"))
        for pair in range(pairs):
            found: dict[str, Round] = {}
            for route in ("plain", "sampled") if pair % 2 else ("sampled", "plain"):
                plan = load.Plan(url=up["url"], connections=connections, seconds=seconds, model=route)
                before = _cpu(workers), _cpu([control])
                report = load.run(plan)
                used = _cpu(workers) - before[0], _cpu([control]) - before[1]
                found[route] = _round(route, report, *used, len(workers))
                progress.advance(bar)
                _until_worked_off(up["admin"], folder)
            yield found["plain"]
            yield found["sampled"]


def _round(route: str, report: load.Report, workers: float, control: float, cores: int) -> Round:
    return Round(
        route,
        report.rate,
        report.latency["p50"] or 0.0,
        report.latency["p99"] or 0.0,
        sum(report.failed.values()),
        workers / max(1, report.ok) * 1e6,
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
    parser.add_argument("--pairs", type=int, default=20, help="pairs of rounds; fewer than six tell nothing")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round")
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
    plain, sampled = it.rounds[::2], it.rounds[1::2]
    lines = [_line("plain", plain), _line("sampled", sampled)]
    span = "too few pairs to say how surely" if it.between is None else "{:.3f} to {:.3f}".format(*it.between)
    lines.append(
        f"with {rate} % sampled, p99 is {it.p99:.3f} of what it is without ({span}, {len(plain)} pairs of rounds), "
        f"p50 {it.p50:.3f}, requests/s {it.rate:.3f}, workers' CPU {it.worker:.3f}"
    )
    lines.append(f"{it.samples:,} samples sent, {it.shadows:,} shadows answered, {it.dropped:,} samples dropped")
    lines.append(f"the gateway used {it.busy:.0%} of its cores; that p99 is below {MOST_CHANGE}: {it.verdict}")
    return "\n".join(lines)


def _line(name: str, rounds: list[Round]) -> str:
    fields = ("rate", "p50", "p99", "worker", "control")
    rate, p50, p99, worker, control = (median(getattr(it, field) for it in rounds) for field in fields)
    cpu = f"{worker:5.0f} µs of workers a request, {control:.2f} cores of control"
    return f"{name:8} {rate:8,.0f} requests/s   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {cpu}"


if __name__ == "__main__":
    sys.exit(main())
