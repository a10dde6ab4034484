"""Tools for engines whose template knows none, and calls that must be made where the engine leaves it to the model.

The tools are told in the system text, the answer is held by a schema to be calls or an answer, and what comes back is
read as calls again. Such an answer can only be read once it is whole.
"""

import re
from typing import Any

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningDelta,
    Role,
    Started,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    UsageReported,
)
from earthward.dialects.content.calls import spoken
from earthward.dialects.content.structured import is_broken_off
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.ollama.schemas import inlined

Schema = dict[str, Any]

_FREE_TEXT = "input"
"""The argument of a tool that takes free text."""
_ANSWERING = re.compile(r'\s*\{\s*"answer"\s*:\s*')
_LONGEST_ESCAPE = len("\\ud83d\\ude00")


def needs_words(request: ChatRequest, knows_tools: bool, enforces_choice: bool) -> bool:
    """Whether the request can only be served so. `enforces_choice`: the engine sees to it that a call is made."""
    choice = request.tool_choice
    if not request.tools or (choice is not None and choice.mode == "none"):
        return False
    return not knows_tools or (choice is not None and choice.mode == "required" and not enforces_choice)


def in_words(request: ChatRequest) -> ChatRequest:
    """The request without tools: they, and what they were called for so far, are told in words."""
    tools = offered(request)
    told = Message(Role.SYSTEM, (Text(_instruction(tools, request)),))
    messages = tuple(_worded(message) for message in request.messages)
    return msgspec.structs.replace(
        request,
        messages=(told, *messages),
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
        output=OutputFormat("json", _form(tools, request)),
        logprobs=False,
        top_logprobs=None,
    )


def from_words(answer: Answer, request: ChatRequest, id: str = "") -> Answer | Failure:
    """The answer with the calls it tells of; `request` is the one with the tools. Fails if it has another form.

    `id` makes the calls' own where the answer has none: they must not be called as those of another turn are.
    """
    choices: list[Choice] = []
    for index, choice in enumerate(answer.choices):
        found = _read(choice, request, f"{answer.id or id}_{index}")
        if isinstance(found, Failure):
            return found
        choices.append(found)
    return msgspec.structs.replace(answer, choices=tuple(choices))


class FromWords:
    """The same for a stream: thinking passes as it comes, what is said when it is whole."""

    def __init__(self, request: ChatRequest, id: str = "") -> None:
        self._request = request
        self._id = id
        self._texts: dict[int, list[str]] = {}
        self._has_failed = False

    def feed(self, event: Event) -> list[Event]:
        if self._has_failed:
            return []
        match event:
            case Started(id=id):
                self._id = id or self._id
                return [event]
            case TextDelta(text, answer):
                self._texts.setdefault(answer, []).append(text)
                return []
            case Finished(reason, answer, stop):
                said = "".join(self._texts.pop(answer, ()))
                choice = _read(Choice((Text(said),), reason, stop), self._request, f"{self._id}_{answer}")
                if isinstance(choice, Failure):
                    self._has_failed = True
                    return [Failed(choice)]
                return [*spoken(choice, answer), Finished(choice.reason, answer, stop)]
            case Failed():
                self._has_failed = True
                return [event]
            case ReasoningDelta() | UsageReported() | _:
                return [event]


def offered(request: ChatRequest) -> tuple[Tool, ...]:
    """The tools among which the model may choose."""
    names = request.tool_choice.names if request.tool_choice is not None else ()
    return tuple(tool for tool in request.tools if not names or tool.name in names)


def _wants_one(request: ChatRequest) -> bool:
    """A tool that is named is called once, as the vendors' models do; small ones would go on until they are cut off."""
    is_named = request.tool_choice is not None and len(request.tool_choice.names) == 1
    return request.parallel_tool_calls is False or (is_named and _must_call(request))


def _must_call(request: ChatRequest) -> bool:
    return request.tool_choice is not None and request.tool_choice.mode == "required"


def _instruction(tools: tuple[Tool, ...], request: ChatRequest) -> str:
    lines = ["You can call tools. These are the tools, with the JSON Schema of their arguments:"]
    for tool in tools:
        schema = msgspec.json.encode(_parameters(tool)).decode()
        lines.append(f"- {tool.name}: {tool.description or 'no description'}\n  {schema}")
    call = '{"calls": [{"name": "<tool>", "arguments": {...}}]}'
    if _must_call(request):
        lines.append(f"You must call {'one' if _wants_one(request) else 'at least one'}. Answer with {call}")
    else:
        lines.append(f'To call tools, answer with {call}. Otherwise answer with {{"answer": "<text>"}}.')
    lines.append("Answer with one JSON document and nothing else.")
    return "\n".join(lines)


