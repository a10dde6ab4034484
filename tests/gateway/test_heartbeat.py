import asyncio
import socket
import time
from pathlib import Path

import msgspec
import pytest
import uvloop

from earthward.bench.exchange import request, snapshot, wire, worker
from earthward.dialects.sse import Reader
from earthward.gateway.doors import DOORS
from earthward.gateway.heartbeat import HEARTBEATS
from earthward.gateway.messages import NewSnapshot
from earthward.http.server import ServerConnection


@pytest.mark.parametrize("dialect", HEARTBEATS)
def test_a_heartbeat_is_no_event_for_whoever_reads_the_stream(dialect: str) -> None:
    reader = Reader()
    assert list(reader.feed(HEARTBEATS[dialect] * 3)) == []
    assert len(list(reader.feed(b'data: {"a": 1}\n\n'))) == 1


def test_heartbeats_are_for_dialects_of_server_sent_events_alone() -> None:
    doors = DOORS.values() if isinstance(DOORS, dict) else DOORS
    types = {door.dialect: door.stream_type for door in doors}
    assert HEARTBEATS.keys() <= types.keys()
    assert all(types[dialect].startswith(b"text/event-stream") for dialect in HEARTBEATS)
    assert "ollama" not in HEARTBEATS
    assert "gemini" not in HEARTBEATS, "Google's SDKs take a comment for broken JSON"


def test_a_browser_may_read_a_stream_that_begins_with_a_heartbeat(tmp_path: Path) -> None:
    """Where the head goes out with the first heartbeat, it is the only one there will be."""
    heard: list[bytes] = []

    async def wait() -> None:
        with socket.socket() as listener:
            serving = worker(tmp_path, "open", listener)
            opened = msgspec.structs.replace(snapshot("open"), version="2", cors=("https://app.example",))
            assert serving.apply(NewSnapshot("2", msgspec.msgpack.encode(opened))) == ""
            connection = ServerConnection(serving.server)
            connection.connection_made(wire(heard.append))
            asked = request(1, "stream").replace(b"accept: */*", b"origin: https://app.example")
            connection.data_received(asked.replace(b"127.0.0.1:4000", b"localhost"))
            [exchange] = serving.exchanges
            exchange.beat(time.monotonic() + 60)
            while serving.exchanges:
                await asyncio.sleep(0.01)
            serving.spool.close()

    uvloop.run(wait())
    answer = b"".join(heard)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"access-control-allow-origin: https://app.example\r\n" in answer
    assert HEARTBEATS["openai_chat"] in answer
    assert answer.count(b'"error"') == 1, "nobody is there, and the status is out"
