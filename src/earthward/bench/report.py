"""How fast sums of ten million exchanges are read: `python -m earthward.bench.report [--records 10000000]`.

Stores the sums that so many exchanges of sixty days come to, as the intake and the bookkeeper would, and not the
exchanges themselves: no view reads those. Then asks for the ledger's summary, and writes the report as a user would.
`--keep FILE` leaves the report there.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, insert

from earthward.ledger.books import Sums
from earthward.ledger.summary import Totals, bucket
from earthward.store import money as books
from earthward.store import queries
from earthward.store.tables import HOUR_KEY, HOUR_SUMS, TTFT_KEY, exchange_hour_ttfts, exchange_hours
from earthward.store.tables import open as open_store

DAYS = 60
FIRST_HOUR = 20_300 * 24
APPS = ("shop", "support", "search", "billing", "<script>alert(1)</script>", "ops")
CLASSES = ("", "internal", "personal", "health")
STAGES = ((0, 0.0), (12, 0.05), (24, 0.25), (36, 0.75), (50, 1.0))
"""From which day on which share is the candidate's."""


class Figures(msgspec.Struct):
    records: int
    rows: int
    summary_seconds: float
    report_seconds: float
    report_bytes: int


def fill(engine: Engine, records: int) -> int:
    """How many rows of sums."""
    draw = random.Random(7)
    hours, ttfts, money = [], [], []
    for hour, share, stage, count in _hours(draw, records):
        for app in APPS:
            data = draw.choice(CLASSES)
            part = count // len(APPS)
            local = part if data in ("personal", "health") else round(part * share)
            for arm, target, zone, number in (
                ("baseline", "sonnet", "cloud", part - local),
                ("candidate", "llama", "local", local),
            ):
                if number:
                    hours.append(_hour_row(draw, hour, arm, target, app, number))
                    money += _money_rows(draw, hour, arm, stage, zone, target, app, data, number)
        for arm, target, middle in (("baseline", "sonnet", 0.62), ("candidate", "llama", 0.31)):
            if arm == "baseline" or share:
                ttfts += _ttft_rows(draw, hour, arm, target, middle, count)
    _store(engine, hours, ttfts, money)
    return len(hours) + len(ttfts) + 3 * len(money)


def _hours(draw: random.Random, records: int) -> Iterator[tuple[int, float, int, int]]:
    mean = records / (DAYS * 24)
    for number in range(DAYS * 24):
        day, clock = divmod(number, 24)
        busy = 1.6 if 8 <= clock < 19 else 0.5
        weekend = 0.55 if day % 7 in (5, 6) else 1.18
        stage, share = max((place, it[1]) for place, it in enumerate(STAGES) if it[0] <= day)
        yield FIRST_HOUR + number, share, stage, round(mean * busy * weekend * draw.uniform(0.9, 1.1))


def _hour_row(draw: random.Random, hour: int, arm: str, target: str, app: str, number: int) -> tuple[Any, ...]:
    bad = 0.09 if (hour - FIRST_HOUR) // 24 == 27 and arm == "candidate" else 0.004
    errors = sum(draw.random() < bad for _ in range(min(number, 200))) * number // min(number, 200)
    sums = Totals(requests=number, errors=errors, input_tokens=number * 900, output_tokens=number * 220, cost=number)
    return (hour, "everything", arm, target, "claude-sonnet-4-5", "k", app, "", "ok", *msgspec.structs.astuple(sums))


def _money_rows(
    draw: random.Random, hour: int, arm: str, stage: int, zone: str, target: str, app: str, data: str, number: int
) -> list[tuple[Any, ...]]:
    would = number * draw.randint(5_500_000, 6_500_000)
    own = number * 90_000
    bad = 0.09 if (hour - FIRST_HOUR) // 24 == 27 and zone == "local" else 0.004
    served = Sums(requests=number, errors=round(number * bad), counterfactual=would)
    if zone == "local":
        served.own_cost, served.saved, served.displaced = own, would - own, number
        served.millijoules = number * 1_500_000
    else:
        served.cost = would
    who = (hour * 60, "serve", "everything", arm, str(stage), zone, target, "claude-sonnet-4-5", app, "", data)
    rows = [(*who, *msgspec.structs.astuple(served))]
    if zone == "cloud":
        retry = Sums(requests=number // 100, cost=would // 100)
        rows.append((hour * 60, "retry", *who[2:], *msgspec.structs.astuple(retry)))
    if stage == 1 and zone == "local":
        shadow = Sums(requests=number // 5, own_cost=own // 5)
        rows.append((hour * 60, "shadow", *who[2:], *msgspec.structs.astuple(shadow)))
    return rows


def _ttft_rows(
    draw: random.Random, hour: int, arm: str, target: str, middle: float, count: int
) -> list[tuple[Any, ...]]:
    counted: dict[int, int] = {}
    for _ in range(40):
        place = bucket(int(draw.lognormvariate(0, 0.5) * middle * 1e9))
        counted[place] = counted.get(place, 0) + max(1, count // 40)
    return [(hour, "everything", arm, target, place, number) for place, number in counted.items()]


def _store(engine: Engine, hours: list[Any], ttfts: list[Any], money: list[Any]) -> None:
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        for table, key, sums, rows in (
            (exchange_hours, HOUR_KEY, HOUR_SUMS, hours),
            (exchange_hour_ttfts, TTFT_KEY, ("requests",), ttfts),
        ):
            names = (*key, *sums)
            connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
    books.book(engine, money, 0, 1)


def measure(records: int, keep: Path | None) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="earthward-report-"))
    url = f"sqlite:///{folder}/ledger.db"
    engine = open_store(url)
    rows = fill(engine, records)
    began = time.monotonic()
    queries.summaries(engine)
    summary = time.monotonic() - began
    engine.dispose()
    out = keep or folder / "report.html"
    began = time.monotonic()
    command = [sys.executable, "-m", "earthward", "report", str(out), "--store", url, "--capex", "45000"]
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.monotonic() - began
    size = out.stat().st_size
    shutil.rmtree(folder)
    return Figures(records, rows, summary, seconds, size)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.report", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    it = measure(options.records, options.keep)
    if options.json:
        print(msgspec.json.encode(it).decode())
        return
    print(
        f"{it.records:,} exchanges in {it.rows:,} rows of sums: summary in {it.summary_seconds:.3f} s, "
        f"report in {it.report_seconds:.2f} s ({it.report_bytes / 1024:.0f} KiB)"
    )


if __name__ == "__main__":
    main()
