"""Every dialect of chat by one set of names, and what their readers are fed: goldens, whole and mutated.

A dialect that is added here is tried with all that is tried with the others.
"""

import copy
import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from earthward.chat import Answer, ChatRequest, Event, Failure, collect
from earthward.dialects import (
    anthropic_messages,
    envelope,
    gemini,
    ollama,
    openai_chat,
    openai_completions,
    openai_responses,
)
from earthward.dialects.envelope import Envelope

GOLDEN = Path(__file__).parent / "dialects/golden"


class Dialect(NamedTuple):
    name: str
    module: Any
    read_request: Callable[[bytes], ChatRequest | Failure]
    write_request: Callable[[ChatRequest], bytes | Failure]
    losses: Callable[[ChatRequest], tuple[str, ...]]
    reader: Callable[[], Any]
    writer: Callable[[], Any]
    read_answer: Callable[[bytes], Answer | Failure]
    write_answer: Callable[[Answer], bytes | Failure]
    listener: Callable[[], Any]
    glance: Callable[[Envelope], Any]
    prepare: Callable[[Envelope], bytes]
    requests: str
    answers: str | None
    streams: str

    def read_stream(self, *pieces: bytes) -> list[Event]:
        reader = self.reader()
        events = [event for piece in pieces for event in reader.feed(piece)]
        return [*events, *reader.end()]

    def write_stream(self, events: Iterable[Event]) -> bytes:
        writer = self.writer()
        return b"".join([writer.write(event) for event in events]) + writer.end()

    def golden_requests(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((GOLDEN / self.requests).glob("*.json"))]

    def golden_answers(self) -> list[bytes]:
        found = [path.read_bytes() for path in sorted((GOLDEN / (self.answers or "-")).glob("*.json"))]
        whole = [
            answer
            for stream in self.golden_streams()
            if isinstance(answer := collect(self.read_stream(stream)), Answer)
        ]
        return [*found, *(body for answer in whole if isinstance(body := self.write_answer(answer), bytes))]

    def golden_streams(self) -> list[bytes]:
        kinds = ("*.sse", "*.ndjson")
        return [path.read_bytes() for kind in kinds for path in sorted((GOLDEN / self.streams).glob(kind))]


DIALECTS = (
    Dialect(
        "openai_chat",
        openai_chat,
        openai_chat.read_request,
        lambda request: openai_chat.write_request(request, extensions=False),
        lambda request: openai_chat.losses(request, extensions=False),
        openai_chat.StreamReader,
        lambda: openai_chat.StreamWriter("m", True, "chatcmpl-1", 5),
        openai_chat.read_answer,
        openai_chat.write_answer,
        lambda: openai_chat.StreamListener("m", True),
        openai_chat.glance,
        lambda sealed: openai_chat.prepare(sealed, "m", True),
        "requests",
        "answers",
        "streams",
    ),
    Dialect(
        "anthropic_messages",
        anthropic_messages,
        anthropic_messages.read_request,
        anthropic_messages.write_request,
        anthropic_messages.losses,
        anthropic_messages.StreamReader,
        lambda: anthropic_messages.StreamWriter("m", "msg_1"),
        anthropic_messages.read_answer,
        anthropic_messages.write_answer,
        lambda: anthropic_messages.StreamListener("m"),
        anthropic_messages.glance,
        lambda sealed: anthropic_messages.prepare(sealed, "m", True),
        "anthropic_requests",
        "anthropic_answers",
        "anthropic_streams",
    ),
    Dialect(
        "gemini",
        gemini,
        lambda body: gemini.read_request(body, "m"),
        gemini.write_request,
        gemini.losses,
        gemini.StreamReader,
        lambda: gemini.StreamWriter("m", "r1"),
        gemini.read_answer,
        gemini.write_answer,
        lambda: gemini.StreamListener("m"),
        lambda sealed: gemini.glance(sealed, "m", True),
        gemini.prepare,
        "gemini_requests",
        None,
        "gemini_streams",
    ),
    Dialect(
        "ollama",
        ollama,
        ollama.read_request,
        ollama.write_request,
        ollama.losses,
        ollama.StreamReader,
        lambda: ollama.StreamWriter("m", 5),
        ollama.read_answer,
        ollama.write_answer,
        lambda: ollama.StreamListener("m"),
        ollama.glance,
        lambda sealed: ollama.prepare(sealed, "m"),
        "ollama/requests",
        "ollama/answers",
        "ollama/streams",
    ),
    Dialect(
        "openai_responses",
        openai_responses,
        openai_responses.read_request,
        openai_responses.write_request,
        openai_responses.losses,
        openai_responses.StreamReader,
        lambda: openai_responses.StreamWriter("m", "resp_1", 5),
        openai_responses.read_answer,
        openai_responses.write_answer,
        lambda: openai_responses.StreamListener("m"),
        openai_responses.glance,
        lambda sealed: openai_responses.prepare(sealed, "m"),
        "responses_requests",
        None,
        "responses_streams",
    ),
    Dialect(
        "openai_completions",
        openai_completions,
        openai_completions.read_request,
        openai_completions.write_request,
        openai_completions.losses,
        openai_completions.StreamReader,
        lambda: openai_completions.StreamWriter("m", True, "cmpl-1", 5),
        openai_completions.read_answer,
        openai_completions.write_answer,
        lambda: openai_completions.StreamListener("m", True),
        openai_completions.glance,
        lambda sealed: openai_completions.prepare(sealed, "m", True),
        "completions_requests",
        None,
        "completions_streams",
    ),
)
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
CONVERSING = tuple(dialect for dialect in DIALECTS if dialect.name != "openai_completions")
"""Those in which there is room for a conversation."""


