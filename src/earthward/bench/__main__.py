"""`python -m earthward.bench`: everything the budgets are about, beside the other gateways, in one run.

One worker each, on a core of its own; load, upstream and bookkeeping share the next core. Writes a JSON file and prints
what came of it. Exit status: 0 all budgets met, 1 one is missed, 3 some could not be measured.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from earthward.bench import peers, shots
from earthward.bench.budgets import Judged, all_judged, status
from earthward.bench.peers import FLOORS, GATEWAYS, INSTALLED, Launch, Missing, Place, Running
from earthward.bench.shots import Shot, Streams, Way
from earthward.http.descriptors import raise_descriptor_limit

DIRECT = "direct"
TAKES_THOUSANDS = ("nginx", "earthward", "translated", "smg")
"""The others would need minutes, or the machine's memory, for so many open streams."""
BUSY = 0.5


class Size(msgspec.Struct, frozen=True):
    """How much of everything: rounds, seconds a shot, streams at a time."""

    rounds: int
    seconds: float
    streams: int
    crowd: int
    open: int
    records: int
    starts: int


FULL = Size(rounds=5, seconds=4, streams=300, crowd=500, open=5000, records=200_000, starts=3)
SHORT = Size(rounds=2, seconds=1, streams=100, crowd=100, open=500, records=20_000, starts=1)


class Results(msgspec.Struct):
    """`missing` says why one was not measured, `ready` in seconds how long each start took."""

    taken_at: str
    machine: dict[str, str]
    size: Size
    versions: dict[str, str | None]
    missing: dict[str, str] = {}
    ready: dict[str, list[float]] = {}
    requests: dict[str, list[Shot]] = {}
    latency: dict[str, list[Shot]] = {}
    streams: dict[str, list[Streams]] = {}
    crowd: dict[str, list[Streams]] = {}
    open: dict[str, list[Streams]] = {}
    memory: dict[str, float] = {}
    ledger: dict[str, Any] = {}
    fleet: dict[str, Any] = {}
    decisions: dict[str, Any] = {}
    translation: dict[str, Any] = {}
    figures: dict[str, float | None] = {}


