"""Requests for messages and for counts of their tokens, in Anthropic's shapes."""

import re
from typing import Any, Literal

import msgspec

from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Tool
from earthward.simulator.models import Offer
from earthward.simulator.steps import Headers, Problem, Whole
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.anthropic.errors import no_model

_IMAGE_TOKENS = 1600
_MESSAGE_TOKENS = 3
_LEAST_BUDGET = 1024
_BY_ONE = re.compile(r"claude-(opus-4-1|[a-z]+-4-[5-9])")
"""Models that are told by one of two how to draw."""
_BY_ITSELF = re.compile(r"claude-[a-z]+-(4-[7-9]|[5-9])(?![0-9])")
"""Models that draw as they will, and think by no budget."""
_JSON: Headers = [(b"content-type", b"application/json")]
_encode = msgspec.json.Encoder().encode


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    id: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: Any = None
    thinking: str = ""
    title: str | None = None
    citations: Any = None


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(msgspec.Struct):
    name: str
    type: str | None = None
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


class Own(msgspec.Struct, frozen=True):
    """`cited` is the title of the document that the answer is to be cited from, if one is."""

    cited: str | None = None


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
    top_p: float | None = None
    top_k: int | None = None
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
    if _BY_ITSELF.search(read.model):
        if deprecated := _deprecated(read):
            return deprecated
    elif None not in (read.temperature, read.top_p) and _BY_ONE.search(read.model):
        return "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    budget = read.thinking.budget_tokens if read.thinking and read.thinking.type == "enabled" else None
    if budget is not None and budget < _LEAST_BUDGET:
        return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    if budget is not None and budget >= read.max_tokens:
        return "`max_tokens` must be greater than `thinking.budget_tokens`."
    return None


def _deprecated(read: _Body) -> str | None:
    """A temperature of 1 says what holds anyway."""
    told = {"temperature": read.temperature not in (None, 1), "top_p": read.top_p is not None}
    for name, is_told in {**told, "top_k": read.top_k is not None}.items():
        if is_told:
            return f"`{name}` is deprecated for this model."
    if read.thinking is not None and read.thinking.type == "enabled":
        return (
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )
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
        searches=any((tool.type or "").startswith("web_search_") for tool in read.tools or ()),
        own=Own(_cited_document(read.messages)),
    )


def _cited_document(messages: list[_Message]) -> str | None:
    """The title of the first document of all, if what is said is to be cited from it."""
    documents = (block for each in messages for block in _blocks(each) if block.type == "document")
    first = next(documents, None)
    wanted = isinstance(first.citations, dict) and first.citations.get("enabled") is True if first else False
    return (first.title or "") if first and wanted else None


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
