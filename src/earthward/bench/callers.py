"""Callers who ask by the clock, come what may, each on a connection of its own, and write down when they heard what."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

CONTENT = re.compile(rb'"content":\s*"[^"]')
OK = 200


class Heard(msgspec.Struct):
    """What came of one request; times in seconds since it was due, `first` of the first content (None: none came).

    `first_at` is the same in Unix nanoseconds. `is_whole`: it had a good status and its end, and no error within.
    Status 0: there was no answer at all.
    """

    due: float
    status: int = 0
    first: float | None = None
    first_at: int = 0
    total: float = 0.0
    text: str = ""
    is_whole: bool = False
    retry_after: str | None = None
    target: str = ""


def question(model: str, said: str | list[dict[str, str]], *, stream: bool = False, **fields: Any) -> bytes:
    messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
    return json.dumps({"model": model, "messages": messages, "stream": stream, **fields}).encode()


async def ask(port: int, body: bytes, due: float, headers: str = "", timeout: float = 60.0) -> Heard:
    """One request to an endpoint for OpenAI's chat. Raises nothing: who hears nothing has a status of 0."""
    heard = Heard(due)
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
            try:
                head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
                writer.write(f"{head}{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
                await _hear(reader, heard)
            finally:
                writer.close()
    except (OSError, EOFError, LookupError, ValueError, asyncio.LimitOverrunError):
        heard.is_whole = False
    heard.total = time.monotonic() - due
    return heard


async def _hear(reader: asyncio.StreamReader, heard: Heard) -> None:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    heard.status = int(lines[0].split()[1])
    heard.retry_after = headers.get("retry-after")
    heard.target = headers.get("x-earthward-target", "")
    body = bytearray()
    while piece := await reader.read(1 << 16):
        body += piece
        if heard.first is None and heard.status == OK and CONTENT.search(body):
            heard.first, heard.first_at = time.monotonic() - heard.due, time.time_ns()
    if heard.status == OK:
        is_chunked = headers.get("transfer-encoding") == "chunked"
        heard.text, heard.is_whole = said(unchunked(bytes(body)) if is_chunked else bytes(body))


def unchunked(body: bytes) -> bytes:
    """What chunks hold, as far as they came."""
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)


def said(body: bytes) -> tuple[str, bool]:
    """The text of an answer, whole or streamed, and whether it came to its end without an error."""
    if body.lstrip().startswith(b"{"):
        choice = json.loads(body)["choices"][0]
        return choice["message"]["content"] or "", True
    events = [line[6:] for line in body.split(b"\n\n") if line.startswith(b"data: ")]
    chunks = [json.loads(event) for event in events if event != b"[DONE]"]
    words = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ())]
    return "".join(words), b"[DONE]" in events and not any("error" in chunk for chunk in chunks)


async def by_the_clock(times: Iterable[float], call: Callable[[int, float], Awaitable[T]]) -> list[T]:
    """Calls at these seconds from now, whether earlier ones are over or not; `call` gets its number and when it was due
    by the monotonic clock."""
    start = time.monotonic()
    tasks = []
    for number, at in enumerate(times):
        wait = start + at - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.ensure_future(call(number, start + at)))
    return list(await asyncio.gather(*tasks))


def evenly(rate: float, seconds: float) -> list[float]:
    """`rate` times a second for so long."""
    return [number / rate for number in range(round(rate * seconds))]


async def in_turn(callers: int, seconds: float, call: Callable[[int, float], Awaitable[T]]) -> list[T]:
    """So many callers, each of whom asks again as soon as they were answered."""
    end = time.monotonic() + seconds
    heard: list[T] = []

    async def one(number: int) -> None:
        while time.monotonic() < end:
            heard.append(await call(number, time.monotonic()))

    await asyncio.gather(*[one(number) for number in range(callers)])
    return heard
