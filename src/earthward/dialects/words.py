"""All that a request can say, one thing at a time: an example of each, in the common vocabulary.

What becomes of a word between two dialects is found by saying it, so the reference page and the tests ask the code
itself.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from earthward.chat import (
    Audio,
    ChatRequest,
    Citation,
    Document,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningControl,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

PNG, PDF = "iVBORw0KGgo=", "JVBERi0="
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HI = Message(Role.USER, (Text("Hi"),))
BASE = ChatRequest("m", (HI,), max_tokens=10_000)
WEATHER, CLOCK = Tool("weather", "Weather of a city", SCHEMA), Tool("clock", "The time", SCHEMA)
_PAGE = Citation(0, 5, "https://example.com/oslo", "Oslo")
_QUOTED = Citation(0, 5, None, "Weather", "Rain.", "char_location", {"document_index": 0, "start_char_index": 0})
CALL = ToolCall("call_1", "weather", '{"city":"Oslo"}')


class Word(msgspec.Struct, frozen=True):
    """`request` says it and nothing else, `heard` is what of a request is to be the same where it arrived.

    `plain` is the same request without it.
    """

    name: str
    request: ChatRequest
    heard: Callable[[ChatRequest], Any]
    plain: ChatRequest = BASE


def _with(**fields: Any) -> ChatRequest:
    return msgspec.structs.replace(BASE, **fields)


def _field(name: str, field: str, value: Any) -> Word:
    return Word(name, _with(**{field: value}), lambda request: getattr(request, field))


def _sampling(field: str, value: Any) -> Word:
    sampled = Sampling(**{field: value})
    return Word(field.replace("_", " "), _with(sampling=sampled), lambda request: getattr(request.sampling, field))


def _parts(name: str, *parts: Part, role: Role = Role.USER) -> Word:
    kinds = tuple({type(part) for part in parts})
    return Word(name, _with(messages=(HI, Message(role, parts))), lambda request: _of_kind(request, kinds))


def _of_kind(request: ChatRequest, kinds: tuple[type[Part], ...]) -> list[Any]:
    """Types of files that were told from their names, and names of tools that calls have already, do not count."""
    return [_bare(part) for message in request.messages for part in message.parts if isinstance(part, kinds)]


def _bare(part: Part) -> Any:
    match part:
        case Image(url=str(url)) | Document(url=str(url)):
            return url
        case ToolResult(call_id, content, is_error=is_error):
            return call_id, content, is_error
    return part


def _cited(name: str, citation: Citation) -> Word:
    def said(*citations: Citation) -> ChatRequest:
        return _with(messages=(HI, Message(Role.ASSISTANT, (Text("Rain.", citations),)), HI))

    return Word(name, said(citation), _sources, said())


def _sources(request: ChatRequest) -> list[Any]:
    """Their places, and what is cited."""
    texts = [part for message in request.messages for part in message.parts if isinstance(part, Text)]
    return [(it.start, it.end, it.url, it.title) for text in texts for it in text.citations]


def _role(name: str, role: Role, *before: Message) -> Word:
    told = Message(role, (Text("Be kind."),))
    return Word(
        name,
        _with(messages=(*before, told, HI)),
        lambda request: [message.role for message in request.messages if "Be kind." in message.text],
    )


def _tools(name: str, heard: Callable[[ChatRequest], Any], *tools: Tool, **fields: Any) -> Word:
    plain = _with(tools=tuple(msgspec.structs.replace(tool, strict=None) for tool in tools) if fields else ())
    return Word(name, _with(tools=tools, **fields), heard, plain)


def _turn(*results: ToolResult) -> ChatRequest:
    asked = Message(Role.ASSISTANT, (CALL,))
    return _with(messages=(HI, asked, *(Message(Role.TOOL, (result,)) for result in results)), tools=(WEATHER,))


def _result(name: str, result: ToolResult) -> Word:
    plain = _turn(ToolResult("call_1", (Text("rain"),), "weather"))
    return Word(name, _turn(result), lambda request: _of_kind(request, (ToolResult,)), plain)


def _functions(request: ChatRequest) -> list[Any]:
    return [(tool.kind, tool.name, tool.description, tool.parameters or SCHEMA, tool.rest) for tool in request.tools]


def _chosen(request: ChatRequest) -> ToolChoice:
    """No tools at all is none this time, and no word is the model's own choice."""
    return (request.tool_choice or ToolChoice("auto")) if request.tools else ToolChoice("none")


def _choice(name: str, choice: ToolChoice) -> Word:
    return _tools(name, _chosen, WEATHER, CLOCK, tool_choice=choice)


def _control(name: str, control: ReasoningControl) -> Word:
    return Word(name, _with(reasoning=control), lambda request: _wish(request.reasoning))


def _wish(control: ReasoningControl | None) -> Any:
    """A budget that the model measures out itself is none."""
    if control is None:
        return None
    return control.effort, None if control.budget == -1 else control.budget


