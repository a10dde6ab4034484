"""The floor that gateways are held against does what it is measured for."""

import asyncio
from pathlib import Path
from typing import cast

from earthward.bench.bare import Caller, Proxy
from earthward.ledger.record import Opened, Settled
from earthward.store.spool import SpoolWriter
from earthward.store.spool_reader import SpoolReader


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


async def asked(port: int, *questions: bytes) -> list[bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for question in questions:
        writer.write(question)
        answers.append(await reader.readexactly(len(question)))
    writer.close()
    return answers


def test_what_is_asked_goes_there_and_back_and_leaves_two_entries_each_time(tmp_path: Path) -> None:
    async def live() -> list[bytes]:
        loop = asyncio.get_running_loop()
        upstream = await loop.create_server(Echo, "127.0.0.1", 0)
        spool = SpoolWriter(tmp_path, "bench", "bare")
        proxy = Proxy(upstream.sockets[0].getsockname()[1], spool)
        server = await loop.create_server(lambda: Caller(proxy), "127.0.0.1", 0)
        answers = await asked(server.sockets[0].getsockname()[1], b"one", b"two")
        for kept in proxy.idle:
            kept.transport.close()
        server.close()
        upstream.close()
        spool.close()
        return answers

    assert asyncio.run(live()) == [b"ONE", b"TWO"]
    reader = SpoolReader(tmp_path / "bare")
    assert [type(it.entry) for it in reader.read(10)] == [Opened, Settled, Opened, Settled]
    reader.close()
