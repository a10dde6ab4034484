"""Whether the gateway grows: a million exchanges through it, the memory of its processes read as they go by.

`python -m earthward.bench.soak [--requests 1000000] [--json]` prints the memory of each process after each step, and by
how much each grew over the last third. Pools and caches are full by then, and the control process has seen its largest
batches of records: a leak grows on, they don't. Exit status 1 if one grew by a megabyte or more per 100,000.
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
from earthward.bench.processes import control_of, listens
from earthward.bench.shots import Way, shoot

STEP_SECONDS = 10.0
CONNECTIONS = 16
BUDGET = 1.0
"""Megabytes per 100,000 exchanges."""


class Reading(msgspec.Struct, frozen=True):
    """After so many exchanges: megabytes that belong to each process alone, and open files of the one with the most."""

    exchanges: int
    megabytes: dict[str, float]
    files: int


class Soaked(msgspec.Struct, frozen=True):
    """`slopes` are of each process, in megabytes per 100,000 exchanges over the last third of the exchanges."""

    exchanges: int
    failed: int
    readings: tuple[Reading, ...]
    slopes: dict[str, float]


def soak(exchanges: int, folder: Path, progress: Progress) -> Soaked:
    task = progress.add_task("exchanges", total=exchanges)
    with Running(upstream(folder), folder / "upstream.log", None) as up:
        launch = peers.earthward(Place(up.launch.port, folder))
        with Running(launch, folder / "gateway.log", None) as gateway:
            way = Way(gateway.url, launch.headers)
            processes = named(gateway.processes, launch.port)
            readings = [reading(0, processes)]
            done = failed = 0
            while done < exchanges:
                shot = shoot(way, CONNECTIONS, STEP_SECONDS, None)
                done += round(shot.rate * STEP_SECONDS)
                failed += shot.failed
                readings.append(reading(done, processes))
                progress.update(task, completed=min(done, exchanges))
    return Soaked(done, failed, tuple(readings), slopes_of(last_third(readings)))


def upstream(folder: Path) -> peers.Launch:
    try:
        return peers.mock(Place(0, folder))
    except Missing:
        return peers.simulator(Place(0, folder))


def named(processes: list[psutil.Process], port: int) -> dict[str, psutil.Process]:
    """The processes of a gateway with one worker that listens at that port."""
    supervisor, *children = processes
    (worker,) = (it for it in children if listens(it, port))
    return {"supervisor": supervisor, "worker": worker, "control": control_of(supervisor.pid, port)}


def reading(exchanges: int, processes: dict[str, psutil.Process]) -> Reading:
    # Not what is resident: pages of files, and what is shared with the supervisor until it is written to, come and go.
    megabytes = {name: round(process.memory_full_info().uss / 1e6, 1) for name, process in processes.items()}
    return Reading(exchanges, megabytes, max(process.num_fds() for process in processes.values()))


def last_third(readings: list[Reading]) -> list[Reading]:
    """By exchanges: a machine that others use does not send them evenly."""
    return [each for each in readings if each.exchanges * 3 >= readings[-1].exchanges * 2]


def slopes_of(readings: list[Reading]) -> dict[str, float]:
    """Megabytes per 100,000 exchanges, by least squares; none for fewer than two readings."""
    if len(readings) < 2:
        return {}
    counts = [each.exchanges / 100_000 for each in readings]
    return {
        name: round(linear_regression(counts, [each.megabytes[name] for each in readings]).slope, 3)
        for name in readings[0].megabytes
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="earthward-soak-") as folder, Progress(console=console) as progress:
        soaked = soak(options.requests, Path(folder), progress)
    print(msgspec.json.encode(soaked).decode() if options.json else told(soaked))
    return 1 if soaked.failed or any(slope >= BUDGET for slope in soaked.slopes.values()) else 0


def told(soaked: Soaked) -> str:
    lines = [f"{'exchanges':>9}{''.join(f'{name:>12}' for name in soaked.readings[0].megabytes)}       files"]
    lines += [
        f"{each.exchanges:>9,}{''.join(f'{it:>9.1f} MB' for it in each.megabytes.values())}{each.files:>12}"
        for each in soaked.readings
    ]
    slopes = ", ".join(f"{name} {slope:+.3f} MB" for name, slope in soaked.slopes.items())
    return "\n".join([*lines, f"{soaked.failed} failed; per 100,000 exchanges over the last third: {slopes}"])


if __name__ == "__main__":
    sys.exit(main())
