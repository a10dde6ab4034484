"""Load on a chat endpoint: as many requests as it takes on so many connections, or so many a second, come what may.

Every answer is checked, and every time is taken from when its request was due, not from when it could be sent: a
server that stops for a second is charged for all the requests that had to wait.
"""

import argparse
import asyncio
import json
import os
import ssl as tls
import sys
import time
from collections import Counter, deque
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import msgspec
import uvloop

from earthward.bench.reading import Check, Incoming, Malformed, numbered, unchecked
from earthward.bench.samples import Samples

_LOOK = 0.25
"""Seconds between two looks for requests that have waited too long."""
_AGAIN = 0.02
"""Seconds before a connection that could not be had is tried again."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. Ends after `requests` or `seconds`, whichever is first; `rate` a second, or as fast as answered.

    `units` is the number of different conversations. `directive` is for the simulator, beside the number of tokens.
    """

    url: str
    connections: int = 16
    requests: int | None = None
    seconds: float | None = None
    rate: float | None = None
    stream: bool = False
    model: str = "gpt-4o-mini"
    tokens: int = 24
    directive: str = ""
    units: int = 64
    prompt: int = 0
    key: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    check: bool = True
    timeout: float = 30.0
    ca: str | None = None


class Report(msgspec.Struct, frozen=True):
    """What came of it. Latencies are in milliseconds from when a request was due; `ttft` is that of the first token.

    `cpu` is the generator's own CPU time in seconds: where it comes near `seconds`, the generator was the limit.
    """

    requests: int
    ok: int
    failed: dict[str, int]
    seconds: float
    rate: float
    latency: dict[str, float | None]
    ttft: dict[str, float | None]
    bytes_in: int
    opened: int
    cpu: float


