import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import ollama
import pytest
import uvloop

from earthward.bench.exchange import request, snapshot, wire, worker
from earthward.chat import Failure
from earthward.dialects.envelope import read
from earthward.dialects.sse import Reader
from earthward.gateway.doors import DOORS
from earthward.gateway.doors.door import Question
from earthward.gateway.doors.gemini import ANYWHERE as GEMINI
from earthward.gateway.heartbeat import COMMENT, Quiet, word_for
from earthward.gateway.messages import NewSnapshot
from earthward.http.server import ServerConnection

PYTHON = {b"x-goog-api-client": b"google-genai-sdk/1.20.0 gl-python/3.11.7"}
NODE = {b"x-goog-api-client": b"genai-js/0.24.0"}


def asked(path: bytes, **fields: Any) -> Question:
    door = DOORS[path]
    body = {"model": "llama", "stream": True, "messages": [{"role": "user", "content": "hello"}], **fields}
    envelope = read(msgspec.json.encode(body))
    assert not isinstance(envelope, Failure)
    glance = door.glance(envelope)
    assert not isinstance(glance, Failure)
    return Question(door, envelope, glance, "id", 0)


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/messages"])
def test_a_heartbeat_is_no_event_for_whoever_reads_the_stream(path: bytes) -> None:
    reader = Reader()
    word = word_for(asked(path, max_tokens=1), {})
    assert word
    assert list(reader.feed(word * 3)) == []
    assert len(list(reader.feed(b'data: {"a": 1}\n\n'))) == 1


@pytest.mark.parametrize(("path", "more"), [(b"/api/chat", {}), (b"/api/generate", {"prompt": "hello"})])
def test_a_heartbeat_for_ollamas_clients_is_a_piece_without_text(path: bytes, more: dict[str, str]) -> None:
    word = word_for(asked(path, **more), {})
    assert word is not None
    assert word.endswith(b"\n")
    piece = (
        ollama.ChatResponse(**json.loads(word)) if path == b"/api/chat" else ollama.GenerateResponse(**json.loads(word))
    )
    assert not piece.done
    assert (piece.message.content if isinstance(piece, ollama.ChatResponse) else piece.response) == ""


def test_blank_lines_are_for_googles_sdk_for_python_alone() -> None:
    question = asked(b"/v1/chat/completions")
    question.door = GEMINI
    assert word_for(question, PYTHON) == b"\n\n"
    assert word_for(question, NODE) is None, "an older SDK for JavaScript stops at them"
    assert word_for(question, {}) is None


def test_a_stream_is_quiet_since_the_first_look_that_found_nothing_new() -> None:
    quiet = Quiet()
    assert [quiet.since(count, now) for count, now in ((5, 2.0), (9, 4.0), (9, 6.0), (9, 8.0), (10, 10.0))] == [
        *(2.0, 4.0, 4.0, 4.0, 10.0)
    ]


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
            serving.board.close()

    uvloop.run(wait())
    answer = b"".join(heard)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"access-control-allow-origin: https://app.example\r\n" in answer
    assert COMMENT in answer
    assert answer.count(b'"error"') == 1, "nobody is there, and the status is out"
