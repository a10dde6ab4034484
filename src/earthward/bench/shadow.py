"""`python -m earthward.bench.shadow`: what sampling costs users, by two routes of one gateway under full load in turns.

Both routes have the same arms; one has 10 % of its exchanges sampled and sent to the other arm as well. Rounds take
turns, so that whatever else the machine does meets both. Exit status: 0 users' p99 changes by less than 5 %, 1 more.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

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
  house: {{kind: openai_compatible, base_url: "{house}/v1"}}
targets:
  mini: {{provider: cloud, model: gpt-4o-mini, price: free}}
  llama: {{provider: house, model: llama}}
routes:
  - {{name: plain, when: {{model: plain}}, baseline: mini, candidate: llama, share: 0%}}
  - {{name: sampled, when: {{model: sampled}}, baseline: mini, candidate: llama, share: 0%,
     sampling: {{rate: {rate}%}}, shadow: {{rate: {rate}%, budget: 1 USD/day}}}}
"""
MOST_CHANGE = 1.05
PATIENCE = 30.0


class Round(msgspec.Struct, frozen=True):
    """Of one route, for some seconds; latencies in milliseconds. `worker` is the workers' CPU time for a request, in
    microseconds, `control` the part of a core that the control process took."""

    route: str
    rate: float
    p50: float
    p99: float
    failed: int
    worker: float
    control: float


class Result(msgspec.Struct, frozen=True):
    """`p99`, `p50` and `worker` are the median over the pairs of rounds of sampled over plain; `spread` the quarters of
    p99's."""

    rounds: list[Round]
    p99: float
    p50: float
    worker: float
    spread: tuple[float, float]
    samples: int
    shadows: int
    dropped: int

    @property
    def holds(self) -> bool:
        return self.p99 < MOST_CHANGE and not any(it.failed for it in self.rounds)


def measure(pairs: int, seconds: float, connections: int, rate: int, workers: int, folder: Path) -> Result:
    cloud, house = _simulator(), _simulator()
    processes = [cloud[0], house[0]]
    try:
        path = folder / "earthward.yaml"
        path.write_text(CONFIG.format(cloud=cloud[1], house=house[1], rate=rate))
        gateway, up = _started("earthward", "serve", "-c", str(path), "--workers", str(workers), "--json", "--quiet")
        processes.append(gateway)
        _until_ready(up, folder)
        rounds = list(_rounds(up["url"], pairs, seconds, connections, psutil.Process(gateway.pid)))
        told = _figures(up["admin"], folder)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
    plain, sampled = rounds[::2], rounds[1::2]
    ratios = sorted(on.p99 / off.p99 for off, on in zip(plain, sampled, strict=True))
    middles = [on.p50 / off.p50 for off, on in zip(plain, sampled, strict=True)]
    costs = [on.worker / off.worker for off, on in zip(plain, sampled, strict=True)]
    quarters = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    return Result(rounds, median(ratios), median(middles), median(costs), quarters, *told)


def _rounds(url: str, pairs: int, seconds: float, connections: int, gateway: psutil.Process) -> Iterator[Round]:
    """Plain and sampled by turns, in changing order, told in the first one's."""
    *workers, control = sorted(gateway.children(), key=psutil.Process.create_time)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("rounds", total=2 * pairs)
        for pair in range(pairs):
            found: dict[str, Round] = {}
            for route in ("plain", "sampled") if pair % 2 else ("sampled", "plain"):
                plan = load.Plan(url=url, connections=connections, seconds=seconds, model=route)
                before = _cpu(workers), _cpu([control])
                report = load.run(plan)
                used = _cpu(workers) - before[0], _cpu([control]) - before[1]
                p50, p99 = report.latency["p50"], report.latency["p99"]
                failed = sum(report.failed.values())
                worker, part = used[0] / max(1, report.ok) * 1e6, used[1] / report.seconds
                found[route] = Round(route, report.rate, p50 or 0.0, p99 or 0.0, failed, worker, part)
                progress.advance(bar)
                # What was sampled is worked off before it is the other's turn.
                time.sleep(0.5)
            yield found["plain"]
            yield found["sampled"]


def _cpu(processes: list[psutil.Process]) -> float:
    """Seconds."""
    return sum(it.cpu_times().user + it.cpu_times().system for it in processes)


def _simulator() -> tuple[subprocess.Popen[bytes], str]:
    process, up = _started("earthward.simulator", "--port", "0")
    return process, str(up["url"])


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


def _figures(admin: str, folder: Path) -> tuple[int, int, int]:
    """Samples sent, shadows that came back, samples dropped."""
    lines = _admin(admin, "/metrics", folder).decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    shadows = float(found.get('earthward_samples_total{done="shadow",route="sampled"}', 0))
    dropped = sum(float(value) for name, value in found.items() if name.startswith("earthward_samples_dropped_total{"))
    return int(float(found["earthward_samples_sent"])), int(shadows), int(dropped)


def _admin(admin: str, path: str, folder: Path) -> bytes:
    token = (folder / "earthward-state" / "admin.token").read_text()
    request = urllib.request.Request(admin + path, headers={"authorization": f"Bearer {token}"})  # noqa: S310  its own port
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return bytes(answer.read())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.shadow", description=__doc__)
    parser.add_argument("--pairs", type=int, default=12, help="pairs of rounds")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=int, default=10, help="percent that is sampled and shadowed")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="earthward-shadow-") as folder:
        result = measure(given.pairs, given.seconds, given.connections, given.rate, given.workers, Path(folder))
    print(msgspec.json.encode(result).decode() if given.json else told(result, given.rate))
    return 0 if result.holds else 1


def told(it: Result, rate: int) -> str:
    plain, sampled = it.rounds[::2], it.rounds[1::2]
    lines = [_line("plain", plain), _line("sampled", sampled)]
    lines.append(
        f"with {rate} % sampled, p99 is {it.p99:.3f} of what it is without (quarters {it.spread[0]:.3f} to "
        f"{it.spread[1]:.3f} over {len(plain)} pairs of rounds), p50 {it.p50:.3f}, workers' CPU {it.worker:.3f}"
    )
    lines.append(f"{it.samples:,} samples sent, {it.shadows:,} shadows answered, {it.dropped:,} samples dropped")
    return "\n".join(lines)


def _line(name: str, rounds: list[Round]) -> str:
    fields = ("rate", "p50", "p99", "worker", "control")
    rate, p50, p99, worker, control = (median(getattr(it, field) for it in rounds) for field in fields)
    cpu = f"{worker:5.0f} µs of workers a request, {control:.2f} cores of control"
    return f"{name:8} {rate:8,.0f} requests/s   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {cpu}"


if __name__ == "__main__":
    sys.exit(main())
