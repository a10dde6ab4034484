"""What appending to the spool costs the event loop, in the two ways that survive kill -9.

`python -m earthward.bench.spool` times the product's SpoolWriter, os.write on an O_APPEND descriptor alone, and a copy
into a mapped, preallocated file, each while a thread syncs the file every 50 ms; once as fast as it goes, once paced
as under load. Times are microseconds.
"""

import argparse
import mmap
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from earthward.chat.usage import Count, Usage
from earthward.ledger.record import Attempt, Entry, Opened, Record, Settled
from earthward.store.frames import frame
from earthward.store.spool import SpoolWriter

SECONDS = 2.0
PER_TICK = 8
TICK = 0.002
ROUNDS = 100_000

Append = Callable[[Entry], object]


class Figures(msgspec.Struct):
    """Microseconds an append; `cpu` of the whole process, the syncing thread included."""

    way: str
    load: str
    appends: int
    mean: float
    p50: float
    p99: float
    p999: float
    longest: float
    cpu: float


def sample(number: int) -> tuple[Opened, Settled]:
    """The two entries of a usual exchange."""
    exchange = f"{number:026x}"
    at = 1_760_000_000_000_000_000 + number * 1_000_000
    arm = "candidate" if number % 4 == 0 else "baseline"
    target, endpoint = ("llama", "http://gpu-1:11434") if arm == "candidate" else ("mini", "https://api.openai.com")
    app, unit = f"app-{number % 5}", f"{number % 1000:032x}"
    record = Record(
        id=exchange,
        accepted_at=at,
        status="ok",
        queued=40_000,
        first_content=80_000_000 + number % 1000 * 100_000,
        duration=900_000_000 + number % 1000 * 1_000_000,
        dialect="openai_chat",
        path="/v1/chat/completions",
        requested_model="gpt-4o-mini",
        stream=True,
        key="k4f0a1",
        app=app,
        team="core",
        unit=unit,
        route="trial",
        arm="candidate" if arm == "candidate" else "baseline",
        share=2500,
        snapshot="3f9a1c22b0d14e57",
        target=target,
        endpoint=endpoint,
        upstream_dialect="openai_chat",
        model="gpt-4o-mini",
        attempts=(Attempt(target, endpoint, arm, at, 890_000_000, 200),),
        http_status=200,
        finish_reason="stop",
        usage=Usage(Count.reported(812), Count.reported(166), Count.reported(0)),
        characters_in=3200,
        characters_out=700,
        cost=221_400,
    )
    opened = Opened(
        exchange,
        0,
        at,
        record.route,
        record.arm,
        record.share,
        unit,
        record.key,
        app,
        record.team,
        record.requested_model,
        record.dialect,
        target,
        endpoint,
        record.snapshot,
    )
    return opened, Settled(record)


@contextmanager
def spool_writer(folder: Path) -> Iterator[Append]:
    writer = SpoolWriter(folder, "bench", "boot")
    yield writer.append
    writer.close()


@contextmanager
def plain_write(folder: Path) -> Iterator[Append]:
    fd = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with syncing(fd):
        yield lambda entry: os.write(fd, frame(1, entry))
    os.close(fd)


@contextmanager
def mapped(folder: Path) -> Iterator[Append]:
    size = 128 * 1024 * 1024
    fd = os.open(folder / "mapped", os.O_RDWR | os.O_CREAT, 0o600)
    os.posix_fallocate(fd, 0, size)
    memory = mmap.mmap(fd, size)
    end = 0

    def append(entry: Entry) -> None:
        nonlocal end
        data = frame(1, entry)
        memory[end : end + len(data)] = data
        end += len(data)

    with syncing(fd):
        yield append
    memory.close()
    os.close(fd)


@contextmanager
def syncing(fd: int) -> Iterator[None]:
    stop = threading.Event()

    def sync() -> None:
        while not stop.wait(0.05):
            os.fdatasync(fd)

    thread = threading.Thread(target=sync)
    thread.start()
    yield
    stop.set()
    thread.join()


def flat_out(append: Append, took: list[int]) -> None:
    entries = sample(1)
    for number in range(ROUNDS):
        timed(append, entries[number & 1], took)


def paced(append: Append, took: list[int]) -> None:
    entries = sample(1)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for number in range(PER_TICK):
            timed(append, entries[number & 1], took)
        time.sleep(TICK)


def timed(append: Append, entry: Entry, took: list[int]) -> None:
    began = time.perf_counter_ns()
    append(entry)
    took.append(time.perf_counter_ns() - began)


WAYS = {"SpoolWriter": spool_writer, "os.write": plain_write, "mmap": mapped}
LOADS = {"flat out": flat_out, "paced": paced}


def measure(way: str, load: str, folder: Path) -> Figures:
    place = Path(tempfile.mkdtemp(dir=folder))
    took: list[int] = []
    with WAYS[way](place) as append:
        cpu = time.process_time()
        LOADS[load](append, took)
        cpu = time.process_time() - cpu
    shutil.rmtree(place)
    return figures(way, load, took, cpu)


def figures(way: str, load: str, took: list[int], cpu: float) -> Figures:
    took.sort()
    count = len(took)
    at = {share: took[min(count - 1, int(count * share))] / 1000 for share in (0.5, 0.99, 0.999)}
    mean = sum(took) / count / 1000
    return Figures(way, load, count, mean, at[0.5], at[0.99], at[0.999], took[-1] / 1000, cpu / count * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.spool", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; by default the temporary folder")
    chosen = parser.parse_args()
    results = [measure(way, load, chosen.folder) for load in LOADS for way in WAYS]
    if chosen.json:
        print(msgspec.json.encode(results).decode())
        return
    print(f"{'':22}{'mean':>8}{'p50':>8}{'p99':>8}{'p99.9':>8}{'max':>9}{'CPU':>8}  µs")
    for row in results:
        name = f"{row.way}, {row.load}"
        times = f"{row.mean:8.2f}{row.p50:8.2f}{row.p99:8.1f}{row.p999:8.1f}{row.longest:9.0f}{row.cpu:8.2f}"
        print(f"{name:22}{times}")


if __name__ == "__main__":
    main()