def endpoint(url: str) -> SplitResult:
    """The URL of a chat endpoint; a base URL gets its path. Raises ValueError."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an HTTP URL: {url!r}")
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path}/chat/completions" if path.endswith("/v1") else f"{path}/v1/chat/completions"
    return parts._replace(path=path)


def requests(plan: Plan) -> list[bytes]:
    """The requests as bytes, one for each conversation."""
    parts = endpoint(plan.url)
    head = [f"POST {parts.path} HTTP/1.1", f"host: {parts.netloc}", "content-type: application/json"]
    if plan.key is not None:
        head.append(f"authorization: Bearer {plan.key}")
    head += [f"{name}: {value}" for name, value in plan.headers]
    opening = "\r\n".join(head).encode()
    return [
        opening + b"\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        for body in (_body(plan, unit) for unit in range(plan.units))
    ]


def _body(plan: Plan, unit: int) -> bytes:
    padding = ("word " * (plan.prompt // 5 + 1))[: plan.prompt]
    said = f"Conversation {unit}. {padding}\nsim: tokens={plan.tokens} {plan.directive}".rstrip()
    body: dict[str, Any] = {"model": plan.model, "messages": [{"role": "user", "content": said}]}
    if plan.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(body)


class Client(asyncio.Protocol):
    """One connection with at most one request under way. `due` is when that request was due, in nanoseconds."""

    __slots__ = ("_first", "_load", "_transport", "due", "incoming", "sent_at")

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._first = False
        self.incoming: Incoming | None = None
        self.due = 0
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport, though they do all it does.
        self._transport = cast("asyncio.Transport", transport)
        self._load.ready(self)

    def send(self, request: bytes, due: int) -> None:
        self.due = due
        self.sent_at = time.monotonic()
        self.incoming = Incoming()
        self._first = self._load.plan.stream
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        load, incoming = self._load, self.incoming
        load.bytes_in += len(data)
        if incoming is None:
            return self._fail("unasked")
        try:
            came = incoming.feed(data)
        except Malformed:
            return self._fail("malformed")
        if self._first and b'"content":"t' in came:
            self._first = False
            load.ttft.add(time.monotonic_ns() - self.due)
        if incoming.whole:
            self._answered(incoming)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        incoming, self._transport = self.incoming, None
        if incoming is not None:
            incoming.end()
            if incoming.whole:
                return self._answered(incoming)
            self.incoming = None
            self._load.done(self, "broken" if incoming.status else "no_answer")
        self._load.lost(self)
        return None

    def close(self) -> None:
        self.incoming = None
        if self._transport is not None:
            self._transport.abort()

    def give_up(self, why: str) -> None:
        self._fail(why)

    def _answered(self, incoming: Incoming) -> None:
        self.incoming = None
        if incoming.status != 200:
            wrong: str | None = f"status_{incoming.status}"
        elif incoming.extra:
            wrong = "extra_bytes"
        else:
            wrong = self._load.check(incoming.body, self._load.plan.stream)
        self._load.done(self, wrong)
        if self._transport is None or incoming.closes or incoming.extra:
            self.close()
            if self._transport is None:
                self._load.lost(self)
        else:
            self._load.ready(self)

    def _fail(self, why: str) -> None:
        busy, self.incoming = self.incoming is not None, None
        if busy:
            self._load.done(self, why)
        self.close()


class Load:
    """Hands requests to connections and counts what becomes of them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.check: Check = numbered(plan.tokens) if plan.check else unchecked
        self.latency, self.ttft = Samples(), Samples()
        self.failed: Counter[str] = Counter()
        self.ok = self.bytes_in = self.opened = 0
        self._requests = requests(plan)
        self._sent = 0
        self._under_way = 0
        self._clients: set[Client] = set()
        self._idle: list[Client] = []
        self._opening = 0
        self._due: deque[int] = deque()
        self._over = asyncio.Event()
        self._issuing = True
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> Report:
        plan, loop = self.plan, asyncio.get_running_loop()
        timers = [asyncio.create_task(self._watch())]
        if plan.rate is None:
            for _ in range(plan.connections):
                self._open()
        else:
            timers.append(asyncio.create_task(self._arrive(plan.rate)))
        if plan.seconds is not None:
            loop.call_later(plan.seconds, self._stop_issuing)
        began, cpu = time.monotonic(), time.process_time()
        await self._over.wait()
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        for task in (*timers, *self._tasks):
            task.cancel()
        await asyncio.gather(*timers, *self._tasks, return_exceptions=True)
        for client in list(self._clients):
            client.close()
        return self._report(seconds, cpu)

    def _report(self, seconds: float, cpu: float) -> Report:
        answered = self.ok + self.failed.total()
        return Report(
            requests=answered,
            ok=self.ok,
            failed=dict(self.failed),
            seconds=round(seconds, 3),
            rate=round(self.ok / seconds, 1),
            latency=self.latency.milliseconds(),
            ttft=self.ttft.milliseconds(),
            bytes_in=self.bytes_in,
            opened=self.opened,
            cpu=round(cpu, 3),
        )

    # What a connection tells.

    def ready(self, client: Client) -> None:
        if client not in self._clients:
            self._opening -= 1
            self._clients.add(client)
        if self.plan.rate is not None:
            if self._due:
                self._send(client, self._due.popleft())
            else:
                self._idle.append(client)
        elif self._take_one():
            self._send(client, time.monotonic_ns())

    def done(self, client: Client, wrong: str | None) -> None:
        self._under_way -= 1
        if wrong is None:
            self.ok += 1
            self.latency.add(time.monotonic_ns() - client.due)
        else:
            self.failed[wrong] += 1
        self._look_for_end()

    def lost(self, client: Client) -> None:
        self._clients.discard(client)
        if client in self._idle:
            self._idle.remove(client)
        wanted = self._has_more() if self.plan.rate is None else bool(self._due)
        if wanted:
            self._open()

    # Requests.

    def _send(self, client: Client, due: int) -> None:
        self._under_way += 1
        client.send(self._requests[self._sent % len(self._requests)], due)
        self._sent += 1

    def _has_more(self) -> bool:
        limit = self.plan.requests
        return self._issuing and (limit is None or self._sent + len(self._due) < limit)

    def _take_one(self) -> bool:
        if self._has_more():
            return True
        self._look_for_end()
        return False

    def _look_for_end(self) -> None:
        if not self._under_way and not self._due and not self._has_more():
            self._over.set()

    def _stop_issuing(self) -> None:
        self._issuing = False
        self._look_for_end()

    async def _arrive(self, rate: float) -> None:
        """Requests fall due at even distances, whatever became of those before."""
        began = time.monotonic_ns()
        arrived = 0
        while self._has_more():
            until = int((time.monotonic_ns() - began) * rate / 1e9) + 1
            while arrived < until and self._has_more():
                self._due_at(began + int(arrived * 1e9 / rate))
                arrived += 1
            await asyncio.sleep(max(0.001, (began + arrived * 1e9 / rate - time.monotonic_ns()) / 1e9))
        self._look_for_end()

    def _due_at(self, due: int) -> None:
        if self._idle:
            self._send(self._idle.pop(), due)
            return
        self._due.append(due)
        if len(self._clients) + self._opening < self.plan.connections:
            self._open()

    # Connections.

    def _open(self) -> None:
        self._opening += 1
        task = asyncio.get_running_loop().create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        parts = endpoint(self.plan.url)
        secure = tls.create_default_context(cafile=self.plan.ca) if parts.scheme == "https" else None
        port = parts.port or (443 if secure else 80)
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.create_connection(lambda: Client(self), parts.hostname or "", port, ssl=secure)
            except OSError:
                if not self._charge_refusal():
                    self._opening -= 1
                    return
                await asyncio.sleep(_AGAIN)
            else:
                self.opened += 1
                return

    def _charge_refusal(self) -> bool:
        """A connection that cannot be had costs the request that would have gone over it. False if there was none."""
        if self.plan.rate is not None:
            if not self._due:
                return False
            self._due.popleft()
        elif not self._has_more():
            return False
        self._sent += 1
        self.failed["refused"] += 1
        self._look_for_end()
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(_LOOK, self.plan.timeout / 4))
            too_old = time.monotonic() - self.plan.timeout
            for client in list(self._clients):
                if client.incoming is not None and client.sent_at < too_old:
                    client.give_up("timeout")


