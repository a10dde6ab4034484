"""What an exchange costs one worker in CPU, without the sockets.

`python -m earthward.bench.exchange` builds a real worker, with a canary, prices and a spool in a temporary folder, and
puts transports in memory on both of its sides: whole answers, whole answers that are translated (asked in OpenAI's
dialect, served in Ollama's), then streams that all run at once, each with keys and open. Microseconds of the process's
CPU, the spool's thread and about two for the transports included; the middle one of the rounds, which are interleaved.
"""

import argparse
import asyncio
import gc
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import uvloop

from earthward.config.boot import Boot
from earthward.config.snapshot import Endpoint, Key, Price, Provider, Route, Snapshot, Target, When
from earthward.gateway import board
from earthward.gateway.messages import KeyChange
from earthward.gateway.state import State, write_whole
from earthward.gateway.worker import Seat, Worker
from earthward.http.client import ClientConnection
from earthward.http.server import ServerConnection
from earthward.store.digest import digest_of

Auth = Literal["keys", "open"]

CALLERS = {"whole": 16, "translated": 16, "stream": 200}
EXCHANGES = {"whole": 20_000, "translated": 20_000, "stream": 2_000}
CHUNKS = {"whole": 0, "translated": 0, "stream": 50}
ROUNDS = 5
KEY = b"ew-bench"
SENTENCE = "The quick brown fox jumps over the lazy dog. "
HEAD_OF_ANSWER = (
    b"HTTP/1.1 200 OK\r\nserver: nginx/1.22.1\r\ndate: Sun, 22 Nov 2026 22:27:34 GMT\r\n"
    b"connection: keep-alive\r\nx-request-id: req_1\r\ncontent-type: "
)
ENDS = {"whole": b"}", "translated": b"}", "stream": b"\r\n0\r\n\r\n"}
NOT_OK = (b"HTTP/1.1 4", b"HTTP/1.1 5")


class Figures(msgspec.Struct, frozen=True):
    """Microseconds of CPU; a chunk's include its share of its exchange. `chunks` is what callers were sent."""

    way: str
    auth: Auth
    exchanges: int
    chunks: int
    per_exchange: float
    per_chunk: float | None


class Wire:
    """As much of a transport as both sides use, in memory: what is written goes to `hear`."""

    def __init__(self, hear: Callable[[bytes], object]) -> None:
        self.write = hear

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> None:
        return None

    def set_write_buffer_limits(self, high: int) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Load:
    """Callers that ask again as soon as they are answered, and upstreams that answer, until there were `exchanges`."""

    def __init__(self, worker: Worker, way: str, exchanges: int) -> None:
        self.worker = worker
        self.loop = asyncio.get_running_loop()
        self.over = self.loop.create_future()
        self.answer = ANSWERS[way]()
        self.end = ENDS[way]
        self.unasked = self.unanswered = exchanges
        self.pieces = 0
        self.callers = min(CALLERS[way], exchanges)
        for target in worker.serving.targets.values():
            for _ in range(self.callers):
                self.add_upstream(target.provider.endpoints[0].pool)
        self.asks = [self.add_caller(request(number, way)) for number in range(self.callers)]

    async def run(self) -> float:
        """Seconds of CPU. Raises RuntimeError with the first answer that is an error."""
        gc.collect()
        before = time.process_time()
        for ask in self.asks:
            ask()
        await self.over
        return time.process_time() - before

    def add_upstream(self, pool: Any) -> None:
        connection = ClientConnection(pool)
        say, later = connection.data_received, self.loop.call_soon

        def go_on(pieces: Iterator[bytes]) -> None:
            piece = next(pieces, None)
            if piece is not None:
                later(go_on, pieces)
                say(piece)

        connection.connection_made(wire(lambda asked: later(go_on, iter(self.answer))))
        pool.returned(connection)
        connection.fresh = False

    def add_caller(self, question: bytes) -> Callable[[], None]:
        connection = ServerConnection(self.worker.server)

        def ask() -> None:
            if self.unasked:
                self.unasked -= 1
                connection.data_received(question)

        def hear(answer: bytes) -> None:
            self.pieces += 1
            if answer.startswith(NOT_OK):
                if not self.over.done():
                    self.over.set_exception(RuntimeError(answer.decode()))
            elif answer.endswith(self.end):
                self.unanswered -= 1
                self.loop.call_soon(ask)
                if not self.unanswered:
                    self.over.set_result(None)

        connection.connection_made(wire(hear))
        return ask


def wire(hear: Callable[[bytes], object]) -> asyncio.Transport:
    return cast("asyncio.Transport", Wire(hear))


