import asyncio
import json
import socket
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import pytest
import uvloop

from earthward.simulator import Simulator

OWN_WORDS = ("/v1beta/", "/v1/projects/", "/v1/responses")
"""Paths at which a body has no messages, or no model."""


class Seen(NamedTuple):
    """Everything that came on a connection, and how it ended: eof, reset, or open when nothing more came."""

    raw: bytes
    end: str

    @property
    def status(self) -> int:
        return int(self.raw[9:12])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """As it came, with the framing of chunks if there is any."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def text(self) -> bytes:
        """The body without the framing of chunks; what is not framed rightly is an error."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.body
        rest, text = self.body, b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            text, end, rest = text + rest[:length], rest[length : length + 2], rest[length + 2 :]
            assert end == b"\r\n"
            if not length:
                return text
        raise AssertionError("the last chunk is missing")

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """The payloads of a stream; `[DONE]` as it is."""
        lines = [line[6:] for line in self.text.decode().split("\n\n") if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]

    @property
    def content(self) -> str:
        chunks = [event for event in self.events if event != "[DONE]" and event.get("choices")]
        return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


async def read_all(sock: socket.socket, silence: float) -> Seen:
    loop, raw = asyncio.get_running_loop(), bytearray()
    while True:
        try:
            data = await asyncio.wait_for(loop.sock_recv(sock, 1 << 20), silence)
        except TimeoutError:
            return Seen(bytes(raw), "open")
        except ConnectionResetError:
            return Seen(bytes(raw), "reset")
        if not data:
            return Seen(bytes(raw), "eof")
        raw += data


async def ask(
    simulator: Simulator,
    *,
    path: str = "/v1/chat/completions",
    method: str = "POST",
    headers: tuple[tuple[str, str], ...] = (),
    sim: dict[str, Any] | None = None,
    raw_body: bytes | None = None,
    silence: float = 60.0,
    **body: Any,
) -> Seen:
    """One request over a connection of its own, and all that comes back until the connection ends or falls silent."""
    usual = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    asked = body if path.startswith(OWN_WORDS) else {**usual, **body}
    data = b"" if method == "GET" else raw_body if raw_body is not None else json.dumps(asked).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: test", "connection: close", f"content-length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if sim is not None:
        lines.append(f"x-sim: {json.dumps(sim)}")
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", simulator.port))
        await asyncio.get_running_loop().sock_sendall(sock, "\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        return await read_all(sock, silence)


async def until(found: Callable[[], Any], patience: float = 90.0) -> Any:
    """Polls until it is so, and returns what was found."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while not (value := found()):
        assert loop.time() < end, "it did not come about"
        await asyncio.sleep(0.002)
    return value


class Stage:
    """What tests of the simulator need, as one fixture."""

    ask = staticmethod(ask)
    read_all = staticmethod(read_all)
    until = staticmethod(until)

    @staticmethod
    def run(play: Coroutine[Any, Any, Any]) -> Any:
        return uvloop.run(play)

    @staticmethod
    def answers(*requests: dict[str, Any], **options: Any) -> list[Seen]:
        """What a simulator with these options answers to these requests, one after another."""

        async def play() -> list[Seen]:
            async with Simulator(**options) as simulator:
                return [await ask(simulator, **request) for request in requests]

        return list(uvloop.run(play()))


@pytest.fixture
def stage() -> Stage:
    return Stage()