def run(plan: Plan) -> Report:
    return uvloop.run(Load(plan).run())


def shown(report: Report) -> str:
    lines = [
        f"requests   {report.requests}, ok {report.ok}, in {report.seconds:.2f} s: {report.rate:.0f} a second",
        "latency    " + _times(report.latency),
    ]
    if report.ttft["mean"] is not None:
        lines.append("ttft       " + _times(report.ttft))
    for why, count in sorted(report.failed.items()):
        lines.append(f"failed     {why}: {count}")
    busy = report.cpu / report.seconds if report.seconds else 0
    lines.append(f"generator  {report.opened} connections, {busy:.0%} of one CPU")
    return "\n".join(lines)


def _times(times: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in times.items() if value is not None) + " ms"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.load", description=__doc__.split("\n")[0])
    parser.add_argument("url", help="base URL, or that of the endpoint")
    parser.add_argument("--connections", type=int, default=16, help="open at a time (with --rate: at most)")
    parser.add_argument("--requests", type=int, help="how many (10,000 if --seconds is not given either)")
    parser.add_argument("--seconds", type=float, help="how long")
    parser.add_argument("--rate", type=float, help="requests a second, whether or not the server keeps up")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--model", default="gpt-4o-mini")
    parser.add_argument("--tokens", type=int, default=24, help="of an answer")
    parser.add_argument("--sim", default="", metavar="NAME=VALUE…", help="more directives for the simulator")
    parser.add_argument("--units", type=int, default=64, help="different conversations")
    parser.add_argument("--prompt", type=int, default=0, metavar="BYTES", help="by which prompts are longer")
    parser.add_argument("--key-env", metavar="NAME", help="environment variable with the key to send")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    parser.add_argument(
        "--no-check", action="store_true", help="look at the status only, for servers with a real model"
    )
    parser.add_argument("--timeout", type=float, default=30.0)
    parser.add_argument("--ca", metavar="FILE", help="PEM, for https")
    parser.add_argument("--json", action="store_true")
    return parser


def plan_of(given: argparse.Namespace) -> Plan:
    limit = given.requests if given.requests or given.seconds else 10_000
    headers = tuple((name.strip(), value.strip()) for name, _, value in (each.partition(":") for each in given.header))
    return Plan(
        url=given.url,
        connections=given.connections,
        requests=limit,
        seconds=given.seconds,
        rate=given.rate,
        stream=given.stream,
        model=given.model,
        tokens=given.tokens,
        directive=given.sim,
        units=given.units,
        prompt=given.prompt,
        key=os.environ[given.key_env] if given.key_env else None,
        headers=headers,
        check=not given.no_check,
        timeout=given.timeout,
        ca=given.ca,
    )


def main(words: list[str] | None = None) -> int:
    given = arguments().parse_args(words)
    report = run(plan_of(given))
    sys.stdout.write((json.dumps(msgspec.to_builtins(report)) if given.json else shown(report)) + "\n")
    return 0 if report.ok and not report.failed else 1


if __name__ == "__main__":
    sys.exit(main())
