"""Whether a worker grows: a million exchanges through one gateway, its memory read as they go by.

`python -m earthward.bench.soak [--requests 1000000] [--json]` prints resident memory after each step and the slope over
the second half, when pools and caches are warm. Exit status 1 if it grows by a megabyte or more per 100,000.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import linear_regression

import msgspec
import psutil
from rich.console import Console
from rich.progress import Progress

from earthward.bench import peers
from earthward.bench.peers import Missing, Place, Running
from earthward.bench.shots import Way, shoot

STEP_SECONDS = 10.0
CONNECTIONS = 16
BUDGET = 1.0
"""Megabytes per 100,000 exchanges."""


class Reading(msgspec.Struct, frozen=True):
    """After so many exchanges: megabytes resident, and open files, of the process with the most of each."""

    exchanges: int
    megabytes: float
    files: int


class Soaked(msgspec.Struct, frozen=True):
    """`slope` is in megabytes per 100,000 exchanges over the second half of the readings."""

    exchanges: int
    failed: int
    readings: tuple[Reading, ...]
    slope: float


def soak(exchanges: int, folder: Path, progress: Progress) -> Soaked:
    task = progress.add_task("exchanges", total=exchanges)
    with Running(upstream(folder), folder / "upstream.log", None) as up:
        launch = peers.earthward(Place(up.launch.port, folder))
        with Running(launch, folder / "gateway.log", None) as gateway:
            way = Way(gateway.url, launch.headers)
            readings = [reading(0, gateway.processes)]
            done = failed = 0
            while done < exchanges:
                shot = shoot(way, CONNECTIONS, STEP_SECONDS, None)
                done += round(shot.rate * STEP_SECONDS)
                failed += shot.failed
                readings.append(reading(done, gateway.processes))
                progress.update(task, completed=min(done, exchanges))
    return Soaked(done, failed, tuple(readings), slope_of(readings[len(readings) // 2 :]))


def upstream(folder: Path) -> peers.Launch:
    try:
        return peers.mock(Place(0, folder))
    except Missing:
        return peers.simulator(Place(0, folder))


def reading(exchanges: int, processes: list[psutil.Process]) -> Reading:
    return Reading(
        exchanges,
        round(max(process.memory_info().rss for process in processes) / 1e6, 1),
        max(process.num_fds() for process in processes),
    )


def slope_of(readings: list[Reading]) -> float:
    """Megabytes per 100,000 exchanges, by least squares; 0 for fewer than two readings."""
    if len(readings) < 2:
        return 0.0
    counts = [each.exchanges / 100_000 for each in readings]
    return round(linear_regression(counts, [each.megabytes for each in readings]).slope, 3)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="earthward-soak-") as folder, Progress(console=console) as progress:
        soaked = soak(options.requests, Path(folder), progress)
    if options.json:
        print(msgspec.json.encode(soaked).decode())
    else:
        for each in soaked.readings:
            print(f"{each.exchanges:>9,} exchanges  {each.megabytes:7.1f} MB  {each.files:4} files")
        print(f"{soaked.failed} failed; {soaked.slope:+.3f} MB per 100,000 exchanges over the second half")
    return 1 if soaked.slope >= BUDGET or soaked.failed else 0


if __name__ == "__main__":
    sys.exit(main())
