"""Kills the gateway's processes under load, again and again, and counts what was lost.

What must hold: an answer that a caller received whole has exactly one record; every request the upstream received
has a record, if only one marked unknown; and service comes back. `python -m earthward.bench.kill --rounds 20` prints
the figures. This process plays the part of systemd: a supervisor that died is started again at once.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil

from earthward.bench.processes import compiled, listens
from earthward.engine.ports import free_port
from earthward.store.intake import Intake
from earthward.store.tables import open as open_store

KINDS = ("worker", "control", "supervisor", "all")
CALLERS = 8
PROBE_PAUSE = 0.02
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
WATCH = 1.5
"""Seconds of probing after each kill."""
ANSWERS_WITHIN = 20.0
PATIENCE = 120.0
"""Seconds until a gateway has to be back: a figure that is worse is told, and only one that never comes ends it."""

CONFIG = """\
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
auth: open
state: {state}
store: sqlite:///{state}/ledger.db
providers:
  cloud: {{kind: openai, base_url: "http://127.0.0.1:{upstream}/v1", api_key: env:EARTHWARD_BENCH_KEY}}
targets:
  mini: {{provider: cloud, model: gpt-4o-mini}}
routes:
  - {{name: everything, use: mini}}
"""


class Result(msgspec.Struct):
    """`lost` and `doubled` count records, `unseen` upstream requests without any; `back` is seconds per kill."""

    kind: str
    rounds: int
    answered: int
    failed: int
    received: int
    records: int
    unknown: int
    lost: int
    doubled: int
    unseen: int
    back: list[float]


class Gateway:
    """The gateway as a service: `serve` in a process of its own, started again when it is gone."""

    def __init__(self, folder: Path, upstream: int, workers: int, command: list[str], config: str = CONFIG) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port, self.admin = free_port(), free_port()
        self.config = folder / "earthward.yaml"
        self.config.write_text(config.format(port=self.port, admin=self.admin, state=self.state, upstream=upstream))
        self._command = [*command, "serve", "-c", str(self.config), "--workers", str(workers), "--quiet"]
        self._log = (folder / "gateway.log").open("ab")
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "EARTHWARD_BENCH_KEY": "sk-bench"}
        return subprocess.Popen(self._command, stdout=self._log, stderr=self._log, env=environ)

    def revive(self) -> None:
        """Starts the supervisor again if it is dead."""
        if self.process.poll() is not None:
            self.process = self._start()

    def pids(self, kind: str) -> list[int]:
        """The processes of that kind that are alive now: the control process is the last that is forked."""
        supervisor = self.process.pid
        try:
            children = sorted(psutil.Process(supervisor).children(), key=lambda child: child.create_time())
        except psutil.NoSuchProcess:
            return []
        listening = [child.pid for child in children if listens(child, self.port)]
        others = [child.pid for child in children if child.pid not in listening]
        groups = {"worker": listening[:1], "control": others[:1], "supervisor": [supervisor]}
        return groups.get(kind, [supervisor, *listening, *others])

    def stop(self) -> None:
        """Ends cleanly, so that every record is taken into the store."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self._log.close()


