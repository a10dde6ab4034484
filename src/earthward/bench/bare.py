"""The least a gateway in Python can do, to see what is left for everything else: `python -m earthward.bench.bare`.

Each piece from a caller goes to the upstream on a kept connection, each piece from there goes back. Heads and bodies
are not looked at, so that it is right only where each comes in one piece, as in the benchmark of requests. With
`--spool` two entries are written for each request, as Earthward does; that is the floor under any gateway that keeps a
record. `python -m earthward.bench --only requests --gateways bare spooled earthward smg` measures it beside the others.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import cast

import uvloop

from earthward.bench.spool import sample
from earthward.store.frames import packed
from earthward.store.spool import SpoolWriter

OPENED, SETTLED = [packed(entry) for entry in sample(1)]


class Upstream(asyncio.Protocol):
    """One kept connection, and who is waiting for its answer."""

    def __init__(self, proxy: "Proxy") -> None:
        self.proxy = proxy
        self.caller: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        caller, self.caller = self.caller, None
        self.proxy.idle.append(self)
        if caller is not None:
            self.proxy.note(SETTLED)
            caller.write(data)


class Caller(asyncio.Protocol):
    def __init__(self, proxy: "Proxy") -> None:
        self.proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.proxy.note(OPENED)
        if self.proxy.idle:
            self.proxy.ask(self.proxy.idle.pop(), self.transport, data)
        else:
            self.proxy.connect(self.transport, data)


class Proxy:
    def __init__(self, upstream: int, spool: SpoolWriter | None) -> None:
        self.upstream = upstream
        self.spool = spool
        self.idle: list[Upstream] = []
        self.connecting: set[asyncio.Task[None]] = set()

    def note(self, entry: bytes) -> None:
        if self.spool is not None:
            self.spool.append_packed(entry)

    def ask(self, upstream: Upstream, caller: asyncio.Transport, data: bytes) -> None:
        upstream.caller = caller
        upstream.transport.write(data)

    def connect(self, caller: asyncio.Transport, data: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(caller, data))
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)

    async def _connect(self, caller: asyncio.Transport, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, upstream = await loop.create_connection(lambda: Upstream(self), "127.0.0.1", self.upstream)
        self.ask(upstream, caller, data)


async def serve(port: int, upstream: int, spool: SpoolWriter | None) -> None:
    proxy = Proxy(upstream, spool)
    server = await asyncio.get_running_loop().create_server(lambda: Caller(proxy), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.bare", description=str(__doc__).split("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True, help="its port on this machine")
    parser.add_argument("--spool", action="store_true", help="write two entries for each request")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spool = SpoolWriter(Path(folder), "bench", "bare") if given.spool else None
        uvloop.run(serve(given.port, given.upstream, spool))


if __name__ == "__main__":
    main()
