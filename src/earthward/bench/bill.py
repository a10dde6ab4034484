"""Holds the ledger against the simulated vendors' own bill: `python -m earthward.bench.bill --requests 100000`.

Through the real gateway, with retries, fallbacks, callers that hang up and streams that are cut. An attempt that told
its tokens must be on both sides with the same nano-dollars, each by itself. One that broke off before can only be
estimated; such attempts are counted, and their sum is shown beside what the vendor asks for them.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from earthward.bench.kill import HEAD, Gateway, take_in_the_rest, until_up

CALLERS = 24
PAGE = 1000
MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1")
CONFIG = """\
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
auth: open
state: {state}
store: sqlite:///{state}/ledger.db
providers:
  one: {{kind: openai, base_url: "http://127.0.0.1:{upstream}/v1", api_key: env:EARTHWARD_BENCH_KEY}}
targets:
  mini: {{provider: one, model: gpt-4o-mini}}
  large: {{provider: one, model: gpt-4o}}
  other: {{provider: one, model: gpt-4.1}}
routes:
  - {{name: mini, when: {{model: gpt-4o-mini}}, baseline: mini, fallback: [large]}}
  - {{name: large, when: {{model: gpt-4o}}, baseline: large, fallback: [other]}}
  - {{name: other, use: other, fallback: [mini]}}
