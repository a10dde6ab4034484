"""What is kept of attempts that came to nothing."""

import asyncio
import socket
from pathlib import Path

import msgspec
import uvloop

from earthward.bench.exchange import request, snapshot, wire, worker
from earthward.config.snapshot import Endpoint
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
