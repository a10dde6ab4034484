"""What is kept of attempts that came to nothing."""

import asyncio
import socket
import time
from pathlib import Path

import msgspec
import pytest
import uvloop

from earthward.bench.exchange import request, snapshot, wire, worker
from earthward.config.snapshot import Endpoint, Queue
from earthward.gateway.messages import NewSnapshot
from earthward.http.server import ServerConnection
from earthward.ledger.record import Record, Settled
from earthward.store.spool_reader import SpoolReader


def recorded(folder: Path) -> Record:
    """The record of a caller who leaves while a connection to the provider is being made."""

    async def leave() -> str:
        with socket.socket() as listener, socket.create_server(("127.0.0.1", 0)) as upstream:
            serving = worker(folder, "open", listener)
            plain = snapshot("open")
            endpoints = (Endpoint(f"http://127.0.0.1:{upstream.getsockname()[1]}/v1", 0),)
            providers = tuple(msgspec.structs.replace(it, endpoints=endpoints) for it in plain.providers)
            routes = (msgspec.structs.replace(plain.routes[0], share=0),)
            changed = msgspec.structs.replace(plain, version="2", providers=providers, routes=routes)
            assert serving.apply(NewSnapshot("2", msgspec.msgpack.encode(changed))) == ""
            connection = ServerConnection(serving.server)
            connection.connection_made(wire(lambda answer: None))
            connection.data_received(request(1, "whole").replace(b"127.0.0.1:4000", b"localhost"))
            connection.connection_lost(None)
            while serving.exchanges:
                await asyncio.sleep(0.01)
            assert serving.board.in_flight(0) == 0
            serving.spool.close()
            serving.board.close()
            return serving.name

    name = uvloop.run(leave())
    reader = SpoolReader(next((folder / "spool").glob(f"*{name}*")))
    entries = [spooled.entry for spooled in reader.read(1 << 20)]
    reader.close()
    [record] = [entry.record for entry in entries if isinstance(entry, Settled)]
    return record


def test_what_nobody_was_sent_costs_nothing(tmp_path: Path) -> None:
    record = recorded(tmp_path)
    assert (record.status, record.target) == ("cancelled", "mini")
    assert [attempt.cost for attempt in record.attempts] == [0]
    assert record.cost == 0


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(("fallback", "retries"), [(("llama", "third"), 1), (("llama",), 0)])
def test_a_turn_is_only_spent_by_what_is_sent(tmp_path: Path, fallback: tuple[str, ...], retries: int) -> None:
    """Every host of one target is busy: it is left out."""

    async def fail() -> int:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        with socket.socket() as listener:
            serving = worker(tmp_path, "open", listener)
            serving.board.enter(1)
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            plain = snapshot("open")
            cloud, house = plain.providers
            cloud = msgspec.structs.replace(cloud, endpoints=(Endpoint(url, 0),))
            house = msgspec.structs.replace(
                house, endpoints=(Endpoint(url, 1, 1),), queue=Queue(deadline=0.01, overflow=0.01)
            )
            mini, llama = plain.targets
            third = msgspec.structs.replace(mini, name="third", cell=2)
            route = msgspec.structs.replace(
                plain.routes[0], use="mini", baseline=None, candidate=None, share=0, fallback=fallback
            )
            changed = msgspec.structs.replace(
                plain, version="2", providers=(cloud, house), targets=(mini, llama, third), routes=(route,)
            )
            assert serving.apply(NewSnapshot("2", msgspec.msgpack.encode(changed))) == ""
            connection = ServerConnection(serving.server)
            connection.connection_made(wire(lambda answer: None))
            connection.data_received(request(1, "whole").replace(b"127.0.0.1:4000", b"localhost"))
            while serving.exchanges:
                await asyncio.sleep(0.01)
            counted = serving.board.by_second(int(time.monotonic()))
            serving.spool.close()
            serving.board.close()
        server.close()
        return sum(retried for _, retried in counted)

    assert uvloop.run(fail()) == retries