class Bench:
    """One run. Gateways are on core `gateway`, all else on core `rest`; None where nothing can be pinned."""

    def __init__(self, size: Size, names: list[str], folder: Path, progress: Progress) -> None:
        self.size = size
        self.names = names
        self.folder = folder
        self.progress = progress
        self.gateway: int | None
        self.rest: int | None
        self.gateway, self.rest = cores()
        self.results = Results(
            taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=machine(),
            size=size,
            versions={name: peers.version(name) for name in names},
        )

    def run(self, parts: list[str]) -> Results:
        for part in parts:
            PARTS[part](self)
        self.results.figures = figures(self.results)
        return self.results

    def requests(self) -> None:
        """Requests a second on 16 connections, then the latency on one."""
        size, results = self.size, self.results
        with self.upstream("mock") as up, contextlib.ExitStack() as stack:
            ways = {DIRECT: Way(up.url)} | dict(self.started(up, self.names, stack))
            with self.step("warming up", len(ways)) as tell:
                shots.rounds(1, ways, lambda way: shots.shoot(way, 4, 1, self.rest), tell)
            with self.step("requests/s, 16 connections", size.rounds * len(ways)) as tell:
                results.requests = shots.rounds(
                    size.rounds, ways, lambda way: shots.shoot(way, 16, size.seconds, self.rest), tell
                )
            with self.step("latency, 1 connection", size.rounds * len(ways)) as tell:
                results.latency = shots.rounds(
                    size.rounds, ways, lambda way: shots.shoot(way, 1, size.seconds, self.rest), tell
                )

    def streams(self) -> None:
        """Each gateway by itself: a started one that only idles would disturb the delays of the others."""
        size = self.size
        names = [DIRECT, *self.names]
        with self.upstream("simulator") as up, self.step("streams", 2 * len(names) + len(TAKES_THOUSANDS)) as tell:
            for name in names:
                with contextlib.ExitStack() as stack:
                    ways = {DIRECT: Way(up.url)} if name == DIRECT else dict(self.started(up, [name], stack))
                    if not ways:
                        continue
                    way = ways[name]
                    rounds = max(1, size.rounds // 2)
                    measured = [self.stream(way, size.streams, 50, size.seconds) for _ in range(rounds)]
                    self.results.streams[name] = measured
                    tell(name, measured)
                    self.results.crowd[name] = [self.stream(way, size.crowd, 30, size.seconds)]
                    tell(name, None)
                    if name in TAKES_THOUSANDS:
                        self.results.open[name] = [self.stream(way, size.open, 0.5, 4 + size.open / 1000)]
                        tell(name, None)

    def stream(self, way: Way, streams: int, rate: float, seconds: float) -> Streams:
        return shots.stream(way, streams, rate, seconds, ramp=1 + streams / 1000, cpu=self.rest)

    def ready(self) -> None:
        """Earthward's start, a few times more."""
        with self.upstream("mock") as up, self.step("starting", self.size.starts) as tell:
            for _ in range(self.size.starts):
                with contextlib.ExitStack() as stack:
                    tell("earthward", dict(self.started(up, ["earthward"], stack)))

    def ledger(self) -> None:
        command = ("-m", "earthward.bench.intake", "--records", str(self.size.records), "--json")
        with self.step("records into SQLite", 1) as tell:
            done = subprocess.run(
                [*shots.pinned(self.gateway), sys.executable, *command, "--folder", str(self.folder)],
                stdout=subprocess.PIPE,
                check=True,
            )
            self.results.ledger = json.loads(done.stdout)
            tell("ledger", None)

    def fleet(self) -> None:
        with self.step("a fleet on paper", 1):
            self.results.fleet = self.printed("-m", "earthward.bench.fleet", "--json")

    def decisions(self) -> None:
        with self.step("decisions", 1):
            self.results.decisions = self.printed("-m", "earthward.bench.decisions", "--json")

    def translation(self) -> None:
        with self.step("translation", 1):
            self.results.translation = self.printed("-m", "earthward.bench.translation", "--json")

    def printed(self, *command: str) -> Any:
        """What this prints as JSON, run as it is by hand; its own verdict, the exit status, is left to the budgets.

        Not on the gateway's core: it may have that to itself or share it with what draws the bars here, and the system
        sees better which.
        """
        return json.loads(subprocess.run([sys.executable, *command], stdout=subprocess.PIPE).stdout)

    @contextlib.contextmanager
    def upstream(self, wanted: str) -> Iterator[Running]:
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=f"{wanted}-"))
        place = Place(0, folder)
        try:
            launch = peers.mock(place) if wanted == "mock" else peers.simulator(place)
        except Missing as missing:
            self.results.missing["mock"] = f"{missing}. The simulator takes its place, and costs far more CPU"
            launch = peers.simulator(place)
        with Running(launch, folder / "log", self.rest) as running:
            yield running

    def started(self, up: Running, names: list[str], stack: contextlib.ExitStack) -> Iterator[tuple[str, Way]]:
        """Those that can be; why the others cannot is kept."""
        for name in names:
            folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=f"{name}-"))
            try:
                launch: Launch = GATEWAYS[name](Place(up.launch.port, folder))
                running = stack.enter_context(Running(launch, folder / "log", self.gateway))
            except Missing as missing:
                self.results.missing[name] = str(missing)
                continue
            self.results.ready.setdefault(name, []).append(running.ready_after)
            processes = running.processes
            if self.rest is not None:
                leave_the_worker_alone(processes, launch.port, self.rest)
            self.results.memory[name] = sum(process.memory_info().rss for process in processes) / 1e6
            yield name, Way(running.url, launch.headers, tuple(process.pid for process in processes))

    @contextlib.contextmanager
    def step(self, what: str, steps: int) -> Iterator[Any]:
        task = self.progress.add_task(what, total=steps)
        yield lambda name, result: self.progress.update(task, advance=1, description=f"{what}: {name}")
        self.progress.update(task, completed=steps, description=what)