def _form(tools: tuple[Tool, ...], request: ChatRequest) -> Schema:
    call = [
        {
            "type": "object",
            "properties": {"name": {"type": "string", "enum": [tool.name]}, "arguments": _parameters(tool)},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    most = {"maxItems": 1} if _wants_one(request) else {}
    items = call[0] if len(call) == 1 else {"anyOf": call}
    calls = _object("calls", {"type": "array", "minItems": 1, **most, "items": items})
    return calls if _must_call(request) else {"anyOf": [calls, _object("answer", _answer_form(request.output))]}


def _answer_form(output: OutputFormat | None) -> Schema:
    """What was asked for in a form keeps it."""
    if output is None or output.kind == "text":
        return {"type": "string"}
    return inlined(output.schema) if output.schema is not None else {"type": "object"}


def _object(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def _parameters(tool: Tool) -> Schema:
    if tool.kind == "custom":
        return _object(_FREE_TEXT, {"type": "string"})
    # A reference starts at the root, which is another one here.
    return {"type": "object", **inlined(tool.parameters or {"properties": {}})}


def _worded(message: Message) -> Message:
    parts: list[Part] = []
    calls: list[ToolCall] = []
    for part in message.parts:
        match part:
            case ToolCall():
                calls.append(part)
            case ToolResult():
                parts += _told_result(part)
            case Reasoning():
                pass
            case _:
                parts.append(part)
    if calls:
        told = {"calls": [{"name": call.name, "arguments": _arguments(call)} for call in calls]}
        parts.append(Text(msgspec.json.encode(told).decode()))
    role = Role.USER if message.role is Role.TOOL else message.role
    return Message(role, tuple(parts), message.name)


def _told_result(result: ToolResult) -> list[Part]:
    texts = "".join(part.text for part in result.content if isinstance(part, Text))
    word = "Error" if result.is_error else "Result"
    others = [part for part in result.content if not isinstance(part, Text)]
    return [Text(f"{word} of {result.name or result.call_id}:\n{texts}"), *others]


def _arguments(call: ToolCall) -> Any:
    if call.custom:
        return {_FREE_TEXT: call.arguments}
    try:
        return msgspec.json.decode(call.arguments)
    except NOT_JSON:
        return {_FREE_TEXT: call.arguments} if call.arguments else {}


def _read(choice: Choice, request: ChatRequest, id: str) -> Choice | Failure:
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    others = tuple(part for part in choice.parts if not isinstance(part, Text))
    if choice.reason not in ("stop", "stop_sequence", "tool_calls"):
        # Cut off: what there is of it is JSON broken off, of no use to anybody.
        return msgspec.structs.replace(choice, parts=others)
    try:
        said = msgspec.json.decode(text)
    except NOT_JSON as error:
        if request.sampling.stop and is_broken_off(text):
            return msgspec.structs.replace(choice, parts=(*others, *_begun(text)))
        return _malformed(f"it is not JSON ({error})")
    match said:
        case {"calls": [_, *_] as calls}:
            return _called(calls, others, choice, request, id)
        case {"answer": str(answer)} if not _must_call(request):
            return Choice((*others, *([Text(answer)] if answer else ())), choice.reason, choice.stop_sequence)
        case {"answer": answer} if not _must_call(request):
            return Choice((*others, Text(msgspec.json.encode(answer).decode())), choice.reason, choice.stop_sequence)
    return _malformed("it has neither calls nor an answer")


def _begun(text: str) -> list[Part]:
    """What was answered before a stop of the caller's cut it. Of calls that were cut nobody can make anything."""
    found = _ANSWERING.match(text)
    if found is None:
        return []
    said = text[found.end() :]
    if not said.startswith('"'):
        return [Text(said)] if said else []
    for cut in (said, *(f'{said[: len(said) - off]}"' for off in range(_LONGEST_ESCAPE))):
        try:
            answer = msgspec.json.decode(cut, type=str)
        except NOT_JSON:
            continue
        return [Text(answer)] if answer else []
    return []


def _called(
    calls: list[Any], others: tuple[Part, ...], choice: Choice, request: ChatRequest, id: str
) -> Choice | Failure:
    kinds = {tool.name: tool.kind for tool in offered(request)}
    parts: list[Part] = []
    for place, call in enumerate(calls[:1] if _wants_one(request) else calls):
        match call:
            case {"name": str(name), "arguments": dict(arguments)} if name in kinds:
                custom = kinds[name] == "custom"
                free = arguments.get(_FREE_TEXT) if custom else None
                written = free if isinstance(free, str) else msgspec.json.encode(arguments).decode()
                parts.append(ToolCall(f"call_{id}_{place}", name, written, custom))
            case _:
                return _malformed("it calls a tool that was not offered, or without arguments")
    return Choice((*others, *parts), "tool_calls", choice.stop_sequence)


def _malformed(why: str) -> Failure:
    return Failure(FailureKind.WRONG_FORM, f"the model was to answer with calls of tools, or an answer; {why}")
