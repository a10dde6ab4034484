"""Answers, whole, as events, and as one array. Calls come whole, and nothing but the end of the body is the end."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec

from earthward.simulator.draft import Choice
from earthward.simulator.sources import pages
from earthward.simulator.steps import Head, Headers, Last, Piece, Step, Wait, Whole, paces
from earthward.simulator.vendors.vendor import Made

Wire = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_JSON: Headers = [(b"content-type", b"application/json; charset=UTF-8")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream")]
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}


def head(id: str, created: int) -> Headers:
    return [(b"server-timing", b"gfet4t7; dur=1")]


def event(payload: bytes) -> bytes:
    return b"data: " + payload + b"\r\n\r\n"


def around(stream: bool) -> tuple[bytes, bytes]:
    opening, closing = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"', b'"}]},"index":0}]}'
    return (b"data: " + opening, closing + b"\r\n\r\n") if stream else (opening, closing)


def whole(made: Made) -> Iterator[Step]:
    behaviour = made.behaviour
    chunks = max((len(choice.pieces) for choice in made.draft.choices), default=0) / behaviour.chunk
    seconds = behaviour.first + max(0.0, chunks - 1) * behaviour.pause
    if seconds:
        yield Wait(seconds)
    candidates = [
        _candidate(index, [*_thoughts(made), *_parts(made, choice)], _reason(choice))
        | _grounding(made, choice, len(_thoughts(made)))
        for index, choice in enumerate(made.draft.choices)
    ]
    answer = _answer(made, candidates, _usage(made))
    yield Whole(200, _JSON + made.headers, _encode(answer), made.draft.output)


def stream(made: Made) -> Iterator[Step]:
    array = made.asked.own.array
    early = min(made.behaviour.first if made.behaviour.head is None else made.behaviour.head, made.behaviour.first)
    if early:
        yield Wait(early)
    yield Head(200, (_JSON if array else _EVENTS) + made.headers)
    if made.behaviour.first > early:
        yield Wait(made.behaviour.first - early)
    waits, begun = paces(made.behaviour, f"{made.seed}:{made.id}"), False
    for wire, tokens in _frames(made):
        framed = (b",\r\n" if begun else b"[") + wire if array else event(wire)
        if begun and made.behaviour.pause:
            yield next(waits)
        begun = True
        yield Piece(framed, tokens)
    last = _encode(
        _answer(made, [_ending(made, index, it) for index, it in enumerate(made.draft.choices)], _usage(made))
    )
    yield Last((b",\r\n" if begun else b"[") + last + b"]" if array else event(last))


def _frames(made: Made) -> Iterator[tuple[bytes, int]]:
    """All but the last, with the tokens that each is billed for."""
    for thought in _thoughts(made):
        yield _frame(made, 0, thought), 1
    for index, choice in enumerate(made.draft.choices):
        if choice.calls:
            for part in _parts(made, choice):
                yield _frame(made, index, part), choice.tokens // len(choice.calls) or 1
            continue
        size = made.behaviour.chunk
        for nth in range(0, len(choice.pieces), size):
            group = choice.pieces[nth : nth + size]
            text = "".join(f"{piece}@{made.clock()}" if made.behaviour.stamp else piece for piece in group)
            yield _frame(made, index, {"text": text}, group if made.asked.logprobs else ()), len(group)


def _frame(made: Made, index: int, part: Wire, logged: tuple[str, ...] = ()) -> bytes:
    candidate = _candidate(index, [part], None)
    if logged:
        candidate["logprobsResult"] = _logprobs(logged)
    so_far = {"promptTokenCount": made.draft.input, "totalTokenCount": made.draft.input}
    return _encode(_answer(made, [candidate], so_far))


def _ending(made: Made, index: int, choice: Choice) -> Wire:
    parts = [] if choice.refusal is not None else [{"text": ""}]
    return _candidate(index, parts, _reason(choice)) | _grounding(made, choice)


def _answer(made: Made, candidates: list[Wire], usage: Wire) -> Wire:
    return {
        "candidates": candidates,
        "usageMetadata": usage,
        "modelVersion": made.model.dated,
        "responseId": f"sim{made.id}",
    }


def _candidate(index: int, parts: list[Wire], reason: str | None) -> Wire:
    content = {"content": {"role": "model", "parts": parts}} if parts else {}
    return {**content, "index": index, **({"finishReason": reason} if reason else {})}


def _grounding(made: Made, choice: Choice, part: int = 0) -> Wire:
    """Places are in bytes, in the part that has this number."""
    found = pages(made.draft, choice)
    if not found:
        return {}
    text = "".join(choice.pieces)
    segment = {**({"partIndex": part} if part else {}), "endIndex": len(text.encode()), "text": text}
    return {
        "groundingMetadata": {
            "webSearchQueries": ["simulated"],
            "groundingChunks": [{"web": {"uri": page.url, "title": page.title}} for page in found],
            "groundingSupports": [{"segment": segment, "groundingChunkIndices": list(range(len(found)))}],
        }
    }


def _reason(choice: Choice) -> str:
    return "SAFETY" if choice.refusal is not None else _REASONS[choice.finish]


def _thoughts(made: Made) -> list[Wire]:
    return [{"text": thought, "thought": True} for thought in made.draft.thoughts]


def _parts(made: Made, choice: Choice) -> list[Wire]:
    if choice.refusal is not None:
        return []
    if not choice.calls:
        return [
            {"text": "".join(f"{piece}@{made.clock()}" if made.behaviour.stamp else piece for piece in choice.pieces)}
        ]
    parts: list[Wire] = [
        {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}} for call in choice.calls
    ]
    if made.asked.own.signs:
        parts[0]["thoughtSignature"] = b64encode(f"signed by the simulator:{made.id}".encode()).decode()
    return parts


def _logprobs(pieces: tuple[str, ...]) -> Wire:
    each = [{"token": piece, "tokenId": 1, "logProbability": -0.01} for piece in pieces]
    return {"chosenCandidates": each, "topCandidates": [{"candidates": [one]} for one in each]}


def _usage(made: Made) -> Wire:
    draft = made.draft
    usage = {
        "promptTokenCount": draft.input,
        "cachedContentTokenCount": draft.cached or None,
        "candidatesTokenCount": draft.output - draft.reasoning,
        "thoughtsTokenCount": draft.reasoning or None,
        "totalTokenCount": draft.input + draft.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": draft.input}],
    }
    return {name: value for name, value in usage.items() if value is not None}