PARTS = {
    "requests": Bench.requests,
    "streams": Bench.streams,
    "ready": Bench.ready,
    "ledger": Bench.ledger,
    "fleet": Bench.fleet,
    "decisions": Bench.decisions,
    "translation": Bench.translation,
}


def cores() -> tuple[int, int] | tuple[None, None]:
    """One for the gateway, one for the rest."""
    if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def machine() -> dict[str, str]:
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "generator": "wrk" if shots.has_wrk() else "earthward.bench.load (wrk is missing: make bench-peers)",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def figures(results: Results) -> dict[str, float | None]:
    """What the budgets speak of. A shot with an answer that failed counts for nothing."""
    found: dict[str, float | None] = {}
    rates = {name: [shot.rate if not shot.failed else None for shot in all_] for name, all_ in results.requests.items()}
    for name in GATEWAYS:
        if name in rates and "earthward" in rates:
            found[f"rate.earthward/{name}"] = shots.paired(rates["earthward"], rates[name], shots.ratio)
    for figure, pick in (("p50", lambda shot: shot.p50), ("p99", lambda shot: shot.p99)):
        found[f"added.{figure}"] = added(results.latency, "earthward", pick)
    found["delay.p99"] = added(results.streams, "earthward", lambda streams: streams.p99)
    found["chunk.cpu"] = shots.middle(each.cpu_per_chunk for each in results.crowd.get("earthward", []))
    if "translated" in rates and "earthward" in rates:
        found["rate.translated/earthward"] = shots.paired(rates["translated"], rates["earthward"], shots.ratio)
    found["translated.delay.p99"] = added(results.streams, "translated", lambda streams: streams.p99)
    found["translated.chunk.cpu"] = shots.middle(each.cpu_per_chunk for each in results.crowd.get("translated", []))
    found["open.memory"] = shots.middle(each.kilobytes_per_stream for each in results.open.get("earthward", []))
    found["open.broken"] = shots.middle(sum(each.broken.values()) for each in results.open.get("earthward", []))
    found["fleet.first"] = results.fleet.get("first")
    found["fleet.loads"] = results.fleet.get("loads")
    found["decisions.growth"] = results.decisions.get("growth")
    found["translation.chunk"] = results.translation.get("added")
    found["ledger.rate"] = results.ledger.get("per_second")
    found["ready"] = shots.middle(results.ready.get("earthward", []))
    return found


def added(results: Mapping[str, list[Any]], name: str, pick: Any) -> float | None:
    """What going through it adds to going there directly."""
    if name not in results or DIRECT not in results:
        return None
    through, directly = ([pick(each) for each in results[who]] for who in (name, DIRECT))
    return shots.paired(through, directly, shots.difference)


