"""How fast spooled records reach the store: `python -m earthward.bench.intake [--store URL] [--records N]`.

Workers' spools are written first; the clock runs from the first step of the intake until all is stored, sums included.
With `--books` the rest that the control process does with each record is done, too: counted for metrics, and booked.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import msgspec
from sqlalchemy import Engine, func, select

from earthward.bench.spool import sample
from earthward.config.money import Money
from earthward.config.snapshot import Snapshot
from earthward.control.bookkeeper import Bookkeeper
from earthward.control.drills import Drills
from earthward.control.metrics import Metrics
from earthward.store import tables
from earthward.store.fresh import Fresh, Stored
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter

NOTHING = Snapshot("bench", "bench", (), (), ())


class Figures(msgspec.Struct):
    """`records` in all, each with one opened attempt; seconds of the wall and of this process's CPU."""

    records: int
    workers: int
    seconds: float
    cpu_seconds: float
    per_second: float
    store_bytes_per_record: float


def spool(folder: Path, records: int, workers: int) -> None:
    writers = [SpoolWriter(folder, "bench", f"boot{number}") for number in range(workers)]
    for number in range(records):
        writer = writers[number % workers]
        for entry in sample(number):
            writer.append(entry)
    for writer in writers:
        writer.close()


def take_in(url: str, folder: Path, *, books: bool = False) -> tuple[float, float]:
    """Seconds of wall and CPU until nothing is left in the spools."""
    engine = tables.open(url)
    intake = Intake(engine, folder, "bench")
    keeper = Bookkeeping(engine, intake) if books else None
    began, cpu = time.monotonic(), time.process_time()
    while not intake.step().is_drained:
        if keeper is not None:
            keeper.step()
    took = time.monotonic() - began, time.process_time() - cpu
    engine.dispose()
    return took


class Bookkeeping:
    """What the control process does with records that are stored."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._fresh = Fresh()
        self._keeper = Bookkeeper(engine, lambda: NOTHING, Money, fresh=self._fresh)
        # No board: it is looked at when somebody asks, not with each record.
        self._metrics = Metrics(None, 1, lambda: "ok")  # type: ignore[arg-type]
        self._drills = Drills(lambda notice: None)
        intake.on_stored = self._hear

    def step(self) -> None:
        while self._keeper.step():
            pass

    def _hear(self, stored: Stored) -> None:
        self._fresh.add(stored)
        self._metrics.fold(stored.records)
        self._drills.fold(stored.records)


def measure(records: int, workers: int, url: str | None, folder: Path | None, *, books: bool = False) -> Figures:
    place = Path(tempfile.mkdtemp(dir=folder))
    database = place / "ledger.db"
    url = url or f"sqlite:///{database}"
    spool(place / "spool", records, workers)
    seconds, cpu = take_in(url, place / "spool", books=books)
    assert count(url) >= records
    size = database.stat().st_size / records if database.exists() else 0.0
    shutil.rmtree(place)
    return Figures(records, workers, seconds, cpu, records / seconds, size)


def count(url: str) -> int:
    engine = tables.open(url)
    with engine.connect() as connection:
        stored = connection.scalar(select(func.count()).select_from(tables.exchanges))
    engine.dispose()
    return stored or 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.intake", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--store", help="a database URL; by default SQLite in a temporary folder")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--books", action="store_true", help="count them for metrics and book them, too")
    chosen = parser.parse_args()
    row = measure(chosen.records, chosen.workers, chosen.store, chosen.folder, books=chosen.books)
    if chosen.json:
        print(msgspec.json.encode(row).decode())
        return
    print(
        f"{row.records:,} records of {row.workers} workers in {row.seconds:.2f} s: {row.per_second:,.0f} records/s, "
        f"{row.cpu_seconds / row.records * 1e6:.1f} µs of CPU and {row.store_bytes_per_record:.0f} bytes each"
    )


if __name__ == "__main__":
    main()
