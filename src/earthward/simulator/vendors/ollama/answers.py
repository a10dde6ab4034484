"""Ollama's answers: one JSON object, or one per line; its errors; and what the machine's pace makes of them."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from math import sqrt
from typing import Any

import msgspec

from earthward.simulator.draft import Call, Choice
from earthward.simulator.hardware import LocalModel
from earthward.simulator.machine import Seat, Visit
from earthward.simulator.steps import Head, Headers, Last, Piece, Problem, Step, Wait, Whole, paces
from earthward.simulator.text import fragments
from earthward.simulator.vendors.ollama.requests import Wants, rendered
from earthward.simulator.vendors.vendor import Made

JSON: Headers = [(b"content-type", b"application/json; charset=utf-8")]
LINES: Headers = [(b"content-type", b"application/x-ndjson")]
_REMOTE = "https://ollama.com:443"
_LEAST = 1000
"""Nanoseconds a token takes where no rate is given: durations of zero would be left out."""
_encode = msgspec.json.Encoder().encode

# -- errors

_CRASHED = '{"error":{"code":500,"message":"Compute error.","type":"server_error"}}'
_REFUSALS = {
    "400": Problem(400, "json: cannot unmarshal array into Go struct field ChatRequest.model of type string"),
    "401": Problem(401, "unauthorized"),
    "404": Problem(404, "model 'llama3.2' not found"),
    "quota": Problem(429, "you have reached your weekly usage limit, upgrade for higher limits"),
    "429": Problem(429, "you have reached your session usage limit, upgrade for higher limits"),
    "500": Problem(500, _CRASHED),
    "502": Problem(502, 'Post "https://ollama.com:443/api/chat": dial tcp: connect: connection refused'),
    "503": Problem(503, "server busy, please try again.  maximum pending requests exceeded"),
    "504": Problem(504, "timed out waiting for llama-server to start"),
    "error_event": Problem(500, "an error was encountered while running the model: CUDA error: out of memory"),
}
BUSY = _REFUSALS["503"]


def refusal(name: str, created: int) -> Problem | None:
    return _REFUSALS.get(name)


def error(problem: Problem, answer_id: str) -> bytes:
    said = {"error": problem.message}
    return _encode(said | ({"signin_url": "https://ollama.com/connect"} if problem.status == 401 else {}))


def event(payload: bytes) -> bytes:
    return payload + b"\n"


# -- the machine's part


def visit(made: Made) -> Visit | None:
    """What the machine has to do for this answer; nothing if it comes from the cloud."""
    local: LocalModel | None = made.model.facts
    if local is None:
        return None
    wants: Wants = made.asked.own
    return Visit(
        local,
        wants.context,
        wants.loaded_with,
        prompt=wants.prompt,
        answer=b"" if wants.inputs else rendered("assistant", "".join(made.draft.choices[0].pieces)),
        tokens=made.asked.input,
        keep_alive=wants.keep_alive,
    )


def seated(made: Made, seat: Seat) -> Made:
    """The answer at the pace of its seat, unless the script says another."""
    draft = msgspec.structs.replace(made.draft, cached=max(made.draft.cached, seat.cached))
    behaviour = made.behaviour
    first = behaviour.first + _seconds(draft.input - draft.cached, seat.prefill)
    rate = behaviour.rate if behaviour.rate or behaviour.gap is not None else seat.decode
    paced = msgspec.structs.replace(behaviour, first=first, rate=rate)
    return msgspec.structs.replace(made, draft=draft, behaviour=paced, seat=seat)


def _seconds(tokens: int, rate: float | None) -> float:
    return tokens / rate if rate else 0.0


def _counters(made: Made, output: int) -> dict[str, Any]:
    """Durations in nanoseconds. What a cache held is counted, but takes no time."""
    seat: Seat | None = made.seat
    fresh = made.draft.input - made.draft.cached
    evaluated = int(made.behaviour.first * 1e9) + fresh * _LEAST
    answered = int(max(0, output - 1) * made.behaviour.pause * 1e9 / made.behaviour.chunk) + output * _LEAST
    waited = int(seat.waited * 1e9) if seat else 0
    counted = {
        "total_duration": waited + evaluated + answered + _LEAST,
        "load_duration": (int(seat.loaded * 1e9) if seat else 0) + _LEAST,
        "prompt_eval_count": made.draft.input,
        "prompt_eval_cached_count": made.draft.cached if made.asked.own.tells_of_cache else 0,
        "prompt_eval_duration": evaluated,
        "eval_count": output,
        "eval_duration": answered,
    }
    return {name: value for name, value in counted.items() if value}


# -- answers


def _common(made: Made) -> dict[str, Any]:
    created = datetime.fromtimestamp(made.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
    common = {"model": made.asked.model, "created_at": created}
    if made.model.facts is None:
        common |= {"remote_model": made.asked.model.removesuffix(":cloud"), "remote_host": _REMOTE}
    return common


def _part(made: Made, text: str, thinking: str = "", calls: list[Any] | None = None) -> dict[str, Any]:
    more = ({"thinking": thinking} if thinking else {}) | ({"tool_calls": calls} if calls else {})
    if made.asked.own.kind == "generate":
        return {"response": text, **more}
    return {"message": {"role": "assistant", "content": text, **more}}


def _stamped(piece: str, made: Made) -> str:
    return f"{piece}@{made.clock()}" if made.behaviour.stamp else piece


def pieces(choice: Choice) -> tuple[str, ...]:
    return choice.pieces if choice.refusal is None else fragments(choice.refusal, 4)


def _call(made: Made, number: int, call: Call) -> dict[str, Any]:
    made_id = sha256(f"{made.id}{number}".encode()).hexdigest()[:8]
    return {
        "id": f"call_{made_id}",
        "function": {"index": number, "name": call.name, "arguments": json.loads(call.arguments)},
    }


def _ending(made: Made, choice: Choice) -> dict[str, Any]:
    wants: Wants = made.asked.own
    if wants.only_loads:
        return {"done": True, "done_reason": "unload" if wants.keep_alive == 0 else "load"}
    reason = "length" if choice.finish == "length" else "stop"
    context = {"context": [1, 2, 3]} if wants.kind == "generate" and not wants.raw else {}
    return {"done": True, "done_reason": reason, **context, **_counters(made, made.draft.output)}


def whole(made: Made) -> Iterator[Step]:
    wants: Wants = made.asked.own
    choice, behaviour = made.draft.choices[0], made.behaviour
    chunks = (len(made.draft.thoughts) + len(choice.pieces)) / behaviour.chunk
    seconds = behaviour.first + max(0.0, chunks - 1) * behaviour.pause
    if seconds and not wants.only_loads:
        yield Wait(seconds)
    if wants.kind in ("embed", "embeddings"):
        yield Whole(200, JSON + made.headers, _encode(_embeddings(made)))
        return
    text = "".join(_stamped(piece, made) for piece in pieces(choice))
    calls = [_call(made, number, call) for number, call in enumerate(choice.calls)]
    answer = _common(made) | _part(made, text, "".join(made.draft.thoughts), calls) | _ending(made, choice)
    yield Whole(200, JSON + made.headers, _encode(answer), made.draft.output)


def stream(made: Made) -> Iterator[Step]:
    """The head goes out with the first token: until then a client hears nothing."""
    behaviour, choice = made.behaviour, made.draft.choices[0]
    early = min(behaviour.first if behaviour.head is None else behaviour.head, behaviour.first)
    if early:
        yield Wait(early)
    yield Head(200, LINES + made.headers)
    if behaviour.first > early:
        yield Wait(behaviour.first - early)
    common, waits = _encode(_common(made))[:-1], paces(behaviour, f"{made.seed}:{made.id}")
    for nth, written in enumerate(_spoken(made, choice, common)):
        if nth and behaviour.pause:
            yield next(waits)
        yield written()
    yield Last(common + b"," + _encode(_part(made, "") | _ending(made, choice))[1:] + b"\n")


def _spoken(made: Made, choice: Choice, common: bytes) -> Iterator[Callable[[], Piece]]:
    """Thoughts, then text or calls, each written when it is its turn; a call is never cut in pieces."""
    yield from _text(made, made.draft.thoughts, common, "thinking")
    if choice.calls:
        for number, call in enumerate(choice.calls):
            part = _part(made, "", calls=[_call(made, number, call)]) | {"done": False}
            tokens = max(1, choice.tokens // len(choice.calls))
            yield partial(Piece, common + b"," + _encode(part)[1:] + b"\n", tokens)
    else:
        yield from _text(made, pieces(choice), common, "text")


def _text(made: Made, pieces: tuple[str, ...], common: bytes, field: str) -> Iterator[Callable[[], Piece]]:
    size, stamp = made.behaviour.chunk, made.behaviour.stamp
    # What stands before and after the text is the same in every line; benchmarks consist of these.
    example = _part(made, "\0") if field == "text" else _part(made, "", "\0")
    line = common + b"," + _encode(example | {"done": False})[1:] + b"\n"
    before, _, after = line.partition(b'"\\u0000"')

    def written(group: tuple[str, ...]) -> Piece:
        text = "".join([_stamped(piece, made) for piece in group] if stamp else group)
        return Piece(b"%b%b%b" % (before, _encode(text), after), len(group))

    for start in range(0, len(pieces), size):
        yield partial(written, pieces[start : start + size])


def around(stream: bool) -> tuple[bytes, bytes]:
    before = b'{"model":"llama3.2","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"'
    return before, b'"},"done":false}\n' if stream else b'"},"done":true,"done_reason":"stop"}'


# -- embeddings


def _embeddings(made: Made) -> dict[str, Any]:
    wants: Wants = made.asked.own
    local: LocalModel | None = made.model.facts
    width = local.width if local else 768
    # More dimensions than the model has are not heard, as are none.
    width = wants.dimensions if wants.dimensions and 0 < wants.dimensions < width else width
    vectors = [embedding(made.asked.model, text, width) for text in wants.inputs]
    if wants.kind == "embeddings":
        return {"embedding": vectors[0] if vectors else []}
    counted = _counters(made, 0)
    shown = ("total_duration", "load_duration", "prompt_eval_count")
    return {
        "model": made.asked.model,
        "embeddings": vectors,
        **{name: counted[name] for name in shown if name in counted},
    }


def embedding(model: str, text: str, width: int) -> list[float]:
    """A direction of length one, the same for the same model and text."""
    seed = sha256(f"{model}:{text}".encode("utf-8", "surrogatepass")).digest()
    drawn = b"".join(sha256(b"%d:%b" % (block, seed)).digest() for block in range(-(-width // 32)))[:width]
    vector = [byte - 127.5 for byte in drawn]
    length = sqrt(sum(each * each for each in vector))
    return [each / length for each in vector]
