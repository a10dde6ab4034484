"""Answers and streams, as Anthropic writes them."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from earthward.simulator.draft import Call, Choice
from earthward.simulator.sources import pages
from earthward.simulator.steps import Head, Headers, Last, Piece, Step, Wait, Whole, paces
from earthward.simulator.text import fragments, tokens_in
from earthward.simulator.vendors.anthropic.errors import limits
from earthward.simulator.vendors.anthropic.requests import Own
from earthward.simulator.vendors.vendor import Made

_ORGANIZATION = (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000")
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_encode = msgspec.json.Encoder().encode


def head(id: str, created: int) -> Headers:
    return [(b"request-id", b"req_" + id.encode()), _ORGANIZATION]


def _usage(made: Made, output: int) -> dict[str, Any]:
    draft = made.draft
    return {
        "input_tokens": draft.input - draft.cached - draft.cache_written,
        "cache_creation_input_tokens": draft.cache_written,
        "cache_read_input_tokens": draft.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": draft.cache_written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def _ended(choice: Choice) -> dict[str, Any]:
    if choice.refusal is not None:
        return {"stop_reason": "refusal", "stop_sequence": None}
    if choice.stop is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": choice.stop}
    return {"stop_reason": _REASONS[choice.finish], "stop_sequence": None}


def _pieces(choice: Choice) -> tuple[str, ...]:
    return choice.pieces if choice.refusal is None else fragments(choice.refusal, 4)


def _stamped(piece: str, made: Made) -> str:
    return f"{piece}@{made.clock()}" if made.behaviour.stamp else piece


def _signature(made: Made) -> str:
    return b64encode(f"simulated:{made.id}".encode()).decode()


def _call_id(made: Made, number: int) -> str:
    return f"toolu_{made.id}{number}"


def _message(made: Made, content: list[dict[str, Any]], ended: dict[str, Any], output: int) -> dict[str, Any]:
    return {
        "id": f"msg_{made.id}",
        "type": "message",
        "role": "assistant",
        "model": made.model.dated,
        "content": content,
        **ended,
        "usage": _usage(made, output),
    }


def _content(made: Made, choice: Choice) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if made.draft.thoughts:
        content.append({"type": "thinking", "thinking": "".join(made.draft.thoughts), "signature": _signature(made)})
    for number, call in enumerate(choice.calls):
        called = {"id": _call_id(made, number), "name": call.name, "input": json.loads(call.arguments)}
        content.append({"type": "tool_use", **called})
    if not choice.calls and (pieces := _pieces(choice)):
        cited = {"citations": found} if (found := _citations(made, choice)) else {}
        content.append({"type": "text", "text": "".join(_stamped(piece, made) for piece in pieces), **cited})
    return content


def _citations(made: Made, choice: Choice) -> list[dict[str, Any]]:
    own = made.asked.own
    if isinstance(own, Own) and own.cited is not None and choice.pieces:
        about = {"document_index": 0, "document_title": own.cited or None, "file_id": None}
        return [{"type": "char_location", "cited_text": "x", **about, "start_char_index": 0, "end_char_index": 1}]
    sealed = {"cited_text": "Simulated.", "encrypted_index": b64encode(made.id.encode()).decode()}
    kind = "web_search_result_location"
    found = pages(made.draft, choice)
    return [{"type": kind, "url": page.url, "title": page.title, **sealed} for page in found]


def whole(made: Made) -> Iterator[Step]:
    behaviour, (choice,) = made.behaviour, made.draft.choices
    chunks = (len(made.draft.thoughts) + len(choice.pieces)) / behaviour.chunk
    seconds = behaviour.first + max(0.0, chunks - 1) * behaviour.pause
    if seconds:
        yield Wait(seconds)
    answer = _message(made, _content(made, choice), _ended(choice), made.draft.output)
    yield Whole(200, _JSON + made.headers + limits(made.created), _encode(answer), made.draft.output)


def around(stream: bool) -> tuple[bytes, bytes]:
    if not stream:
        return b'{"id":"msg_0","type":"message","role":"assistant","content":[{"type":"text","text":"', b'"}]}'
    return _DELTA % 0 + b'{"type":"text_delta","text":"', b'"}}\n\n'


def event(payload: bytes) -> bytes:
    return b"event: error\ndata: " + payload + b"\n\n"


def _named(name: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode({"type": name, **fields}))


class _Part(msgspec.Struct):
    """One content block as pieces: how it starts, how many there are, and the nth written when it is asked for."""

    start: dict[str, Any]
    rounds: int
    piece: Callable[[int], Piece]
    closing: bytes = b""


def _spelt(
    made: Made, index: int, pieces: tuple[str, ...], kind: str, field: str
) -> tuple[int, Callable[[int], Piece]]:
    """Tokens as deltas, `chunk` of them in each. What is the same in every delta is written once."""
    size, stamp = made.behaviour.chunk, made.behaviour.stamp
    before, after = _DELTA % index + f'{{"type":"{kind}","{field}":'.encode(), b"}}\n\n"

    def piece(nth: int) -> Piece:
        group = pieces[nth * size : (nth + 1) * size]
        text = "".join([_stamped(each, made) for each in group] if stamp else group)
        return Piece(b"%b%b%b" % (before, _encode(text), after), len(group))

    return -(-len(pieces) // size), piece


def _thought(made: Made, index: int) -> _Part:
    rounds, piece = _spelt(made, index, made.draft.thoughts, "thinking_delta", "thinking")
    signed = _DELTA % index + _encode({"type": "signature_delta", "signature": _signature(made)}) + b"}\n\n"
    return _Part({"type": "thinking", "thinking": "", "signature": ""}, rounds, piece, signed)


def _called(made: Made, index: int, number: int, call: Call) -> _Part:
    parts = ("", *fragments(call.arguments, made.behaviour.fragment))
    start = {"type": "tool_use", "id": _call_id(made, number), "name": call.name, "input": {}}

    def piece(nth: int) -> Piece:
        delta = _encode({"type": "input_json_delta", "partial_json": parts[nth]})
        return Piece(_DELTA % index + delta + b"}\n\n", tokens_in(parts[nth]) or 1)

    return _Part(start, len(parts), piece)


def _parts(made: Made, choice: Choice) -> Iterator[_Part]:
    """The blocks in the order they are sent: thoughts, then text or calls."""
    index = 0
    if made.draft.thoughts:
        yield _thought(made, index)
        index = 1
    for number, call in enumerate(choice.calls):
        yield _called(made, index + number, number, call)
    if not choice.calls and (pieces := _pieces(choice)):
        found = _citations(made, choice)
        start = {"type": "text", "text": "", **({"citations": []} if found else {})}
        told = (_encode({"type": "citations_delta", "citation": citation}) for citation in found)
        cited = b"".join(_DELTA % index + delta + b"}\n\n" for delta in told)
        yield _Part(start, *_spelt(made, index, pieces, "text_delta", "text"), cited)


def stream(made: Made) -> Iterator[Step]:
    behaviour, (choice,) = made.behaviour, made.draft.choices
    early = min(behaviour.first if behaviour.head is None else behaviour.head, behaviour.first)
    if early:
        yield Wait(early)
    yield Head(200, _EVENTS + made.headers + limits(made.created))
    begun = {"stop_reason": None, "stop_sequence": None}
    yield Piece(_named("message_start", message=_message(made, [], begun, 1)))
    if behaviour.first > early:
        yield Piece(_PING)
        yield Wait(behaviour.first - early)
    yield from _written(made, choice)
    usage = _usage(made, made.draft.output)
    yield Piece(_named("message_delta", delta=_ended(choice), usage=usage))
    yield Last(_named("message_stop"))


def _written(made: Made, choice: Choice) -> Iterator[Step]:
    waits, pause, begun = paces(made.behaviour, f"{made.seed}:{made.id}"), made.behaviour.pause, False
    for index, part in enumerate(_parts(made, choice)):
        yield Piece(_named("content_block_start", index=index, content_block=part.start))
        if not index:
            yield Piece(_PING)
        for nth in range(part.rounds):
            if begun and pause:
                yield next(waits)
            begun = True
            yield part.piece(nth)
        if part.closing:
            yield Piece(part.closing)
        yield Piece(_named("content_block_stop", index=index))