def compared(results: Results) -> Table:
    table = Table(title="Gateways, one worker each (medians; times over those of no gateway)", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("req/s", "of nginx", "CPU", "+p50", "+p99", "chunk +p99", "chunk CPU", "ready", "memory"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in (DIRECT, *GATEWAYS):
        if name in results.missing:
            table.add_row(f"{name}", f"missing: {results.missing[name]}")
        elif name in results.requests or name in results.streams:
            table.add_row(*row(results, name))
    return table


def row(results: Results, name: str) -> list[str]:
    rates = [shot.rate for shot in results.requests.get(name, [])]
    nginx = [shot.rate for shot in results.requests.get("nginx", [])]
    share = shots.paired(rates, nginx, shots.ratio) if len(rates) == len(nginx) else None
    return [
        f"{name} {results.versions.get(name) or ''}".strip(),
        told(shots.middle(rates), "", 0),
        told(share, "", 3),
        told(shots.middle(shot.cpu for shot in results.requests.get(name, [])), " µs", 0),
        told(added(results.latency, name, lambda shot: shot.p50), " ms", 3) if name != DIRECT else "",
        told(added(results.latency, name, lambda shot: shot.p99), " ms", 3) if name != DIRECT else "",
        chunk_delay(results, name),
        told(shots.middle(each.cpu_per_chunk for each in results.crowd.get(name, [])), " µs", 1),
        told(shots.middle(results.ready.get(name, [])), " s", 2),
        told(results.memory.get(name), " MB", 0),
    ]


def chunk_delay(results: Results, name: str) -> str:
    broken = sum(sum(each.broken.values()) for each in results.streams.get(name, []))
    if broken:
        return f"{broken} broke"
    return told(added(results.streams, name, lambda streams: streams.p99), " ms", 2) if name != DIRECT else ""


def told(value: float | None, unit: str, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}{unit}"


def budgets(verdicts: tuple[Judged, ...]) -> Table:
    table = Table(title="Budgets", title_justify="left")
    for heading in ("", "budget", "measured", ""):
        table.add_column(heading, justify="right" if heading else "left")
    colours = {"met": "green", "missed": "red", "not measured": "yellow"}
    for each in verdicts:
        budget = each.budget
        unit = f" {budget.unit}" if budget.unit else ""
        wanted = f"{'aim: ' if budget.is_aim else ''}{budget.sense} {budget.limit:,g}{unit}"
        measured = "" if each.figure is None else f"{each.figure:,.4g}{unit}"
        table.add_row(budget.what, wanted, measured, f"[{colours[each.verdict]}]{each.verdict}")
    return table


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench", description=str(__doc__).split("\n")[0])
    parser.add_argument("--short", action="store_true", help="a quick look: fewer rounds, fewer streams")
    parser.add_argument("--rounds", type=int, help="instead of 5")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    parser.add_argument(
        "--gateways",
        nargs="+",
        choices=GATEWAYS,
        default=[name for name in GATEWAYS if name not in FLOORS],
        help="whom to measure",
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations and logs")
    parser.add_argument("--results", type=Path, default=INSTALLED / "results", help="where the JSON file is written")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    return parser


def leave_the_worker_alone(processes: list[psutil.Process], port: int, rest: int) -> None:
    """Sends what serves no request (our control process takes records in) to the core of the load.

    One worker on a core of its own is what is measured; what bookkeeping costs is still counted as the gateway's CPU.
    """
    children = processes[1:]
    workers = [child for child in children if listens(child, port)]
    for child in children if workers else ():
        if child not in workers:
            for thread in child.threads():
                os.sched_setaffinity(thread.id, {rest})


def listens(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        found = process.net_connections(kind="tcp")
        return any(it.status == psutil.CONN_LISTEN and it.laddr.port == port for it in found)
    return False


def main() -> int:
    given = arguments().parse_args()
    size = SHORT if given.short else FULL
    if given.rounds:
        size = msgspec.structs.replace(size, rounds=given.rounds)
    raise_descriptor_limit()
    INSTALLED.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=INSTALLED, prefix="run-"))
    console = Console(stderr=given.json)
    if os.getloadavg()[0] > BUSY:
        console.print(f"This machine is busy (load {os.getloadavg()[0]:.1f}): figures will be worse than it can do.")
    columns = (TextColumn("{task.description:35}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            results = Bench(size, given.gateways, folder, progress).run(given.only)
    except KeyboardInterrupt:
        return 130
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    verdicts = all_judged(results.figures)
    given.results.mkdir(parents=True, exist_ok=True)
    kept = given.results / f"{results.taken_at.replace(':', '-')}.json"
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2))
    if given.json:
        sys.stdout.write(msgspec.json.encode({"results": results, "budgets": verdicts}).decode() + "\n")
    else:
        console.print(compared(results), budgets(verdicts), f"Written to {kept}")
    return status(verdicts)


if __name__ == "__main__":
    sys.exit(main())