HOSTILE: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.1, -0.0, 1e308),
    *("", " ", "\n", "\u0000", "\ud83d\ude00", "e\u0301", "x" * 300, "auto", "none", "user", "assistant", "tool"),
    *("data:", "data:;base64,", "data:image/png;base64,", "https://", "gs://x", "{", "{}", "[]", "null", "1e999"),
    *([], {}, [[]], [None], [{}], {"": None}, {"type": "text"}, {"type": None}, [[[[]]]], {"$ref": "#"}),
    *({"a": {"b": [None, {"c": 1}]}}, [1, "a", None], {"type": "function"}, {"text": 5}, {"error": {}}),
)
"""What takes the place of something in a document."""


def mutated(document: Any, chance: random.Random) -> Any:
    """The same with one to three places changed: another value, a member lost, doubled, renamed or moved."""
    document = json.loads(json.dumps(document))
    for _ in range(chance.randint(1, 3)):
        holders = [holder for holder in _holders(document) if holder]
        if not holders:
            return copy.deepcopy(chance.choice(HOSTILE))
        holder = chance.choice(holders)
        place = chance.choice(range(len(holder)) if isinstance(holder, list) else [*holder])
        match chance.randint(0, 7):
            case 0:
                del holder[place]
            case 1 if isinstance(holder, list):
                holder.append(holder[place])
            case 1:
                holder[chance.choice(["type", "id", "name", "index", "error", "content", "usage", "x"])] = holder[place]
            case 2:
                other = chance.choice(holders)
                holder[place] = json.loads(json.dumps(other))
            case 3 if isinstance(holder[place], str):
                holder[place] = holder[place] + chance.choice(["", "x", "_", "\u0301", "_2", ":"])
            case _:
                holder[place] = copy.deepcopy(chance.choice(HOSTILE))
    return document


def _holders(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(inner for item in value.values() for inner in _holders(item))]
    if isinstance(value, list):
        return [value, *(inner for item in value for inner in _holders(item))]
    return []


def spelt(document: Any) -> bytes:
    """As JSON; lone halves of a pair, which UTF-8 cannot say, as escapes."""
    return json.dumps(document).encode()


def torn(body: bytes, chance: random.Random) -> bytes:
    """The bytes with a few of them changed, lost or repeated, as no JSON writer would."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        if not data:
            return bytes([chance.randrange(256)])
        at = chance.randrange(len(data))
        match chance.randint(0, 4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2:
                data[at:at] = data[max(0, at - chance.randint(1, 30)) : at]
            case 3:
                data[at:at] = chance.choice(
                    [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\ud800", b"\xff", b"\n", b"1e999"]
                )
            case _:
                del data[at:]
    return bytes(data)


def mutated_stream(stream: bytes, chance: random.Random) -> bytes:
    """A stream with one of its documents mutated, lost, repeated or moved; or with its bytes torn."""
    if chance.random() < 0.2:
        return torn(stream, chance)
    end = b"\n" if stream.startswith(b"{") else b"\n\n"
    blocks = stream.replace(b"\r\n", b"\n").split(end)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(blocks))
        match chance.randint(0, 5):
            case 0:
                del blocks[at]
                blocks = blocks or [b""]
            case 1:
                blocks.insert(at, blocks[at])
            case 2:
                other = chance.randrange(len(blocks))
                blocks[at], blocks[other] = blocks[other], blocks[at]
            case _:
                head, mark, payload = blocks[at].rpartition(b"data: ")
                try:
                    document = json.loads(payload)
                except ValueError:
                    continue
                blocks[at] = head + mark + spelt(mutated(document, chance))
    return end.join(blocks)


def sealed(body: bytes) -> Envelope | None:
    found = envelope.read(body)
    return found if isinstance(found, Envelope) else None
