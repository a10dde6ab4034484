"""OpenAI's responses, as its API answers them. Nothing is stored, whatever is asked."""

from collections.abc import Iterator
from typing import Any

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Call, Choice, Tool
from earthward.simulator.models import Offer
from earthward.simulator.sources import pages
from earthward.simulator.steps import Head, Headers, Last, Piece, Problem, Step, Wait, Whole, paces
from earthward.simulator.text import fragments, tokens_in
from earthward.simulator.vendors import openai
from earthward.simulator.vendors.vendor import Made, Vendor

Wire = dict[str, Any]
_PATHS = frozenset({b"/v1/responses", b"/openai/v1/responses"})
_COUNT = b"/v1/responses/input_tokens"
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
_IMAGE_TOKENS = 85
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Wire).decode
_FIELDS = frozenset(
    {
        *(
            "model",
            "input",
            "instructions",
            "stream",
            "max_output_tokens",
            "tools",
            "tool_choice",
            "temperature",
            "top_p",
        ),
        *(
            "parallel_tool_calls",
            "text",
            "reasoning",
            "include",
            "store",
            "top_logprobs",
            "metadata",
            "user",
            "truncation",
        ),
        *(
            "previous_response_id",
            "conversation",
            "background",
            "prompt",
            "max_tool_calls",
            "service_tier",
            "moderation",
        ),
        *("safety_identifier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "stream_options"),
        *("context_management",),
    }
)
_KINDS = frozenset({"message", "function_call", "function_call_output", "reasoning", "custom_tool_call"})
_KINDS |= {"custom_tool_call_output"}
_LINKED = frozenset({"function_call", "function_call_output"})


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


class _Item(msgspec.Struct):
    type: str = "message"
    role: str = ""
    content: str | list[_Part] | None = None
    call_id: str = ""


class _Tool(msgspec.Struct):
    type: str = ""
    name: str = ""


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    schema: dict[str, Any] | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None


class _Body(msgspec.Struct):
    """The shape of all that is looked at."""

    model: str
    input: str | list[_Item]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | _Tool | None = None
    parallel_tool_calls: bool | None = None
    reasoning: _Reasoning | None = None
    text: _Text | None = None
    include: list[str] | None = None


class Own(msgspec.Struct, frozen=True):
    """`echoed` are the fields of the request that the response repeats."""

    echoed: Wire


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    try:
        wire = _decode(body)
    except msgspec.DecodeError:
        return openai.requests.read(path, b"{", digest)
    for name in wire:
        if name not in _FIELDS:
            return Problem(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    try:
        msgspec.convert(wire, _Body)
    except msgspec.ValidationError as problem:
        return openai.errors.invalid(str(problem))
    if (most := wire.get("max_output_tokens")) is not None and most < 1:
        return openai.errors.too_small("max_output_tokens", most)
    items = _items(wire["input"])
    return _wrong_items(items) or _asked(wire, items, digest)


def _items(given: str | list[Wire]) -> list[Wire]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def _wrong_items(items: list[Wire]) -> Problem | None:
    if not items:
        return Problem(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    for place, item in enumerate(items):
        kind = item.get("type", "message")
        if kind not in _KINDS:
            return Problem(400, f"Invalid value: '{kind}'.", param=f"input[{place}]", code="invalid_value")
        if kind in _LINKED and "call_id" not in item:
            name = f"input[{place}].call_id"
            return Problem(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    called = {item["call_id"] for item in items if item.get("type") == "function_call"}
    for item in items:
        if item.get("type") == "function_call_output" and item["call_id"] not in called:
            message = f"No tool call found for function call output with call_id {item['call_id']}."
            return Problem(400, message, param="input")
    return None


def _asked(wire: Wire, items: list[Wire], digest: str) -> Asked:
    model, in_model = split_model(wire["model"])
    tools, must_call = _allowed_tools(wire)
    reasoning = wire.get("reasoning") or {}
    thinks = False if reasoning.get("effort") == "none" else True if reasoning.get("summary") else None
    return Asked(
        model=model,
        digest=digest,
        directives=(in_model, directive(_last_words(items))),
        stream=bool(wire.get("stream")),
        max_tokens=wire.get("max_output_tokens"),
        input=_input_tokens(wire, items),
        images=sum(part.get("type") == "input_image" for item in items for part in _parts(item)),
        tools=tools,
        must_call=must_call,
        parallel=wire.get("parallel_tool_calls") is not False,
        schema=_schema((wire.get("text") or {}).get("format")),
        logprobs="message.output_text.logprobs" in (wire.get("include") or ()),
        thinks=thinks,
        searches=any(tool.get("type", "").startswith("web_search") for tool in wire.get("tools") or ()),
        own=Own(_echoed(wire)),
    )


def _echoed(wire: Wire) -> Wire:
    usual: Wire = {
        "instructions": None, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "temperature": 1.0,
        "top_p": 1.0, "max_output_tokens": None, "text": {"format": {"type": "text"}}, "metadata": {},
        "reasoning": {"effort": None, "summary": None}, "truncation": "disabled", "store": True, "user": None,
    }  # fmt: skip
    return {name: wire.get(name, value) for name, value in usual.items()}


def _parts(item: Wire) -> list[Wire]:
    content = item.get("content")
    return content if isinstance(content, list) else []


def _text_of(item: Wire) -> str:
    content = item.get("content")
    return content if isinstance(content, str) else "\n".join(part.get("text") or "" for part in _parts(item))


def _last_words(items: list[Wire]) -> str:
    return next((text for item in reversed(items) if item.get("role") == "user" and (text := _text_of(item))), "")


def _input_tokens(wire: Wire, items: list[Wire]) -> int:
    images = sum(part.get("type") == "input_image" for item in items for part in _parts(item))
    said: int = sum(tokens_in(_text_of(item)) + 4 for item in items) + images * _IMAGE_TOKENS
    tools = len(_encode(wire["tools"])) // 4 if wire.get("tools") else 0
    return said + tools + tokens_in(wire.get("instructions") or "") + 3


def _allowed_tools(wire: Wire) -> tuple[tuple[Tool, ...], bool]:
    offered = (tool for tool in wire.get("tools") or () if "name" in tool)
    tools = tuple(Tool(tool["name"], tool.get("parameters"), tool.get("type") == "custom") for tool in offered)
    choice = wire.get("tool_choice")
    if choice == "none":
        return (), False
    if isinstance(choice, dict):
        return tuple(tool for tool in tools if tool.name == choice.get("name")), True
    return tools, choice == "required"


def _schema(wanted: Wire | None) -> Any:
    if wanted is None or wanted.get("type") == "text":
        return None
    return wanted.get("schema") or {}


# -- answers


def _response(made: Made, status: str, output: list[Wire], **more: Any) -> Wire:
    return {
        "id": f"resp_{made.id}",
        "object": "response",
        "created_at": made.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": made.model.dated,
        "output": output,
        "previous_response_id": None,
        "service_tier": "default",
        "usage": None,
        **made.asked.own.echoed,
        **more,
    }


def _ended(made: Made, choice: Choice, output: list[Wire]) -> Wire:
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(choice.finish)
    details = {"reason": reason} if reason else None
    status = "incomplete" if reason else "completed"
    return _response(made, status, output, incomplete_details=details, usage=_usage(made))


def _usage(made: Made) -> Wire:
    draft = made.draft
    return {
        "input_tokens": draft.input,
        "input_tokens_details": {"cached_tokens": draft.cached},
        "output_tokens": draft.output,
        "output_tokens_details": {"reasoning_tokens": draft.reasoning},
        "total_tokens": draft.input + draft.output,
    }


def _output(made: Made, choice: Choice) -> list[Wire]:
    output: list[Wire] = []
    if made.draft.thoughts:
        output.append(_reasoning(made, "".join(made.draft.thoughts)))
    if choice.calls:
        return output + [_call(made, number, call) for number, call in enumerate(choice.calls)]
    return [*output, _message(made, choice)]


def _reasoning(made: Made, text: str) -> Wire:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": f"rs_{made.id}", "type": "reasoning", "summary": summary}


def _message(made: Made, choice: Choice, text: str | None = None) -> Wire:
    said = "".join(choice.pieces) if text is None else text
    part: Wire = {"type": "refusal", "refusal": choice.refusal} if choice.refusal is not None else _text(said)
    if choice.refusal is None:
        part["annotations"] = _annotations(made, choice)
    return {
        "id": f"msg_{made.id}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }


def _text(text: str) -> Wire:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _annotations(made: Made, choice: Choice) -> list[Wire]:
    end = sum(map(len, choice.pieces))
    return [
        {"type": "url_citation", "start_index": 0, "end_index": end, "title": page.title, "url": page.url}
        for page in pages(made.draft, choice)
    ]


def _call(made: Made, number: int, call: Call) -> Wire:
    if call.custom:
        named = {"call_id": f"call_{made.id}{number}", "name": call.name, "input": call.arguments}
        return {"id": f"ctc_{made.id}{number}", "type": "custom_tool_call", **named}
    return {
        "id": f"fc_{made.id}{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{made.id}{number}",
        "name": call.name,
        "arguments": call.arguments,
    }


def whole(made: Made) -> Iterator[Step]:
    behaviour, (choice,) = made.behaviour, made.draft.choices
    seconds = behaviour.first + max(0.0, len(choice.pieces) / behaviour.chunk - 1) * behaviour.pause
    if seconds:
        yield Wait(seconds)
    yield Whole(200, _JSON + made.headers, _encode(_ended(made, choice, _output(made, choice))), made.draft.output)


def event(payload: bytes) -> bytes:
    """An error, with the fields of its `error` beside the type."""
    try:
        told = _decode(payload).get("error") or {}
    except msgspec.DecodeError:
        return b"data: " + payload + b"\n\n"
    about = {"code": told.get("code") or told.get("type"), "message": told.get("message"), "param": told.get("param")}
    return _framed({"type": "error", **about, "sequence_number": 0})


def _framed(wire: Wire) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (wire["type"].encode(), _encode(wire))


def around(stream: bool) -> tuple[bytes, bytes]:
    if not stream:
        opening = b'{"object":"response","status":"completed","output":[{"type":"message","content":['
        return opening + b'{"type":"output_text","text":"', b'"}]}]}'
    return b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"', b'"}\n\n'


class _Numbered:
    """Events with a running number."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, type: str, **fields: Any) -> bytes:
        wire = {"type": type, "sequence_number": self._next, **fields}
        self._next += 1
        return _framed(wire)


def stream(made: Made) -> Iterator[Step]:
    behaviour, (choice,) = made.behaviour, made.draft.choices
    early = min(behaviour.first if behaviour.head is None else behaviour.head, behaviour.first)
    if early:
        yield Wait(early)
    yield Head(200, _EVENTS + made.headers)
    told = _Numbered()
    begun = _response(made, "in_progress", [])
    yield Piece(told("response.created", response=begun) + told("response.in_progress", response=begun))
    if behaviour.first > early:
        yield Wait(behaviour.first - early)
    waits, first = paces(behaviour, f"{made.seed}:{made.id}"), True
    for place, item in enumerate(_output(made, choice)):
        for piece in _written(made, told, place, item, choice):
            if piece.tokens and not first and behaviour.pause:
                yield next(waits)
            first = first and not piece.tokens
            yield piece
    ended = _ended(made, choice, _output(made, choice))
    yield Last(told(f"response.{ended['status']}", response=ended))


def _written(made: Made, told: _Numbered, place: int, item: Wire, choice: Choice) -> Iterator[Piece]:
    """One item, from its beginning to its end."""
    at = {"output_index": place}
    inner = {"item_id": item["id"], **at}
    match item["type"]:
        case "reasoning":
            yield Piece(told("response.output_item.added", item=_reasoning(made, ""), **at))
            where = {**inner, "summary_index": 0}
            yield Piece(
                told("response.reasoning_summary_part.added", part={"type": "summary_text", "text": ""}, **where)
            )
            for thought in made.draft.thoughts:
                yield Piece(told("response.reasoning_summary_text.delta", delta=thought, **where), 1)
            yield Piece(told("response.reasoning_summary_text.done", text=item["summary"][0]["text"], **where))
            yield Piece(told("response.reasoning_summary_part.done", part=item["summary"][0], **where))
        case "function_call":
            yield Piece(
                told("response.output_item.added", item={**item, "arguments": "", "status": "in_progress"}, **at)
            )
            for part in fragments(item["arguments"], made.behaviour.fragment):
                yield Piece(told("response.function_call_arguments.delta", delta=part, **inner), tokens_in(part) or 1)
            done = {"arguments": item["arguments"], "name": item["name"]}
            yield Piece(told("response.function_call_arguments.done", **done, **inner))
        case "custom_tool_call":
            yield Piece(told("response.output_item.added", item={**item, "input": ""}, **at))
            for part in fragments(item["input"], made.behaviour.fragment):
                yield Piece(told("response.custom_tool_call_input.delta", delta=part, **inner), tokens_in(part) or 1)
            yield Piece(told("response.custom_tool_call_input.done", input=item["input"], **inner))
        case _:
            yield from _said(made, told, item, choice, at, {**inner, "content_index": 0})
    yield Piece(told("response.output_item.done", item=item, **at))


def _said(made: Made, told: _Numbered, item: Wire, choice: Choice, at: Wire, inner: Wire) -> Iterator[Piece]:
    yield Piece(told("response.output_item.added", item={**item, "content": [], "status": "in_progress"}, **at))
    (part,) = item["content"]
    if choice.refusal is not None:
        yield Piece(told("response.content_part.added", part={**part, "refusal": ""}, **inner))
        for piece in fragments(choice.refusal, 4):
            yield Piece(told("response.refusal.delta", delta=piece, **inner), 1)
        yield Piece(told("response.refusal.done", refusal=choice.refusal, **inner))
    else:
        yield Piece(told("response.content_part.added", part=_text(""), **inner))
        size, stamp = made.behaviour.chunk, made.behaviour.stamp
        for nth in range(0, len(choice.pieces), size):
            group = choice.pieces[nth : nth + size]
            text = "".join(f"{piece}@{made.clock()}" if stamp else piece for piece in group)
            yield Piece(told("response.output_text.delta", delta=text, logprobs=[], **inner), len(group))
        for number, annotation in enumerate(part["annotations"]):
            about = {"annotation_index": number, "annotation": annotation, **inner}
            yield Piece(told("response.output_text.annotation.added", **about))
        yield Piece(told("response.output_text.done", text=part["text"], logprobs=[], **inner))
    yield Piece(told("response.content_part.done", part=part, **inner))


def speaks(request: Request) -> bool:
    return request.path in _PATHS or request.path == _COUNT


def refused(request: Request, keys: Any) -> Problem | None:
    """At Azure by its own header."""
    key = request.get(b"api-key")
    if key is not None and request.path.startswith(b"/openai/"):
        shown = key.decode("latin-1")
        return openai.errors.bad_key(shown) if keys and shown not in keys else None
    return openai.errors.refused(request, keys)


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    """Counts."""
    if request.method != b"POST" or request.path != _COUNT:
        return None
    asked = read(request.path, request.body, "")
    if isinstance(asked, Problem):
        return asked
    if offer.find(asked.model, "openai") is None:
        return openai.errors.no_model(asked.model)
    return Whole(200, _JSON, _encode({"object": "response.input_tokens", "input_tokens": asked.input}))


VENDOR: Vendor = msgspec.structs.replace(
    openai.VENDOR,
    name="responses",
    asks=_PATHS,
    speaks=speaks,
    refused=refused,
    read=read,
    about=about,
    whole=whole,
    stream=stream,
    event=event,
    around=around,
)