WORDS: tuple[Word, ...] = (
    _role("system text", Role.SYSTEM),
    _role("developer text", Role.DEVELOPER),
    _role("system text in the middle", Role.SYSTEM, HI, Message(Role.ASSISTANT, (Text("Yes?"),))),
    Word(
        "a name on a message",
        _with(messages=(Message(Role.USER, (Text("Hi"),), "bob"),)),
        lambda request: [message.name for message in request.messages],
    ),
    _parts("image, as data", Image("image/png", PNG)),
    _parts("image, by address", Image(url="https://example.com/a.png")),
    _parts("image, held by OpenAI", Image(file_id="file-1")),
    _parts("image, held by Anthropic", Image(file_id="file_1")),
    Word(
        "detail of an image",
        _with(messages=(Message(Role.USER, (Image("image/png", PNG, detail="low"),)),)),
        lambda request: [
            part.detail for message in request.messages for part in message.parts if isinstance(part, Image)
        ],
        _with(messages=(Message(Role.USER, (Image("image/png", PNG),)),)),
    ),
    _parts("PDF, as data", Document("application/pdf", PDF, name="a.pdf")),
    _parts("PDF, by address", Document("application/pdf", url="https://example.com/a.pdf")),
    _parts("text in a file", Document("text/plain", text="Hi", name="a.txt")),
    Word(
        "a document to be cited",
        _with(messages=(Message(Role.USER, (Document("text/plain", text="Hi", name="a.txt", cited=True),)),)),
        lambda request: [
            part.cited for message in request.messages for part in message.parts if isinstance(part, Document)
        ],
        _with(messages=(Message(Role.USER, (Document("text/plain", text="Hi", name="a.txt"),)),)),
    ),
    _cited("a page cited in an earlier answer", _PAGE),
    _cited("a document cited in an earlier answer", _QUOTED),
    _parts("sound", Audio("wav", "UklGRg==")),
    _parts("thinking of an earlier answer", Reasoning("Hm"), Text("Yes?"), role=Role.ASSISTANT),
    _parts("a tool's call", CALL, role=Role.ASSISTANT),
    _parts("a call with free text", ToolCall("call_1", "run", "1+1", custom=True), role=Role.ASSISTANT),
    Word(
        "a tool's result",
        _turn(ToolResult("call_1", (Text("rain"),), "weather")),
        lambda it: _of_kind(it, (ToolResult,)),
    ),
    _result("a result that is an error", ToolResult("call_1", (Text("no such city"),), "weather", is_error=True)),
    _result("an image in a result", ToolResult("call_1", (Text("rain"), Image("image/png", PNG)), "weather")),
    _tools("a function", _functions, WEATHER),
    Word(
        "a function held to its schema",
        _with(tools=(msgspec.structs.replace(WEATHER, strict=True),)),
        lambda request: [bool(tool.strict) for tool in request.tools],
        _with(tools=(WEATHER,)),
    ),
    _tools("a tool that takes free text", _functions, Tool("run", kind="custom")),
    _tools(
        "a tool of OpenAI's own",
        _functions,
        Tool("web_search", kind="hosted", rest={"type": "web_search"}),
    ),
    _tools(
        "a tool of Anthropic's own",
        _functions,
        Tool("web_search", kind="hosted", rest={"type": "web_search_20250305"}),
    ),
    _tools(
        "a tool of Google's own",
        _functions,
        Tool("googleSearch", kind="hosted", rest={"googleSearch": {}}),
    ),
    _choice("tools if the model wants", ToolChoice("auto")),
    _choice("no tools this time", ToolChoice("none")),
    _choice("some tool must be called", ToolChoice("required")),
    _choice("this tool must be called", ToolChoice("required", ("weather",))),
    _tools(
        "no calls in parallel", lambda request: request.parallel_tool_calls, WEATHER, CLOCK, parallel_tool_calls=False
    ),
    _field("most tokens of the answer", "max_tokens", 50),
    _sampling("temperature", 0.5),
    Word(
        "temperature above 1", _with(sampling=Sampling(temperature=1.5)), lambda request: request.sampling.temperature
    ),
    _sampling("top_p", 0.9),
    _sampling("top_k", 40),
    _sampling("min_p", 0.1),
    _sampling("frequency_penalty", 0.5),
    _sampling("presence_penalty", 0.5),
    _sampling("repeat_penalty", 1.5),
    _sampling("seed", 7),
    _sampling("stop", ("END",)),
    _field("several answers", "answers", 2),
    _field("log probabilities", "logprobs", True),
    Word(
        "others beside each token",
        _with(logprobs=True, top_logprobs=2),
        lambda it: it.top_logprobs,
        _with(logprobs=True),
    ),
    Word("any JSON", _with(output=OutputFormat("json")), lambda it: it.output),
    Word("JSON of a schema", _with(output=OutputFormat("json", SCHEMA)), lambda it: it.output and it.output.schema),
    _control("no thinking", ReasoningControl("none")),
    _control("little thinking", ReasoningControl("minimal")),
    _control("much thinking", ReasoningControl("high")),
    _control("most thinking", ReasoningControl("max")),
    _control("a budget for thinking", ReasoningControl(budget=4096, show=True)),
    _field("for whom", "user", "u-1"),
    _field("notes of the caller's", "metadata", {"team": "red"}),
)
