"""OpenAI's chat completions and models, as its API answers them.

Written from OpenAI's own shapes, not from our dialect: a mistake shared by both would cancel itself out.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Call, Choice, Tool
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Head, Headers, Last, Piece, Problem, Step, Wait, Whole, paces
from earthward.simulator.text import fragments, tokens_in
from earthward.simulator.vendors import openai_embeddings
from earthward.simulator.vendors.vendor import Made, Vendor, bearer

_CHAT = b"/v1/chat/completions"
_MODELS = b"/v1/models"
_IMAGE_TOKENS = 85
_MESSAGE_TOKENS = 4
_STOPS = 4
_FINGERPRINT = "fp_simulated"
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_encode = msgspec.json.Encoder().encode

# -- the request


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[Any] | None = None


class _Function(msgspec.Struct):
    name: str
    parameters: Any = None


class _Tool(msgspec.Struct):
    type: str = "function"
    function: _Function | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _JsonSchema(msgspec.Struct):
    name: str = ""
    schema: dict[str, Any] | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    json_schema: _JsonSchema | None = None


class _Named(msgspec.Struct):
    name: str | None = None


class _ToolChoice(msgspec.Struct):
    function: _Named | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | _ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None
    stop: str | list[str] | None = None
    logprobs: bool | None = None


_decode = msgspec.json.Decoder(_Body).decode


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    try:
        read = _decode(body)
    except msgspec.ValidationError as problem:
        return invalid(str(problem))
    except msgspec.DecodeError:
        return Problem(
            400,
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        )
    if not read.messages:
        return Problem(
            400, "Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages",
            code="empty_array",
        )  # fmt: skip
    if read.stream_options is not None and not read.stream:
        return Problem(
            400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    return _wrong_numbers(read) or _asked(read, digest)


def _wrong_numbers(read: _Body) -> Problem | None:
    if read.n is not None and not 1 <= read.n <= 128:
        return Problem(400, f"Invalid 'n': {read.n}. Expected a value between 1 and 128.", param="n")
    for name, most in (("max_tokens", read.max_tokens), ("max_completion_tokens", read.max_completion_tokens)):
        if most is not None and most < 1:
            return too_small(name, most)
    if isinstance(read.stop, list) and len(read.stop) > _STOPS:
        return Problem(
            400,
            f"Invalid 'stop': array too long. Expected an array with maximum length {_STOPS}, but got an array with "
            f"length {len(read.stop)} instead.",
            param="stop",
            code="array_above_max_length",
        )
    return None


def too_small(name: str, given: int, least: int = 1) -> Problem:
    return Problem(
        400,
        f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {given} instead.",
        param=name,
        code="integer_below_min_value",
    )


def _asked(read: _Body, digest: str) -> Asked:
    model, in_model = split_model(read.model)
    tools, must_call = _allowed_tools(read)
    stop = read.stop if isinstance(read.stop, list) else [read.stop] if read.stop else []
    return Asked(
        model=model,
        digest=digest,
        directives=(in_model, directive(_last_words(read.messages))),
        stream=bool(read.stream),
        stream_usage=bool(read.stream_options and read.stream_options.include_usage),
        answers=read.n or 1,
        max_tokens=read.max_tokens if read.max_completion_tokens is None else read.max_completion_tokens,
        input=_input_tokens(read),
        images=sum(_images(message) for message in read.messages),
        tools=tools,
        must_call=must_call,
        parallel=read.parallel_tool_calls is not False,
        schema=_schema(read.response_format),
        stop=tuple(stop),
        logprobs=bool(read.logprobs),
    )


def _last_words(messages: list[_Message]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            return _text_of(message)
    return ""


def _text_of(message: _Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content)
    return message.content or ""


def _images(message: _Message) -> int:
    parts = message.content if isinstance(message.content, list) else ()
    return sum(part.type == "image_url" for part in parts)


def _input_tokens(read: _Body) -> int:
    said = sum(
        tokens_in(_text_of(message)) + _images(message) * _IMAGE_TOKENS + _MESSAGE_TOKENS for message in read.messages
    )
    return said + (len(_encode(read.tools)) // 4 if read.tools else 0) + 3


def _allowed_tools(read: _Body) -> tuple[tuple[Tool, ...], bool]:
    tools = tuple(Tool(tool.function.name, tool.function.parameters) for tool in read.tools or () if tool.function)
    choice = read.tool_choice
    if choice == "none":
        return (), False
    if isinstance(choice, _ToolChoice):
        named = choice.function and choice.function.name
        return tuple(tool for tool in tools if tool.name == named), True
    return tools, choice == "required"


def _schema(wanted: _Format | None) -> Any:
    if wanted is None or wanted.type == "text":
        return None
    return (wanted.json_schema and wanted.json_schema.schema) or {}


def invalid(message: str) -> Problem:
    """msgspec says: Object missing required field `messages` - at `$...`."""
    missing = message.partition("missing required field `")[2].partition("`")[0]
    place = message.partition(" - at `$")[2].rstrip("`").lstrip(".")
    if missing:
        name = f"{place}.{missing}" if place else missing
        return Problem(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    what = message.partition(" - at ")[0]
    return Problem(400, f"Invalid type for '{place}': {what}.", param=place, code="invalid_type")


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    shown = bearer(request)
    return bad_key(shown) if keys and shown not in keys else None


# -- errors


def error(problem: Problem, id: str) -> bytes:
    return _encode(
        {
            "error": {
                "message": problem.message,
                "type": problem.type,
                "param": problem.param,
                "code": problem.code,
            }
        }
    )


def bad_key(key: str | None) -> Problem:
    if key is None:
        return Problem(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    # OpenAI shows the ends of the key it refuses; a gateway has to keep even these to itself.
    shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return Problem(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


def no_model(name: str) -> Problem:
    return Problem(
        404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found"
    )  # fmt: skip


def fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    if asked.input <= model.context:
        return asked
    return Problem(
        400,
        f"This model's maximum context length is {model.context} tokens. However, your messages resulted in "
        f"{asked.input} tokens. Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def no_path(method: bytes, path: bytes) -> Problem:
    asked = f"{method.decode('latin-1')} {path.decode('latin-1')}"
    return Problem(404, f"Invalid URL ({asked})", code="unknown_url")


# -- models


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    path = request.path
    if request.method == b"POST" and path == openai_embeddings.PATH:
        return openai_embeddings.answer(request.body)
    if request.method != b"GET":
        return None
    if path == _MODELS:
        return Whole(200, _JSON, _encode({"object": "list", "data": [_listed(model) for model in offer.of("openai")]}))
    if not path.startswith(_MODELS + b"/"):
        return None
    name = path[len(_MODELS) + 1 :].decode("latin-1")
    found = offer.find(name, "openai")
    return Whole(200, _JSON, _encode(_listed(found))) if found else no_model(name)


def _listed(model: Model) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": 1_700_000_000, "owned_by": model.owner}


# -- answers


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
            {
                "id": _call_id(made, index, number),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for number, call in enumerate(choice.calls)
        ]
    elif choice.refusal is None:
        stamp = made.behaviour.stamp
        message["content"] = "".join([_stamped(piece, made) for piece in choice.pieces] if stamp else choice.pieces)
    return message


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
    function = {"name": call.name, "arguments": ""}
    yield {"index": number, "id": _call_id(made, index, number), "type": "function", "function": function}, 1
    for part in fragments(call.arguments, made.behaviour.fragment):
        yield {"index": number, "function": {"arguments": part}}, tokens_in(part)


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
        yield Piece(chunks.delta(index, {}, choice.finish))
    if made.asked.stream_usage:
        yield Piece(chunks.usage(_usage(made)))
    yield Last(event(b"[DONE]"))


VENDOR = Vendor(
    name="openai",
    asks=frozenset({_CHAT}),
    speaks=lambda request: request.path.startswith(b"/v1/"),
    refused=refused,
    read=read,
    find=lambda offer, name: offer.find(name, "openai"),
    fits=fits,
    no_model=no_model,
    no_path=no_path,
    about=about,
    head=head,
    whole=whole,
    stream=stream,
    event=event,
    error=error,
    around=around,
)
