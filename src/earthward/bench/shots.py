"""One measurement after the other, each by a program of its own, and what many rounds of them come to.

Rounds are interleaved, A B C A B C, so that a neighbour who makes the machine slow for a while slows them all;
ratios are taken within a round for the same reason, and only then is the median taken.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any, TypeVar

import msgspec
import psutil
from msgspec import structs

from earthward.bench.peers import TEMPLATES, Missing, program

Result = TypeVar("Result")


class Shot(msgspec.Struct, frozen=True):
    """Requests for a while: answers a second, latencies in milliseconds, how many were not whole or not 200.

    `cpu` is what the gateway spent on each, in microseconds: a busy neighbour hardly changes that.
    """

    rate: float
    p50: float
    p99: float
    failed: int
    cpu: float | None = None


class Streams(msgspec.Struct, frozen=True):
    """Streams for a while: the delay of a chunk at p50 and p99 in milliseconds, microseconds of CPU a chunk, memory."""

    whole: int
    broken: dict[str, int]
    chunks: int
    p50: float | None
    p99: float | None
    first_p99: float | None
    cpu_per_chunk: float | None
    kilobytes_per_stream: float
    generator_busy: float


class Way(msgspec.Struct, frozen=True):
    """Where to send requests, with which headers, and whose CPU and memory to look at."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    pids: tuple[int, ...] = ()


def pinned(cpu: int | None) -> tuple[str, ...]:
    return () if cpu is None else ("taskset", "-c", str(cpu))


def has_wrk() -> bool:
    try:
        program("wrk")
    except Missing:
        return False
    return True


def shoot(way: Way, connections: int, seconds: float, cpu: int | None) -> Shot:
    """With wrk; without it with our own generator, which then is often what limits."""
    before = spent(way.pids)
    shot = (_with_wrk if has_wrk() else _with_our_own)(way, connections, seconds, cpu)
    answers = shot.rate * seconds
    return structs.replace(shot, cpu=(spent(way.pids) - before) / answers * 1e6 if way.pids and answers else None)


def spent(pids: Iterable[int]) -> float:
    """Seconds of CPU that these processes have used so far."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(each.user + each.system for each in times))


def _with_wrk(way: Way, connections: int, seconds: float, cpu: int | None) -> Shot:
    # wrk knows whole seconds only.
    load = ("--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s")
    command = (*pinned(cpu), program("wrk"), *load, "--timeout", "30s", "--latency")
    headers = "\n".join(f"{name}: {value}" for name, value in way.headers)
    said = subprocess.run(
        [*command, "--script", str(TEMPLATES / "chat.lua"), f"{way.url}/v1/chat/completions"],
        env=os.environ | {"BENCH_HEADERS": headers},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"^RESULT (.*)$", said, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk gave no result: {said}")
    result = json.loads(found[1])
    rate = result["requests"] / (result["microseconds"] / 1e6)
    return Shot(rate, result["p50"] / 1000, result["p99"] / 1000, result["failed"])


def _with_our_own(way: Way, connections: int, seconds: float, cpu: int | None) -> Shot:
    load = ("--connections", str(connections), "--seconds", str(seconds), "--no-check")
    report = _ours("load", way, load, cpu)
    latency = report["latency"]
    return Shot(report["rate"], latency["p50"] or 0.0, latency["p99"] or 0.0, sum(report["failed"].values()))


def stream(way: Way, streams: int, rate: float, seconds: float, ramp: float, cpu: int | None) -> Streams:
    """The upstream has to be the simulator."""
    course = ("--streams", str(streams), "--rate", str(rate), "--seconds", str(seconds), "--ramp", str(ramp))
    watched = [word for pid in way.pids for word in ("--pid", str(pid))]
    report = _ours("streams", way, (*course, *watched, "--timeout", "15"), cpu)
    costs = [cost for cost in report["processes"] if cost["cpu_per_chunk"] is not None]
    return Streams(
        whole=report["whole"],
        broken=report["broken"],
        chunks=report["chunks"],
        p50=report["delay"].get("p50"),
        p99=report["delay"].get("p99"),
        first_p99=report["first"].get("p99"),
        cpu_per_chunk=sum(cost["cpu_per_chunk"] for cost in costs) if costs else None,
        kilobytes_per_stream=sum(cost["rss_per_stream"] for cost in report["processes"]) / 1024,
        generator_busy=report["cpu"] / report["seconds"] if report["seconds"] else 0.0,
    )


def _ours(module: str, way: Way, options: tuple[str, ...], cpu: int | None) -> dict[str, Any]:
    headers = [word for name, value in way.headers for word in ("--header", f"{name}: {value}")]
    command = (*pinned(cpu), sys.executable, "-m", f"earthward.bench.{module}", way.url, *options, *headers, "--json")
    # Its exit status says that something failed; how many and how, its report says better.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(f"{module} gave no result: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def rounds(
    count: int, ways: Mapping[str, Way], measure: Callable[[Way], Result], tell: Callable[[str, Result], None]
) -> dict[str, list[Result]]:
    """Each of them once a round."""
    results: dict[str, list[Result]] = {name: [] for name in ways}
    for _ in range(count):
        for name, way in ways.items():
            results[name].append(measure(way))
            tell(name, results[name][-1])
    return results


def middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def paired(
    one: Iterable[float | None], other: Iterable[float | None], how: Callable[[float, float], float]
) -> float | None:
    """The median over rounds of what the two come to within a round."""
    return middle(how(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None)


def ratio(one: float, other: float) -> float:
    return one / other if other else float("inf")


def difference(one: float, other: float) -> float:
    return one - other
