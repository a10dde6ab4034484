"""Anthropic's messages, their token counts and models, as its API answers them.

Written from Anthropic's own shapes, not from our dialect: a mistake shared by both would cancel itself out.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Call, Choice, Tool
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Head, Headers, Last, Piece, Problem, Step, Wait, Whole, paces
from earthward.simulator.text import fragments, tokens_in
from earthward.simulator.vendors.vendor import Made, Vendor, bearer

_MESSAGES = b"/v1/messages"
_COUNT = b"/v1/messages/count_tokens"
_MODELS = b"/v1/models"
_VERSIONS = frozenset({b"2023-01-01", b"2023-06-01", b"2026-10-21"})
_ORGANIZATION = (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000")
_IMAGE_TOKENS = 1600
_MESSAGE_TOKENS = 3
_LEAST_BUDGET = 1024
_PAGE = 20
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_encode = msgspec.json.Encoder().encode

# -- the request


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    id: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: Any = None
    thinking: str = ""


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(msgspec.Struct):
    name: str
    input_schema: Any = None


class _ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class _Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None


class _Format(msgspec.Struct):
    type: str
    schema: Any = None


class _OutputConfig(msgspec.Struct):
    format: _Format | None = None


class _Counted(msgspec.Struct, kw_only=True):
    """What both a message and a count of tokens are asked for with."""

    model: str
    messages: list[_Message]
    system: str | list[_Block] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _ToolChoice | None = None
    thinking: _Thinking | None = None


class _Body(_Counted, kw_only=True):
    max_tokens: int
    stream: bool = False
    stop_sequences: list[str] = []
    temperature: float | None = None
    output_config: _OutputConfig | None = None


_decode = msgspec.json.Decoder(_Body).decode
_decode_counted = msgspec.json.Decoder(_Counted).decode


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    try:
        read = _decode(body)
    except msgspec.DecodeError as problem:
        return _invalid(problem)
    for wrong in (_wrong_messages(read.messages), _wrong_numbers(read)):
        if wrong:
            return Problem(400, wrong)
    return _asked(read, digest)


def _invalid(problem: msgspec.DecodeError) -> Problem:
    """msgspec says: Object missing required field `messages` - at `$...`."""
    if not isinstance(problem, msgspec.ValidationError):
        return Problem(400, f"The request body is not valid JSON: {problem}")
    text = str(problem)
    missing = text.partition("missing required field `")[2].partition("`")[0]
    place = text.partition(" - at `$")[2].rstrip("`").strip(".").replace("[", ".").replace("]", "")
    if missing:
        return Problem(400, f"{place}.{missing}: Field required" if place else f"{missing}: Field required")
    return Problem(400, f"{place}: {text.partition(' - at ')[0]}")


def _wrong_messages(messages: list[_Message]) -> str | None:
    if not messages:
        return "messages: at least one message is required"
    if messages[0].role == "assistant":
        return 'messages: first message must use the "user" role'
    for place, message in enumerate(messages):
        if not message.content and (place < len(messages) - 1 or message.role != "assistant"):
            return (
                f"messages.{place}: all messages must have non-empty content except for the optional final assistant "
                "message"
            )
        called = {block.id for block in _blocks(message) if block.type == "tool_use"}
        after = messages[place + 1] if place + 1 < len(messages) else None
        answered = {block.tool_use_id for block in _blocks(after)} if after else set()
        if called - answered and after:
            return (
                f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(called - answered))}."
            )
    return None


def _wrong_numbers(read: _Body) -> str | None:
    if read.max_tokens < 1:
        return f"max_tokens: {read.max_tokens} is less than the minimum of 1"
    if read.temperature is not None and not 0 <= read.temperature <= 1:
        return "temperature: range: 0..1"
    budget = read.thinking.budget_tokens if read.thinking and read.thinking.type == "enabled" else None
    if budget is not None and budget < _LEAST_BUDGET:
        return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    if budget is not None and budget >= read.max_tokens:
        return "`max_tokens` must be greater than `thinking.budget_tokens`."
    return None


def _asked(read: _Body, digest: str) -> Asked:
    model, in_model = split_model(read.model)
    tools, must_call = _allowed_tools(read)
    wanted = read.output_config.format if read.output_config else None
    return Asked(
        model=model,
        digest=digest,
        directives=(in_model, directive(_last_words(read.messages))),
        stream=read.stream,
        max_tokens=read.max_tokens,
        input=_input_tokens(read),
        images=sum(block.type == "image" for message in read.messages for block in _blocks(message)),
        tools=tools,
        must_call=must_call,
        parallel=not (read.tool_choice and read.tool_choice.disable_parallel_tool_use),
        schema=(wanted.schema or {}) if wanted else None,
        stop=tuple(read.stop_sequences),
        thinks=read.thinking is not None and read.thinking.type != "disabled",
    )


def _blocks(message: _Message) -> list[_Block]:
    return [] if isinstance(message.content, str) else message.content


def _text_of(content: str | list[_Block] | None) -> str:
    if isinstance(content, list):
        return "\n".join(block.text for block in content if block.text)
    return content or ""


def _last_words(messages: list[_Message]) -> str:
    return next((text for each in reversed(messages) if each.role == "user" and (text := _text_of(each.content))), "")


def _tokens(block: _Block) -> int:
    if block.type == "image":
        return _IMAGE_TOKENS
    held = [part for part in (block.input, block.content) if part]
    return tokens_in(block.text) + tokens_in(block.thinking) + sum(len(_encode(part)) // 4 for part in held)


def _input_tokens(read: _Counted) -> int:
    said = sum(
        tokens_in(_text_of(message.content) if isinstance(message.content, str) else "")
        + sum(_tokens(block) for block in _blocks(message))
        + _MESSAGE_TOKENS
        for message in read.messages
    )
    return said + tokens_in(_text_of(read.system)) + (len(_encode(read.tools)) // 4 if read.tools else 0) + 4


def _allowed_tools(read: _Body) -> tuple[tuple[Tool, ...], bool]:
    tools = tuple(Tool(tool.name, tool.input_schema) for tool in read.tools or ())
    choice = read.tool_choice
    if choice is None or choice.type == "auto":
        return tools, False
    if choice.type == "none":
        return (), False
    return tuple(tool for tool in tools if choice.type == "any" or tool.name == choice.name), True


def speaks(request: Request) -> bool:
    """Its lists of models have the same path as OpenAI's: the version's header tells them apart."""
    path = request.path
    if path == _MESSAGES or path.startswith(_MESSAGES + b"/"):
        return True
    return path.startswith(_MODELS) and request.get(b"anthropic-version") is not None


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    key = request.get(b"x-api-key")
    shown = key.decode("latin-1") if key is not None else bearer(request)
    if keys and shown not in keys:
        return Problem(401, "invalid x-api-key" if shown else "x-api-key header is required")
    version = request.get(b"anthropic-version")
    if version is None:
        return Problem(400, "anthropic-version: header is required")
    if version not in _VERSIONS:
        return Problem(400, f'anthropic-version: "{version.decode("latin-1")}" is not a valid version')
    return None


# -- errors

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_REFUSALS = {
    "400": Problem(400, "messages: Input is malformed"),
    "401": Problem(401, "invalid x-api-key"),
    "402": Problem(402, "Your account has an outstanding balance."),
    "403": Problem(403, "Your API key does not have permission to use the specified resource."),
    "404": Problem(404, "model: the one you asked for"),
    "quota": Problem(429, "You have reached your specified API usage limits."),
    "429": Problem(429, "This request would exceed your organization's rate limit of 50 requests per minute."),
    "500": Problem(500, "Internal server error"),
    "504": Problem(504, "Request timed out"),
    "529": Problem(529, "Overloaded", headers=((b"x-should-retry", b"true"),)),
    "error_event": Problem(529, "Overloaded"),
}
_MEASURED = {b"requests": 50, b"input-tokens": 30_000, b"output-tokens": 8_000, b"tokens": 38_000}


def error(problem: Problem, id: str) -> bytes:
    kind = _TYPES.get(problem.status, "invalid_request_error" if problem.status < 500 else "api_error")
    shown = {"type": kind, "message": problem.message}
    return _encode({"type": "error", "error": shown, "request_id": f"req_{id}"})


def refusal(name: str, created: int) -> Problem | None:
    found = _REFUSALS.get(name)
    if found is None or found.status != 429:
        return found
    return msgspec.structs.replace(found, headers=tuple(_limits(created, exhausted=True)))


def _limits(created: int, exhausted: bool = False) -> Headers:
    """What is left of each limit, and when it is whole again."""
    reset = datetime.fromtimestamp(created + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    headers: Headers = []
    for what, limit in _MEASURED.items():
        left = 0 if exhausted else limit - 1
        headers += [
            (b"anthropic-ratelimit-%b-limit" % what, b"%d" % limit),
            (b"anthropic-ratelimit-%b-remaining" % what, b"%d" % left),
            (b"anthropic-ratelimit-%b-reset" % what, reset),
        ]
    return headers


def fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    if asked.input > model.context:
        return Problem(400, f"prompt is too long: {asked.input} tokens > {model.context} maximum")
    if model.longest is not None and asked.max_tokens is not None and asked.max_tokens > model.longest:
        return Problem(
            400,
            f"max_tokens: {asked.max_tokens} > {model.longest}, which is the maximum allowed number of output tokens "
            f"for {model.dated}",
        )
    return asked


def no_path(method: bytes, path: bytes) -> Problem:
    return Problem(405, "Method Not Allowed") if path in (_MESSAGES, _COUNT) else Problem(404, "Not Found")


# -- models and counts


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    if request.method == b"POST" and request.path == _COUNT:
        return count(request.body, offer)
    if request.method != b"GET" or not request.path.startswith(_MODELS):
        return None
    if request.path == _MODELS:
        return _page(request.query, [_listed(model) for model in offer.of("anthropic")])
    name = request.path[len(_MODELS) + 1 :].decode("latin-1")
    found = offer.find(name, "anthropic")
    return Whole(200, _JSON, _encode(_listed(found))) if found else no_model(name)


def count(body: bytes, offer: Offer) -> Whole | Problem:
    try:
        read = _decode_counted(body)
    except msgspec.DecodeError as problem:
        return _invalid(problem)
    if wrong := _wrong_messages(read.messages):
        return Problem(400, wrong)
    name = split_model(read.model)[0]
    if offer.find(name, "anthropic") is None:
        return no_model(name)
    return Whole(200, _JSON, _encode({"input_tokens": _input_tokens(read)}))


def no_model(name: str) -> Problem:
    return Problem(404, f"model: {name}")


def _listed(model: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.dated,
        "display_name": model.name.replace("-", " ").title(),
        "created_at": "2025-01-01T00:00:00Z",
        "max_input_tokens": model.context,
        "max_tokens": model.longest,
    }


def _page(query: bytes, models: list[dict[str, Any]]) -> Whole | Problem:
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    limit = asked.get("limit", str(_PAGE))
    if not limit.isdecimal() or len(limit) > 4 or not 1 <= int(limit) <= 1000:
        return Problem(400, "limit: Input should be between 1 and 1000")
    names = [model["id"] for model in models]
    if asked.get("after_id") in names:
        models = models[names.index(asked["after_id"]) + 1 :]
    page, more = models[: int(limit)], len(models) > int(limit)
    ends = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return Whole(200, _JSON, _encode({"data": page, "has_more": more, "first_id": ends[0], "last_id": ends[1]}))


# -- answers

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


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
        content.append({"type": "text", "text": "".join(_stamped(piece, made) for piece in pieces)})
    return content


def whole(made: Made) -> Iterator[Step]:
    behaviour, (choice,) = made.behaviour, made.draft.choices
    chunks = (len(made.draft.thoughts) + len(choice.pieces)) / behaviour.chunk
    seconds = behaviour.first + max(0.0, chunks - 1) * behaviour.pause
    if seconds:
        yield Wait(seconds)
    answer = _message(made, _content(made, choice), _ended(choice), made.draft.output)
    yield Whole(200, _JSON + made.headers + _limits(made.created), _encode(answer), made.draft.output)


def around(stream: bool) -> tuple[bytes, bytes]:
    if not stream:
        return b'{"id":"msg_0","type":"message","role":"assistant","content":[{"type":"text","text":"', b'"}]}'
    return _DELTA % 0 + b'{"type":"text_delta","text":"', b'"}}\n\n'


def event(payload: bytes) -> bytes:
    return b"event: error\ndata: " + payload + b"\n\n"


_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


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
        yield _Part({"type": "text", "text": ""}, *_spelt(made, index, pieces, "text_delta", "text"))


def stream(made: Made) -> Iterator[Step]:
    behaviour, (choice,) = made.behaviour, made.draft.choices
    early = min(behaviour.first if behaviour.head is None else behaviour.head, behaviour.first)
    if early:
        yield Wait(early)
    yield Head(200, _EVENTS + made.headers + _limits(made.created))
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


VENDOR = Vendor(
    name="anthropic",
    asks=frozenset({_MESSAGES}),
    speaks=speaks,
    refused=refused,
    read=read,
    find=lambda offer, name: offer.find(name, "anthropic"),
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
    refusal=refusal,
)
