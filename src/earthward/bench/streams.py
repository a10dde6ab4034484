"""Many streams at once through a URL: how late each chunk comes, whether any is lost, and what a chunk costs.

The simulator stamps every token with the machine's monotonic clock when it writes it, so that the delay of each
chunk is known wherever it has come through on the same machine.
"""

import argparse
import asyncio
import json
import os
import re
import ssl as tls
import sys
import time
from collections import Counter
from typing import Any, cast

import msgspec
import psutil
import uvloop

from earthward.bench.load import Plan, endpoint, requests
from earthward.bench.reading import Incoming, Malformed
from earthward.bench.samples import Samples

_STAMPED = re.compile(rb't(\d+)@(\d+)"')


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """`streams` of `rate` chunks a second for `seconds`, begun evenly over `ramp` seconds.

    The processes in `pids` are measured from when the last stream has begun until the first has ended.
    """

    url: str
    streams: int = 100
    rate: float = 50.0
    seconds: float = 5.0
    ramp: float = 1.0
    model: str = "gpt-4o-mini"
    key: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    pids: tuple[int, ...] = ()
    timeout: float = 30.0
    ca: str | None = None

    @property
    def chunks(self) -> int:
        """In one stream."""
        return max(1, round(self.rate * (self.seconds + self.ramp)))


class Cost(msgspec.Struct, frozen=True):
    """What one process spent: microseconds of CPU a chunk; how much it grew (bytes a stream) with all of them open."""

    pid: int
    cpu_per_chunk: float | None
    cpu_share: float | None
    rss_before: int
    rss_open: int
    rss_per_stream: int


class Report(msgspec.Struct, frozen=True):
    """`delay` is in milliseconds, from a chunk's writing at the source to its arrival here."""

    streams: int
    whole: int
    broken: dict[str, int]
    chunks: int
    seconds: float
    delay: dict[str, float | None]
    first: dict[str, float | None]
    processes: tuple[Cost, ...]
    cpu: float