class Load:
    """Callers that ask for whole and streamed answers in turn, and remember the ids of those they got whole."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answered: list[str] = []
        self.failed = 0
        self.running = True

    async def call_for_ever(self, seed: int) -> None:
        turn = seed
        while self.running:
            turn += 1
            try:
                self.answered.append(await ask(self.port, stream=turn % 2 == 0))
            except (OSError, EOFError, ValueError):
                self.failed += 1
                await asyncio.sleep(0.005)


async def ask(port: int, *, stream: bool) -> str:
    """One exchange on a connection of its own; its id. Raises unless the answer came whole."""
    body = json.dumps(
        {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": "count"}]}
    ).encode()
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 5)
    try:
        writer.write(HEAD % len(body) + body)
        answer = await asyncio.wait_for(reader.read(-1), ANSWERS_WITHIN)
    finally:
        writer.close()
    return id_of_whole(answer, stream=stream)


def id_of_whole(answer: bytes, *, stream: bool) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(head[:80].decode("latin-1"))
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    whole = (
        body.endswith(b"0\r\n\r\n") and b"[DONE]" in body if stream else len(body) == int(headers[b"content-length"])
    )
    if not whole:
        raise EOFError
    return headers[b"x-earthward-id"].decode()


async def kill_rounds(gateway: Gateway, load: Load, kind: str, rounds: int) -> list[float]:
    """Kills that kind so many times; for each, the seconds until no probe failed any more."""
    back = []
    for _ in range(rounds):
        for pid in gateway.pids(kind):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        back.append(await seconds_until_back(gateway))
    return back


async def seconds_until_back(gateway: Gateway) -> float:
    start = time.monotonic()
    last_failure = start
    while time.monotonic() - start < WATCH or time.monotonic() - last_failure < WATCH / 2:
        await asyncio.to_thread(gateway.revive)
        try:
            await ask(gateway.port, stream=False)
        except (OSError, EOFError, ValueError):
            last_failure = time.monotonic()
        await asyncio.sleep(PROBE_PAUSE)
        if time.monotonic() - start > PATIENCE:
            raise TimeoutError("the gateway did not come back")
    return last_failure - start


async def measure(kind: str, rounds: int, *, workers: int, command: list[str], keep: Path | None = None) -> Result:
    """One kind of kill, from a fresh state folder to the count of its records."""
    folder = Path(tempfile.mkdtemp(prefix="earthward-kill-", dir=keep))
    simulator = subprocess.Popen(
        [sys.executable, "-m", "earthward.simulator", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert simulator.stdout is not None
        upstream = json.loads(simulator.stdout.readline())["port"]
        gateway = Gateway(folder, upstream, workers, command)
        try:
            load = Load(gateway.port)
            await until_up(gateway.port)
            callers = [asyncio.create_task(load.call_for_ever(seed)) for seed in range(CALLERS)]
            back = await kill_rounds(gateway, load, kind, rounds)
            load.running = False
            await asyncio.gather(*callers)
        finally:
            gateway.stop()
        received = await received_upstream(upstream)
    finally:
        simulator.terminate()
        simulator.communicate()
    take_in_the_rest(gateway.state)
    result = count(gateway.state / "ledger.db", kind, rounds, load, received, back)
    if keep is None:
        shutil.rmtree(folder)
    return result


def take_in_the_rest(state: Path) -> None:
    """What the next start would do with records that a control process had no time for."""
    intake = Intake(open_store(f"sqlite:///{state}/ledger.db"), state / "spool", "local")
    while not intake.step().is_drained:
        pass
    intake.close()
    intake.engine.dispose()


def count(database: Path, kind: str, rounds: int, load: Load, received: int, back: list[float]) -> Result:
    """Holds what callers and upstream saw against what the ledger says."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT id, status, attempts FROM exchanges").fetchall()
    ids = [row[0] for row in rows]
    attempts = sum(max(1, len(json.loads(row[2]))) if row[1] == "unknown" else len(json.loads(row[2])) for row in rows)
    return Result(
        kind=kind,
        rounds=rounds,
        answered=len(load.answered),
        failed=load.failed,
        received=received,
        records=len(rows),
        unknown=sum(1 for row in rows if row[1] == "unknown"),
        lost=len(set(load.answered) - {row[0] for row in rows if row[1] == "ok"}),
        doubled=len(ids) - len(set(ids)),
        unseen=max(0, received - attempts),
        back=[round(seconds, 3) for seconds in back],
    )


async def received_upstream(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /sim/stats HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    answer = await reader.read(-1)
    writer.close()
    stats: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return int(stats["attempts"])


async def until_up(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError, EOFError, ValueError):
            await ask(port, stream=False)
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("the gateway did not start")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="kills of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    compiled()
    wrong = False
    for kind in options.kinds:
        command = [sys.executable, "-m", "earthward"]
        result = asyncio.run(measure(kind, options.rounds, workers=options.workers, command=command))
        wrong = wrong or bool(result.lost or result.doubled or result.unseen)
        print(msgspec.json.encode(result).decode() if options.json else told(result), flush=True)
    sys.exit(1 if wrong else 0)


def told(result: Result) -> str:
    worst, middle = max(result.back), sorted(result.back)[len(result.back) // 2]
    return (
        f"{result.kind}: {result.rounds} kills, {result.answered} answered, {result.failed} failed, "
        f"{result.records} records ({result.unknown} unknown): {result.lost} lost, {result.doubled} doubled, "
        f"{result.unseen} unseen; back after {middle:.2f} s (median), {worst:.2f} s (worst)"
    )


if __name__ == "__main__":
    main()