def request(number: int, way: str) -> bytes:
    """Each caller's is another conversation, so that the canary has something to split."""
    said = [("system", "You are helpful."), ("user", f"Say something about {number} foxes in one sentence please.")]
    messages = [{"role": role, "content": text} for role, text in said]
    body = msgspec.json.encode(
        {"model": "gpt-4o-mini", "messages": messages, "max_tokens": 64, "stream": way == "stream"}
    )
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:4000\r\nuser-agent: bench\r\naccept: */*\r\n"
        b"content-type: application/json\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
        % (KEY, len(body), body)
    )


def whole_answer() -> tuple[bytes, ...]:
    message: dict[str, Any] = {"role": "assistant", "content": SENTENCE * 3, "refusal": None, "annotations": []}
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 30,
        "total_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = msgspec.json.encode({**beginning("chat.completion"), "choices": [choice], "usage": usage})
    return (HEAD_OF_ANSWER + b"application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body),)


def ollamas_answer() -> tuple[bytes, ...]:
    """The same by Ollama."""
    body = msgspec.json.encode(
        {
            "model": "llama3.2",
            "created_at": "2026-11-22T22:27:34.123456789Z",
            "message": {"role": "assistant", "content": SENTENCE * 3},
            "done": True,
            "done_reason": "stop",
            "total_duration": 812_000_000,
            "load_duration": 12_000_000,
            "prompt_eval_count": 20,
            "prompt_eval_duration": 100_000_000,
            "eval_count": 30,
            "eval_duration": 700_000_000,
        }
    )
    return (HEAD_OF_ANSWER + b"application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body),)


def streamed_answer() -> tuple[bytes, ...]:
    """As many chunks with text as `CHUNKS` says, one with the reason, one with the usage, and the end."""
    words = SENTENCE.split(" ")
    deltas = [{"content": words[number % len(words)] + " "} for number in range(CHUNKS["stream"])]
    usage = {"prompt_tokens": 20, "completion_tokens": CHUNKS["stream"], "total_tokens": 20 + CHUNKS["stream"]}
    events: list[dict[str, Any]] = [
        *({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    written = [msgspec.json.encode({**beginning("chat.completion.chunk"), **event}) for event in events]
    pieces = [b"data: %b\n\n" % data for data in (*written, b"[DONE]")]
    chunked = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    head = HEAD_OF_ANSWER + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return (head, *chunked[:-1], chunked[-1] + b"0\r\n\r\n")


ANSWERS: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "whole": whole_answer,
    "translated": ollamas_answer,
    "stream": streamed_answer,
}


def beginning(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": "gpt-4o-mini-2024-07-18"}


def snapshot(auth: Auth) -> Snapshot:
    """A quarter of the conversations goes to the candidate."""
    return Snapshot(
        "1",
        "bench",
        providers=(
            Provider("cloud", "openai", "openai_chat", "cloud", (Endpoint("http://127.0.0.1:1/v1", 0),)),
            Provider("house", "openai_compatible", "openai_chat", "local", (Endpoint("http://127.0.0.1:2/v1", 1),)),
        ),
        targets=(
            Target("mini", "cloud", "gpt-4o-mini", "cloud", price=Price(150_000, 600_000, 75_000, 150_000)),
            Target("llama", "house", "llama", "local"),
        ),
        routes=(Route("trial", When(model=("gpt-*",)), baseline="mini", candidate="llama", share=2500),),
        auth=auth,
    )


def of_ollama(made: Snapshot) -> Snapshot:
    """The same with targets that are asked in Ollama's dialect."""
    providers = (msgspec.structs.replace(it, kind="ollama", dialect="ollama") for it in made.providers)
    return msgspec.structs.replace(made, providers=tuple(providers))


def worker(folder: Path, auth: Auth, listener: socket.socket, way: str = "whole") -> Worker:
    """One as the supervisor would start it, but for the sockets."""
    made = snapshot(auth)
    state = State(folder)
    state.make()
    board.create(state.board)
    write_whole(state.snapshot, msgspec.msgpack.encode(of_ollama(made) if way == "translated" else made))
    # The same conversations go to the candidate each time.
    write_whole(state.folder / "salt", KEY)
    boot = Boot("127.0.0.1", 0, "127.0.0.1", 0, str(folder), "", "bench")
    started = Worker(Seat(0, boot, {}, listener, -1, "bench", board.Board(state.board, 0)))
    key = Key("k1", digest_of(started.pepper, KEY), "app", "team")
    started.apply(KeyChange(1, None, (key,)))
    return started


async def exchanged(way: str, auth: Auth, exchanges: int, folder: Path) -> Figures:
    """Leaves the spool in `folder`. Raises TimeoutError when not all answers come."""
    with socket.socket() as listener:
        serving = worker(folder, auth, listener, way)
        load = Load(serving, way, exchanges)
        async with asyncio.timeout(60 + exchanges):
            cpu = await load.run() * 1e6
        serving.spool.close()
        serving.board.close()
    chunks = load.pieces if way == "stream" else 0
    return Figures(way, auth, exchanges, chunks, cpu / exchanges, cpu / chunks if chunks else None)


def measure(way: str, auth: Auth, exchanges: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(exchanged(way, auth, exchanges, Path(folder)))


def middle(rounds: list[Figures]) -> Figures:
    return sorted(rounds, key=lambda figures: figures.per_exchange)[len(rounds) // 2]


def shown(figures: Figures) -> str:
    chunk = "" if figures.per_chunk is None else f"{figures.per_chunk:6.1f} µs a chunk of {figures.chunks:,}"
    return f"{figures.way:11}{figures.auth:5}{figures.per_exchange:8.1f} µs an exchange of {figures.exchanges:,}{chunk}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.exchange", description=str(__doc__).split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"instead of {ROUNDS}")
    parser.add_argument("--ways", nargs="+", choices=EXCHANGES, default=list(EXCHANGES), help="what to measure")
    parser.add_argument("--exchanges", type=int, help="of each kind, to compare what two numbers of them take")
    given = parser.parse_args()
    cases: list[tuple[str, Auth]] = [(way, auth) for way in given.ways for auth in ("keys", "open")]
    taken = [
        [measure(way, auth, given.exchanges or EXCHANGES[way]) for way, auth in cases] for _ in range(given.rounds)
    ]
    results = [middle(list(rounds)) for rounds in zip(*taken, strict=True)]
    if given.json:
        print(msgspec.json.encode(results).decode())
    else:
        print(*map(shown, results), sep="\n")


if __name__ == "__main__":
    main()
