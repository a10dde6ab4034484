"""Requests for chat completions, in OpenAI's shapes."""

from typing import Any

import msgspec

from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Tool
from earthward.simulator.steps import Problem
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.openai.errors import invalid, too_small

_IMAGE_TOKENS = 85
_MESSAGE_TOKENS = 4
_STOPS = 4
_REASONING = "gpt-5"
_encode = msgspec.json.Encoder().encode


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
    custom: _Function | None = None


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
    custom: _Named | None = None


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
    web_search_options: dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None


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
    return _wrong_numbers(read) or _refused(read) or _asked(read, digest)


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


def _refused(read: _Body) -> Problem | None:
    """What models that reason let nobody tell them."""
    if not split_model(read.model)[0].startswith(_REASONING):
        return None
    if read.max_tokens is not None:
        return _unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if read.temperature not in (None, 1):
        return Problem(
            400,
            f"Unsupported value: 'temperature' does not support {read.temperature:g} with this model. Only the default "
            "(1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )
    given = {"top_p": read.top_p not in (None, 1), "stop": bool(read.stop)}
    return next((_unsupported(name) for name, is_given in given.items() if is_given), None)


def _unsupported(name: str, instead: str = "") -> Problem:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
    return Problem(400, message, param=name, code="unsupported_parameter")


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
        searches=read.web_search_options is not None,
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
    offered = ((tool.custom or tool.function, tool.custom is not None) for tool in read.tools or ())
    tools = tuple(Tool(tool.name, tool.parameters, custom) for tool, custom in offered if tool)
    choice = read.tool_choice
    if choice == "none":
        return (), False
    if isinstance(choice, _ToolChoice):
        chosen = choice.custom or choice.function
        named = chosen and chosen.name
        return tuple(tool for tool in tools if tool.name == named), True
    return tools, choice == "required"


def _schema(wanted: _Format | None) -> Any:
    if wanted is None or wanted.type == "text":
        return None
    return (wanted.json_schema and wanted.json_schema.schema) or {}
