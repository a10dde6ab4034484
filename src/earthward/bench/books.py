"""How fast stored exchanges are booked: `python -m earthward.bench.books [--records N]`.

Stores them first, as the intake does; the clock runs from the first step of the bookkeeper until all is booked. They
are read back from the store, as those are that nobody holds in memory any more.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import msgspec

from earthward.bench.intake import NOTHING, spool, take_in
from earthward.config.money import Money
from earthward.control.bookkeeper import Bookkeeper
from earthward.store import tables


class Figures(msgspec.Struct):
    """Seconds of the wall and of this process's CPU."""

    records: int
    seconds: float
    cpu_seconds: float
    per_second: float


def measure(records: int, folder: Path | None = None) -> Figures:
    place = Path(tempfile.mkdtemp(dir=folder))
    url = f"sqlite:///{place}/ledger.db"
    spool(place / "spool", records, 2)
    take_in(url, place / "spool")
    engine = tables.open(url)
    keeper = Bookkeeper(engine, lambda: NOTHING, Money)
    began, cpu, done = time.monotonic(), time.process_time(), 0
    while count := keeper.step():
        done += count
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    engine.dispose()
    shutil.rmtree(place)
    return Figures(done, seconds, cpu, done / seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.books", description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    it = measure(options.records)
    if options.json:
        print(msgspec.json.encode(it).decode())
        return
    print(
        f"{it.records:,} exchanges booked in {it.seconds:.2f} s: {it.per_second:,.0f} a second, "
        f"{it.cpu_seconds / it.records * 1e6:.0f} µs of CPU each"
    )


if __name__ == "__main__":
    main()
