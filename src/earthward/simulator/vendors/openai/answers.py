"""Answers and streams, as OpenAI writes them."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from earthward.simulator.draft import Call, Choice
from earthward.simulator.sources import pages
from earthward.simulator.steps import Head, Headers, Last, Piece, Step, Wait, Whole, paces
from earthward.simulator.text import fragments, tokens_in
from earthward.simulator.vendors.vendor import Made

_FINGERPRINT = "fp_simulated"
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_encode = msgspec.json.Encoder().encode


def head(id: str, created: int) -> Headers:
    return [(b"x-request-id", b"req_" + id.encode()), (b"openai-version", b"2020-10-01")]


def _usage(made: Made) -> dict[str, Any]:
    draft = made.draft
    return {
        "prompt_tokens": draft.input,
        "completion_tokens": draft.output,
        "total_tokens": draft.input + draft.output,
        "prompt_tokens_details": {"cached_tokens": draft.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": draft.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _stamped(piece: str, made: Made) -> str:
    return f"{piece}@{made.clock()}"


def _call_id(made: Made, answer: int, call: int) -> str:
    return f"call_{made.id}{answer}{call}"


def _logprobs(pieces: tuple[str, ...]) -> dict[str, Any]:
    each = [{"token": piece, "logprob": -0.01, "bytes": list(piece.encode()), "top_logprobs": []} for piece in pieces]
    return {"content": each, "refusal": None}


def _message(choice: Choice, index: int, made: Made) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": choice.refusal, "annotations": []}
    if choice.calls:
        message["tool_calls"] = [
            {"id": _call_id(made, index, number), **_told(call, call.arguments)}
            for number, call in enumerate(choice.calls)
        ]
    elif choice.refusal is None:
        stamp = made.behaviour.stamp
        message["content"] = "".join([_stamped(piece, made) for piece in choice.pieces] if stamp else choice.pieces)
        message["annotations"] = _annotations(made, choice)
    return message


def _told(call: Call, arguments: str) -> dict[str, Any]:
    """What is called, with so much of its arguments."""
    if call.custom:
        return {"type": "custom", "custom": {"name": call.name, "input": arguments}}
    return {"type": "function", "function": {"name": call.name, "arguments": arguments}}


def _annotations(made: Made, choice: Choice) -> list[dict[str, Any]]:
    end = sum(map(len, choice.pieces))
    about = [{"title": page.title, "url": page.url} for page in pages(made.draft, choice)]
    return [{"type": "url_citation", "url_citation": {"start_index": 0, "end_index": end, **page}} for page in about]


def whole(made: Made) -> Iterator[Step]:
    behaviour = made.behaviour
    chunks = max((len(choice.pieces) for choice in made.draft.choices), default=0) / behaviour.chunk
    seconds = behaviour.first + max(0.0, chunks - 1) * behaviour.pause
    if seconds:
        yield Wait(seconds)
    answer = {
        "id": f"chatcmpl-{made.id}",
        "object": "chat.completion",
        "created": made.created,
        "model": made.model.dated,
        "choices": [
            {
                "index": index,
                "message": _message(choice, index, made),
                "logprobs": _logprobs(choice.pieces) if made.asked.logprobs and choice.pieces else None,
                "finish_reason": choice.finish,
            }
            for index, choice in enumerate(made.draft.choices)
        ],
        "usage": _usage(made),
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
    }
    yield Whole(200, _JSON + made.headers, _encode(answer), made.draft.output)


def event(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def around(stream: bool) -> tuple[bytes, bytes]:
    opening, closing = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"', b'"}}]}'
    return (b"data: " + opening, closing + b"\n\n") if stream else (opening, closing)


class _Chunks:
    """Chunks of one stream: what is the same in each is written once."""

    def __init__(self, made: Made) -> None:
        common = _encode(
            {
                "id": f"chatcmpl-{made.id}",
                "object": "chat.completion.chunk",
                "created": made.created,
                "model": made.model.dated,
                "service_tier": "default",
                "system_fingerprint": _FINGERPRINT,
            }
        )
        # With include_usage every chunk carries the field, null in all but the last.
        self._usage = b',"usage":null' if made.asked.stream_usage else b""
        self._common = common[:-1]
        # What stands before and after the text in a chunk of the first choice that holds nothing else.
        self.before = b'data: %b,"choices":[{"index":0,"delta":{"content":' % self._common
        self.after = b'},"logprobs":null,"finish_reason":null}]' + self._usage + b"}\n\n"

    def delta(self, index: int, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None) -> bytes:
        choices = [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]
        return event(self._common + b',"choices":' + _encode(choices) + self._usage + b"}")

    def usage(self, usage: dict[str, Any]) -> bytes:
        return event(self._common + b',"choices":[],"usage":' + _encode(usage) + b"}")


class _Said(msgspec.Struct):
    """One choice as pieces: how many there are, and the nth written at the moment it is asked for."""

    rounds: int
    piece: Callable[[int], Piece]


def _said(made: Made, chunks: _Chunks, index: int, choice: Choice) -> _Said:
    if choice.calls:
        deltas = [delta for number, call in enumerate(choice.calls) for delta in _called(made, index, number, call)]
        return _Said(
            len(deltas), lambda nth: Piece(chunks.delta(index, {"tool_calls": [deltas[nth][0]]}), deltas[nth][1])
        )
    if choice.refusal is not None:
        parts = fragments(choice.refusal, 4)
        return _Said(len(parts), lambda nth: Piece(chunks.delta(index, {"refusal": parts[nth]}), 1))
    return _text(made, chunks, index, choice.pieces)


def _text(made: Made, chunks: _Chunks, index: int, pieces: tuple[str, ...]) -> _Said:
    size, stamp = made.behaviour.chunk, made.behaviour.stamp

    def piece(nth: int) -> Piece:
        group = pieces[nth * size : (nth + 1) * size]
        text = "".join([_stamped(each, made) for each in group] if stamp else group)
        logprobs = _logprobs(group) if made.asked.logprobs else None
        return Piece(chunks.delta(index, {"content": text}, logprobs=logprobs), len(group))

    return _Said(-(-len(pieces) // size), piece)


def _called(made: Made, index: int, number: int, call: Call) -> Iterator[tuple[dict[str, Any], int]]:
    """The deltas of one call: first who is called, then the arguments in fragments."""
    yield {"index": number, "id": _call_id(made, index, number), **_told(call, "")}, 1
    for part in fragments(call.arguments, made.behaviour.fragment):
        more = {"custom": {"input": part}} if call.custom else {"function": {"arguments": part}}
        yield {"index": number, **more}, tokens_in(part)


def _one_text(made: Made, chunks: _Chunks, waits: Iterator[Wait]) -> Iterator[Step]:
    """The usual case and the one benchmarks are made of, written for speed."""
    before, after = chunks.before, chunks.after
    clock = made.clock if made.behaviour.stamp else None
    pause = made.behaviour.pause
    for nth, piece in enumerate(made.draft.choices[0].pieces):
        if nth and pause:
            yield next(waits)
        yield Piece(b"%b%b%b" % (before, _encode(f"{piece}@{clock()}" if clock else piece), after), 1)


def _in_turns(made: Made, chunks: _Chunks, waits: Iterator[Wait]) -> Iterator[Step]:
    """Several choices, calls or groups of tokens: one piece of each choice, then a wait."""
    said = [_said(made, chunks, index, choice) for index, choice in enumerate(made.draft.choices)]
    for nth in range(max(each.rounds for each in said)):
        if nth and made.behaviour.pause:
            yield next(waits)
        for each in said:
            if nth < each.rounds:
                yield each.piece(nth)


def stream(made: Made) -> Iterator[Step]:
    behaviour, choices, chunks = made.behaviour, made.draft.choices, _Chunks(made)
    early = min(behaviour.first if behaviour.head is None else behaviour.head, behaviour.first)
    if early:
        yield Wait(early)
    yield Head(200, _EVENTS + made.headers)
    for index, choice in enumerate(choices):
        content = None if choice.calls else ""
        yield Piece(chunks.delta(index, {"role": "assistant", "content": content, "refusal": None}))
    if behaviour.first > early:
        yield Wait(behaviour.first - early)
    waits = paces(behaviour, f"{made.seed}:{made.id}")
    if len(choices) == 1 and choices[0].pieces and behaviour.chunk == 1 and not made.asked.logprobs:
        yield from _one_text(made, chunks, waits)
    else:
        yield from _in_turns(made, chunks, waits)
    for index, choice in enumerate(choices):
        if annotations := _annotations(made, choice):
            yield Piece(chunks.delta(index, {"annotations": annotations}))
        yield Piece(chunks.delta(index, {}, choice.finish))
    if made.asked.stream_usage:
        yield Piece(chunks.usage(_usage(made)))
    yield Last(event(b"[DONE]"))