class Stream(asyncio.Protocol):
    """One stream. Counts on: a token that is not the next one breaks it."""

    __slots__ = ("_done", "_expected", "_incoming", "_measure", "_rest", "_transport", "over", "sent_at")

    def __init__(self, measure: "Measure") -> None:
        self._measure = measure
        self._transport: asyncio.Transport | None = None
        self._incoming = Incoming(keep=False)
        self._expected = 0
        self._rest = b""
        self._done = False
        self.over = False
        self.sent_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport, though they do all it does.
        self._transport = cast("asyncio.Transport", transport)
        self.sent_at = time.monotonic_ns()
        self._transport.write(self._measure.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        try:
            came = self._incoming.feed(data)
        except Malformed:
            return self.end("malformed")
        if self._incoming.status != 200 and self._incoming.status:
            return self.end(f"status_{self._incoming.status}")
        self._read(self._rest + came if self._rest else came, now)
        if self._incoming.whole and not self.over:
            self.end(self._wrong())
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.end("broken")

    def end(self, wrong: str | None) -> None:
        if self.over:
            return
        self.over = True
        self._measure.ended(wrong)
        if self._transport is not None:
            self._transport.abort()

    def _read(self, text: bytes, now: int) -> None:
        """Reads the events that are whole; one that is cut in two waits for its rest."""
        if not text.endswith(b"\n\n"):
            end = text.rfind(b"\n\n") + 2 if b"\n\n" in text else 0
            text, self._rest = text[:end], text[end:]
        else:
            self._rest = b""
        measure = self._measure
        for number, stamp in _STAMPED.findall(text):
            if int(number) != self._expected:
                return self.end("out_of_order")
            if not self._expected:
                measure.begun(now - self.sent_at)
            self._expected += 1
            measure.delay.add(now - int(stamp))
        self._done = text.endswith(b"data: [DONE]\n\n") or (self._done and not text)
        return None

    def _wrong(self) -> str | None:
        if self._expected != self._measure.course.chunks:
            return "short"
        return None if self._done else "no_done"


class Measure:
    def __init__(self, course: Course) -> None:
        self.course = course
        self.delay, self.first = Samples(), Samples()
        directive = f"stamp=1 rate={course.rate}"
        plan = Plan(url=course.url, stream=True, model=course.model, tokens=course.chunks, directive=directive, units=1)
        self.request = requests(msgspec.structs.replace(plan, key=course.key, headers=course.headers))[0]
        self._broken: Counter[str] = Counter()
        self._whole = 0
        self._all_begun, self._one_ended, self._all_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def begun(self, after: int) -> None:
        self.first.add(after)
        if len(self.first) == self.course.streams:
            self._all_begun.set()

    def ended(self, wrong: str | None) -> None:
        if wrong is None:
            self._whole += 1
        else:
            self._broken[wrong] += 1
        self._one_ended.set()
        if self._whole + self._broken.total() == self.course.streams:
            self._all_begun.set()
            self._all_ended.set()

    async def run(self) -> Report:
        course = self.course
        processes = [psutil.Process(pid) for pid in course.pids]
        before = [process.memory_info().rss for process in processes]
        began, cpu = time.monotonic(), time.process_time()
        streams: list[Stream] = []
        opening = asyncio.create_task(self._open(streams))
        measuring = asyncio.create_task(self._costs(processes, before))
        try:
            await asyncio.wait_for(self._all_ended.wait(), course.ramp + course.seconds + course.timeout)
        except TimeoutError:
            for stream in streams:
                stream.end("timeout")
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        return Report(
            streams=course.streams,
            whole=self._whole,
            broken=dict(self._broken),
            chunks=len(self.delay),
            seconds=round(seconds, 3),
            delay=self.delay.milliseconds(),
            first=self.first.milliseconds(),
            processes=await measuring,
            cpu=round(cpu, 3),
        )

    async def _open(self, streams: list[Stream]) -> None:
        course, loop, parts = self.course, asyncio.get_running_loop(), endpoint(self.course.url)
        secure = tls.create_default_context(cafile=course.ca) if parts.scheme == "https" else None
        port = parts.port or (443 if secure else 80)
        began = time.monotonic()
        for number in range(course.streams):
            await asyncio.sleep(began + number * course.ramp / course.streams - time.monotonic())
            try:
                _, stream = await loop.create_connection(lambda: Stream(self), parts.hostname or "", port, ssl=secure)
            except OSError:
                self.ended("refused")
            else:
                streams.append(stream)

    async def _costs(self, processes: list[psutil.Process], before: list[int]) -> tuple[Cost, ...]:
        await self._all_begun.wait()
        began, chunks, spent = time.monotonic(), len(self.delay), [_cpu(process) for process in processes]
        while not self._one_ended.is_set() and time.monotonic() - began < self.course.seconds - 0.1:
            await asyncio.sleep(0.05)
        seconds, chunks = time.monotonic() - began, len(self.delay) - chunks
        return tuple(
            _cost(process, _cpu(process) - cpu, chunks, seconds, rss, self.course.streams)
            for process, cpu, rss in zip(processes, spent, before, strict=True)
        )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _cost(process: psutil.Process, cpu: float, chunks: int, seconds: float, before: int, streams: int) -> Cost:
    rss = process.memory_info().rss
    return Cost(
        pid=process.pid,
        cpu_per_chunk=round(cpu / chunks * 1e6, 2) if chunks else None,
        cpu_share=round(cpu / seconds, 3) if seconds > 0 else None,
        rss_before=before,
        rss_open=rss,
        rss_per_stream=(rss - before) // streams,
    )


def run(course: Course) -> Report:
    return uvloop.run(Measure(course).run())


def shown(report: Report) -> str:
    lines = [
        f"streams  {report.streams}, whole {report.whole}, broken {report.broken or 0}",
        f"chunks   {report.chunks} in {report.seconds:.1f} s",
        "delay    " + _times(report.delay),
        "first    " + _times(report.first),
    ]
    lines += [
        f"process  {each.pid}: {each.cpu_per_chunk} µs a chunk, {each.cpu_share} of one CPU, "
        f"{each.rss_per_stream / 1024:.1f} KB a stream ({each.rss_open / 1e6:.0f} MB)"
        for each in report.processes
    ]
    return "\n".join(lines)


def _times(times: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in times.items() if value is not None) + " ms"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.streams", description=str(__doc__).split("\n")[0])
    parser.add_argument("url", help="base URL, or that of the endpoint; behind it has to be the simulator")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0, help="chunks a second, each stream")
    parser.add_argument("--seconds", type=float, default=5.0, help="with all streams open")
    parser.add_argument("--ramp", type=float, default=1.0, help="seconds over which they are begun")
    parser.add_argument("--model", default="gpt-4o-mini")
    parser.add_argument("--key-env", metavar="NAME", help="environment variable with the key to send")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    parser.add_argument("--pid", type=int, action="append", default=[], help="a process to measure")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait beyond the end")
    parser.add_argument("--ca", metavar="FILE", help="PEM, for https")
    parser.add_argument("--json", action="store_true")
    return parser


def main(words: list[str] | None = None) -> int:
    given = arguments().parse_args(words)
    named: dict[str, Any] = {name: getattr(given, name) for name in ("url", "streams", "rate", "seconds", "ramp")}
    headers = tuple((name.strip(), value.strip()) for name, _, value in (each.partition(":") for each in given.header))
    course = Course(
        **named,
        model=given.model,
        key=os.environ[given.key_env] if given.key_env else None,
        headers=headers,
        pids=tuple(given.pid),
        timeout=given.timeout,
        ca=given.ca,
    )
    report = run(course)
    sys.stdout.write((json.dumps(msgspec.to_builtins(report)) if given.json else shown(report)) + "\n")
    return 0 if report.whole == report.streams else 1


if __name__ == "__main__":
    sys.exit(main())
