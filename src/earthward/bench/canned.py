"""`python -m earthward.bench.canned`: an upstream that costs next to nothing, where only the gateway is to be measured.

To every question the same numbered tokens: whole at once, or as a stream with a pause before each, as models answer.
"""

import argparse
import asyncio
import re
from typing import cast

import msgspec
import uvloop

from earthward.bench.exchange import beginning

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
STREAM = b'"stream":true'


def text(tokens: int) -> list[str]:
    return [f"t{number}" if not number else f" t{number}" for number in range(tokens)]


def whole(tokens: int) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(text(tokens))}, "finish_reason": "stop"}
    body = msgspec.json.encode({**beginning("chat.completion"), "choices": [choice], "usage": _usage(tokens)})
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def streamed(tokens: int) -> list[bytes]:
    """The answer's head with its first chunk, then a chunk for each token, then all that ends it."""
    deltas = [{"role": "assistant", "content": ""}, *({"content": word} for word in text(tokens))]
    first, *more = [_chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    end = _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    end += _chunk(choices=[], usage=_usage(tokens))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return [head + first, *more, end + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"]


def _chunk(**event: object) -> bytes:
    data = b"data: %b\n\n" % msgspec.json.encode({**beginning("chat.completion.chunk"), **event})
    return b"%x\r\n%b\r\n" % (len(data), data)


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": 20 + tokens}


class Upstream(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    def __init__(self, whole: bytes, streamed: list[bytes], pause: float) -> None:
        self._whole, self._streamed, self._pause = whole, streamed, pause
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        came = self._came = self._came + data if self._came else data
        head, found, body = came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not found or len(body) < (int(length[1]) if length else 0):
            return
        self._came = b""
        if STREAM in body:
            self._go_on(0)
        else:
            self._transport.write(self._whole)

    def _go_on(self, place: int) -> None:
        if place < len(self._streamed) and not self._transport.is_closing():
            self._transport.write(self._streamed[place])
            asyncio.get_running_loop().call_later(self._pause, self._go_on, place + 1)


async def serve(tokens: int, pause: float) -> None:
    answers = whole(tokens), streamed(tokens)
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(*answers, pause), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(msgspec.json.encode({"url": url}).decode(), flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.canned", description=str(__doc__).split("\n")[0])
    parser.add_argument("--tokens", type=int, default=24, help="of each answer")
    parser.add_argument("--pause", type=float, default=0.005, help="seconds before each token of a stream")
    given = parser.parse_args()
    uvloop.run(serve(given.tokens, given.pause))


if __name__ == "__main__":
    main()
