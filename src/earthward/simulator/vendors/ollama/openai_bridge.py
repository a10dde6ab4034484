"""Ollama's own imitation of OpenAI's chat completions, with what it ignores, and the errors it loses.

On a simulator that is also OpenAI its paths stand under `/ollama`.
"""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from earthward.dialects.json_limits import excess
from earthward.http.server import Request
from earthward.simulator.draft import Asked
from earthward.simulator.models import Offer
from earthward.simulator.steps import Head, Headers, Last, Piece, Problem, Step, Wait, Whole, paces
from earthward.simulator.vendors.ollama import answers, requests
from earthward.simulator.vendors.vendor import Made, Vendor

_ROOT = b"/ollama/v1/"
_CHAT = b"/ollama/v1/chat/completions"
_MODELS = b"/ollama/v1/models"
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream")]
_EFFORTS = {"none": False, "low": "low", "medium": "medium", "high": "high", "max": "max"}
_FINGERPRINT = "fp_ollama"
_encode = msgspec.json.Encoder().encode


class _ImageUrl(msgspec.Struct):
    url: str = ""


class _Part(msgspec.Struct):
    type: str
    text: str = ""
    image_url: _ImageUrl | str | None = None


class _Function(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class _Call(msgspec.Struct):
    function: _Function


class _Schema(msgspec.Struct):
    schema: Any = None


class _Format(msgspec.Struct):
    type: str = ""
    json_schema: _Schema | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Body(msgspec.Struct):
    """All that is looked at. `tool_choice`, `n`, `max_completion_tokens`, `num_ctx` and many more are not."""

    model: str
    messages: list[_Message] = []
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    tools: list[Any] | None = None
    response_format: _Format | None = None
    reasoning_effort: str | None = None


class _Refused(ValueError):
    pass


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    """As the native API would read what it makes of it."""
    try:
        read = msgspec.json.decode(body, type=_Body)
        native = _encode(_native(read))
    except (msgspec.DecodeError, _Refused) as problem:
        return Problem(400, str(problem))
    asked = requests.read(b"/api/chat", native, digest)
    if isinstance(asked, Problem):
        return asked
    usage = bool(read.stream_options and read.stream_options.include_usage)
    return msgspec.structs.replace(asked, stream_usage=usage)


def _native(read: _Body) -> dict[str, Any]:
    if not read.messages:
        raise _Refused("[] is too short - 'messages'")
    if read.reasoning_effort is not None and read.reasoning_effort not in _EFFORTS:
        raise _Refused(f'invalid reasoning value: \'{read.reasoning_effort}\' (must be "high", "medium", "low")')
    return {
        "model": read.model,
        "messages": [each for message in read.messages for each in _messages(message)],
        "stream": read.stream,
        "options": {
            "num_predict": -1 if read.max_tokens is None else read.max_tokens,
            **({"stop": [read.stop] if isinstance(read.stop, str) else read.stop} if read.stop else {}),
        },
        "tools": read.tools,
        "format": _format(read.response_format),
        "think": None if read.reasoning_effort is None else _EFFORTS[read.reasoning_effort],
    }


def _format(wanted: _Format | None) -> Any:
    if wanted is None:
        return None
    if wanted.type == "json_schema":
        return wanted.json_schema and wanted.json_schema.schema
    return "json" if wanted.type == "json_object" else None


def _messages(message: _Message) -> Iterator[dict[str, Any]]:
    """Each part becomes a message of its own."""
    if message.tool_calls is not None:
        yield {"role": message.role, "content": "", "tool_calls": [_called(call) for call in message.tool_calls]}
    elif message.content is None:
        raise _Refused("invalid message content type: <nil>")
    elif isinstance(message.content, str):
        yield {"role": message.role, "content": message.content}
    else:
        for part in message.content:
            yield {"role": message.role, **_part(part)}


def _called(call: _Call) -> dict[str, Any]:
    arguments = call.function.arguments.encode()
    try:
        if excess(arguments) is not None:
            raise _Refused("invalid tool call arguments")
        return {"function": {"name": call.function.name, "arguments": msgspec.json.decode(arguments)}}
    except msgspec.DecodeError:
        raise _Refused("invalid tool call arguments") from None


def _part(part: _Part) -> dict[str, Any]:
    if part.type == "text":
        return {"content": part.text}
    url = part.image_url.url if isinstance(part.image_url, _ImageUrl) else part.image_url
    if (
        part.type != "image_url"
        or not url
        or not url.startswith(("data:image/png", "data:image/jp", "data:image/webp"))
    ):
        raise _Refused("invalid image input")
    return {"content": "", "images": [url.partition(",")[2]]}


# -- answers


def error(problem: Problem, answer_id: str) -> bytes:
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(problem.status, "api_error")
    return _encode({"error": {"message": problem.message, "type": kind, "param": None, "code": None}})


def event(payload: bytes) -> bytes:
    """What becomes of an error in the middle of a stream: a chunk that says nothing, and the end."""
    if not payload.startswith(b'{"error"'):
        return b"data: " + payload + b"\n\n"
    choices = [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    chunk = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": "", "choices": choices}
    return b"data: " + _encode(chunk) + b"\n\n"


def _common(made: Made, kind: str) -> dict[str, Any]:
    # Its ids are drawn from a thousand and collide.
    number = int(made.id, 16) % 999
    common = {"id": f"chatcmpl-{number}", "object": kind, "created": made.created, "model": made.asked.model}
    return common | {"system_fingerprint": _FINGERPRINT}


def _usage(made: Made) -> dict[str, int]:
    taken, said = made.draft.input, made.draft.output
    return {"prompt_tokens": taken, "completion_tokens": said, "total_tokens": taken + said}


def _tool_calls(made: Made) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{made.id[-7:]}{number}",
            "index": number,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for number, call in enumerate(made.draft.choices[0].calls)
    ]


def whole(made: Made) -> Iterator[Step]:
    choice, behaviour = made.draft.choices[0], made.behaviour
    chunks = (len(made.draft.thoughts) + len(choice.pieces)) / behaviour.chunk
    seconds = behaviour.first + max(0.0, chunks - 1) * behaviour.pause
    if seconds:
        yield Wait(seconds)
    message: dict[str, Any] = {"role": "assistant", "content": "".join(answers.pieces(choice))}
    if made.draft.thoughts:
        message["reasoning"] = "".join(made.draft.thoughts)
    if choice.calls:
        message["tool_calls"] = _tool_calls(made)
    choices = [{"index": 0, "message": message, "finish_reason": choice.finish}]
    answer = _common(made, "chat.completion") | {"choices": choices, "usage": _usage(made)}
    yield Whole(200, _JSON + made.headers, _encode(answer), made.draft.output)


def stream(made: Made) -> Iterator[Step]:
    choice, behaviour = made.draft.choices[0], made.behaviour
    if behaviour.first:
        yield Wait(behaviour.first)
    yield Head(200, _EVENTS + made.headers)
    common, waits = _common(made, "chat.completion.chunk"), paces(behaviour, f"{made.seed}:{made.id}")
    for nth, (delta, tokens) in enumerate(_deltas(made)):
        if nth and behaviour.pause:
            yield next(waits)
        yield Piece(_chunk(common, delta | ({} if nth else {"role": "assistant"})), tokens)
    yield Piece(_chunk(common, {"content": ""}, choice.finish))
    if made.asked.stream_usage:
        yield Piece(b"data: " + _encode(common | {"choices": [], "usage": _usage(made)}) + b"\n\n")
    yield Last(b"data: [DONE]\n\n")


def _deltas(made: Made) -> Iterator[tuple[dict[str, Any], int]]:
    """Calls come whole, one in a chunk."""
    choice, size = made.draft.choices[0], made.behaviour.chunk
    for field, pieces in (("reasoning", made.draft.thoughts), ("content", answers.pieces(choice))):
        for start in range(0, len(pieces), size):
            group = pieces[start : start + size]
            yield {field: "".join(group)}, len(group)
    for call in _tool_calls(made):
        yield {"content": "", "tool_calls": [call]}, max(1, choice.tokens // len(choice.calls))


def _chunk(common: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + _encode(common | {"choices": choices}) + b"\n\n"


def around(stream: bool) -> tuple[bytes, bytes]:
    opening, closing = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"', b'"}}]}'
    return (b"data: " + opening, closing + b"\n\n") if stream else (opening, closing)


# -- models


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    if request.method != b"GET" or not request.path.startswith(_MODELS):
        return None
    listed = [
        {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": "library"}
        for name in offer.machine.models
    ]
    if request.path == _MODELS:
        return Whole(200, _JSON, _encode({"object": "list", "data": listed}))
    name = request.path[len(_MODELS) + 1 :].decode("latin-1")
    found = next((each for each in listed if each["id"] == name), None)
    return Whole(200, _JSON, _encode(found)) if found else requests.no_model(name)


def no_path(method: bytes, path: bytes) -> Whole:
    return Whole(404, [(b"content-type", b"text/plain; charset=utf-8")], b"404 page not found")


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    return None


VENDOR = Vendor(
    name="ollama_v1",
    asks=frozenset({_CHAT}),
    speaks=lambda request: request.path.startswith(_ROOT),
    refused=refused,
    read=read,
    find=requests.find,
    fits=requests.fits,
    no_model=requests.no_model,
    no_path=no_path,
    about=about,
    head=lambda answer_id, created: [],
    whole=whole,
    stream=stream,
    event=event,
    error=error,
    around=around,
    refusal=answers.refusal,
    visit=answers.visit,
    seated=answers.seated,
    busy=answers.BUSY,
)
