"""How fast usage is assessed: `python -m earthward.bench.usage [--records 10000000]`, or `make bench-usage`.

Writes as many records as CSV and as JSON lines, each file about 100 bytes a record, then runs `earthward assess --json`
on either as a user would, in a process of its own, and prints its seconds of wall and CPU and its largest memory.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import msgspec

BEGIN = 1_761_955_200
SPAN = 30 * 86_400

RECORDS = """
SELECT {begin} + (i * {span} // {records}) AS time, 'req_' || lpad(i::VARCHAR, 10, '0') AS id,
    ['gpt-4o-mini', 'gpt-4o', 'claude-sonnet-4-5', 'gemini-2.0-flash', 'gpt-4.1'][1 + (hash(i) % 5)::INT] AS model,
    ['shop', 'support', 'search', 'billing'][1 + (hash(i + 1) % 4)::INT] AS app,
    ['chat', 'summary', 'extract'][1 + (hash(i + 2) % 3)::INT] AS task,
    (50 + hash(i + 3) % 4000)::INT AS input, (10 + hash(i + 4) % 900)::INT AS output,
    (hash(i + 5) % 50)::INT AS cached, (300 + hash(i + 6) % 9000)::INT AS duration{more}
FROM range({records}) AS numbers(i)
"""
CSV_MORE = ", 'team-' || (hash(i + 7) % 40)::VARCHAR AS team, md5(i::VARCHAR) AS trace"
FORMS = {"csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json"}


class Figures(msgspec.Struct):
    """Seconds and bytes; `requests` and `cost` are what the assessment said."""

    form: str
    records: int
    file_bytes: int
    seconds: float
    cpu_seconds: float
    largest_bytes: int
    requests: int
    cost: int


def write(path: Path, form: str, records: int) -> None:
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false; SET memory_limit = '1GB'")
    query = RECORDS.format(begin=BEGIN, span=SPAN, records=records, more=CSV_MORE if form == "csv" else "")
    if form == "jsonl":
        # Names alone would be a gigabyte more.
        query = f"SELECT time, model, app, input, output, cached FROM ({query})"  # noqa: S608  our own
    connection.execute(f"COPY ({query}) TO '{path}' ({FORMS[form]})")
    connection.close()


def measure(form: str, records: int, folder: Path) -> Figures:
    path = folder / f"usage.{form}"
    write(path, form, records)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [sys.executable, "-m", "earthward", "assess", str(path), "--threads", "2", "--json"]
    run = subprocess.run(command, capture_output=True, check=True)
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = json.loads(run.stdout)["total"]
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    size = path.stat().st_size
    path.unlink()
    return Figures(form, records, size, seconds, cpu, used.ru_maxrss * 1024, total["requests"], total["cost"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.usage", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--forms", nargs="+", choices=tuple(FORMS), default=tuple(FORMS))
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="earthward-usage-", dir=options.folder))
    try:
        for form in options.forms:
            it = measure(form, options.records, folder)
            print(msgspec.json.encode(it).decode() if options.json else told(it), flush=True)
    finally:
        shutil.rmtree(folder)


def told(it: Figures) -> str:
    return (
        f"{it.form}: {it.records:,} records, {it.file_bytes / 1e9:.2f} GB, in {it.seconds:.1f} s "
        f"({it.cpu_seconds:.1f} s of CPU), {it.largest_bytes / 1e9:.2f} GB of memory at most"
    )


if __name__ == "__main__":
    main()