"""
# Every token is four letters long, as the estimate of one that was not told takes it to be.
SAY = " ".join(f"{number:03d}" for number in range(24))
SCRIPT = {
    "default": {"say": SAY, "chunk": 6, "cached": 4},
    "models": {"gpt-4.1": {"say": SAY, "chunk": 6, "cached": 4, "gap": 0.02}},
    "faults": {
        **dict.fromkeys(("500", "503", "429", "529", "html_502", "closed_before_head", "reset_before_head"), 0.01),
        **dict.fromkeys(("cut_short", "error_event", "early_eof", "no_done"), 0.01),
    },
}


class Result(msgspec.Struct):
    """Nano-dollars on both sides. `exact` are attempts that told their tokens, `unequal` those of them that differ;
    `estimated` and `unknown` broke off before; `free` told nothing and were not billed. `unmatched` are exchanges whose
    attempts are not as many as the vendor saw requests."""

    requests: int
    answered: int
    hung_up: int
    failed: int
    attempts: int = 0
    exact: int = 0
    exact_ledger: int = 0
    exact_bill: int = 0
    unequal: int = 0
    estimated: int = 0
    estimated_ledger: int = 0
    estimated_bill: int = 0
    estimated_equal: int = 0
    unknown: int = 0
    unknown_bill: int = 0
    free: int = 0
    unmatched: int = 0

    @property
    def agrees(self) -> bool:
        return not self.unequal and not self.unmatched and self.exact_ledger == self.exact_bill

    def take(self, attempt: list[Any], amount: int) -> None:
        cost, sources = attempt[9], {count[1] for count in attempt[8][:2]}
        if sources == {"reported"}:
            self.exact += 1
            self.exact_ledger += cost or 0
            self.exact_bill += amount
            self.unequal += cost != amount
        elif "estimated" in sources:
            self.estimated += 1
            self.estimated_ledger += cost or 0
            self.estimated_bill += amount
            self.estimated_equal += cost == amount
        elif cost is None:
            self.unknown += 1
            self.unknown_bill += amount
        else:
            self.free += 1
            self.unequal += amount != 0


class Load:
    """Callers that ask for whole and streamed answers, and of the streams leave some in the middle."""

    def __init__(self, port: int, requests: int) -> None:
        self.port = port
        self.left = requests
        self.answered = self.hung_up = self.failed = 0

    async def call(self) -> None:
        while self.left > 0:
            self.left -= 1
            turn = self.left
            try:
                await self._ask(turn)
            except (OSError, EOFError, ValueError, TimeoutError):
                self.failed += 1

    async def _ask(self, turn: int) -> None:
        stream = turn % 3 != 0
        # Fewer than four letters would be no whole token of the estimate.
        content = f"{turn:08d}" * (1 + turn % 40)
        body = {"model": MODELS[turn % 3], "stream": stream, "messages": [{"role": "user", "content": content}]}
        data = json.dumps(body).encode()
        # By its task the ledger's record is matched with what the simulator saw.
        head = (HEAD % len(data)).replace(b"\r\n\r\n", b"\r\nx-earthward-task: %08d\r\n\r\n" % turn)
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), 10)
        try:
            writer.write(head + data)
            if stream and turn % 25 == 2:
                await asyncio.wait_for(reader.readuntil(b"003"), 30)
                self.hung_up += 1
                return
            answer = await asyncio.wait_for(reader.read(-1), 60)
        finally:
            writer.close()
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ValueError
        self.answered += 1


def simulator_says(port: int, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=60) as answer:
        return json.loads(answer.read())


async def measure(requests: int, workers: int, keep: Path | None = None) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="earthward-bill-", dir=keep))
    # It keeps as many entries as it is asked, since its bill is compared entry by entry.
    command = [sys.executable, "-m", "earthward.simulator", "--port", "0", "--keep", str(requests * 8), "--bodies"]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert simulator.stdout is not None
        upstream = json.loads(simulator.stdout.readline())["port"]
        gateway = Gateway(folder, upstream, workers, [sys.executable, "-m", "earthward"], CONFIG)
        try:
            await until_up(gateway.port)
            simulator_says(upstream, "/sim/script", SCRIPT)
            load = Load(gateway.port, requests)
            await asyncio.gather(*(load.call() for _ in range(CALLERS)))
            await asyncio.sleep(1)
        finally:
            gateway.stop()
        bill = list(entries(upstream))
    finally:
        simulator.terminate()
        simulator.communicate()
    take_in_the_rest(gateway.state)
    result = compare(gateway.state / "ledger.db", bill, load, requests)
    shutil.rmtree(folder, ignore_errors=True)
    return result


def entries(port: int) -> Iterator[dict[str, Any]]:
    """All that the simulator received, page by page."""
    since = 0
    while page := simulator_says(port, f"/sim/log?since={since}&limit={PAGE}&bodies=1"):
        yield from page
        since = page[-1]["ordinal"] + 1


def compare(database: Path, bill: list[dict[str, Any]], load: Load, requests: int) -> Result:
    """Attempt by attempt, in the order of each exchange."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT task, attempts FROM exchanges WHERE task <> ''").fetchall()
    billed: dict[str, list[int]] = defaultdict(list)
    for entry in bill:
        billed[turn_of(entry)].append(entry["nano_dollars"])
    result = Result(requests, load.answered, load.hung_up, load.failed)
    for task, text in rows:
        attempts, amounts = json.loads(text), billed.pop(task, [])
        result.attempts += len(attempts)
        if len(attempts) != len(amounts):
            result.unmatched += 1
            continue
        for attempt, amount in zip(attempts, amounts, strict=True):
            result.take(attempt, amount)
    result.unmatched += sum(1 for task in billed if task)
    return result


def turn_of(entry: dict[str, Any]) -> str:
    """The number of the request, which its content begins with; empty for those that only asked whether it is up."""
    content = json.loads(entry["body"] or "{}").get("messages", [{}])[0].get("content", "")
    return content[:8] if content[:8].isdigit() else ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.bill", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = asyncio.run(measure(options.requests, options.workers))
    print(msgspec.json.encode(result).decode() if options.json else told(result), flush=True)
    sys.exit(0 if result.agrees else 1)


def told(it: Result) -> str:
    return (
        f"{it.requests:,} requests ({it.answered:,} answered, {it.hung_up:,} hung up, {it.failed:,} failed), "
        f"{it.attempts:,} attempts, {it.unmatched:,} exchanges unmatched\n"
        f"told their tokens: {it.exact:,} attempts; ledger {it.exact_ledger:,}, bill {it.exact_bill:,} nano-dollars; "
        f"{it.unequal:,} differ\n"
        f"broke off: {it.estimated:,} estimated at {it.estimated_ledger:,} (bill {it.estimated_bill:,}, "
        f"{it.estimated_equal:,} to the nano-dollar), {it.unknown:,} unknown (bill {it.unknown_bill:,})\n"
        f"refused and not billed: {it.free:,}"
    )


if __name__ == "__main__":
    main()
