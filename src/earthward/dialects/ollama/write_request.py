"""A request, written for `/api/chat`.

What only tunes and has no word here is dropped, and `losses` names it; what carries content and has none is a
failure. Truncation is always forbidden: a prompt that is too long is refused instead of cut without a word.
"""

import msgspec

from earthward.chat import ChatRequest, Failure, Tool
from earthward.dialects.cited import lost_citations
from earthward.dialects.envelope import Envelope
from earthward.dialects.inexpressible import (
    KEPT_ELSEWHERE,
    Inexpressible,
    chosen_among_none,
    refuse_content,
    refuse_other_than_text,
)
from earthward.dialects.ollama.calls import FREE_TEXT
from earthward.dialects.ollama.model import Model
from earthward.dialects.ollama.options import canonical_options, lost_loading, lost_options, written_options
from earthward.dialects.ollama.output import written_format
from earthward.dialects.ollama.schemas import is_weakened, repaired
from earthward.dialects.ollama.think import is_think_lost, written_think
from earthward.dialects.ollama.write_messages import Wire, lost_in_messages, write_messages

_NO_SHIFT = {"truncate": False, "shift": False}
"""`shift` must be the same in all requests, since the model is loaded with it."""

_UNKNOWN = Model()
_encode = msgspec.json.Encoder().encode

_CARRYING_CONTENT = {
    **KEPT_ELSEWHERE,
    "container": "a container kept by its vendor",
    "context": "token numbers of one model",
    "raw": "a prompt without a template",
    "suffix": "a gap to fill in",
    "template": "a template of its own",
}

_OWN_FIELDS = frozenset({"options"})


def write_request(request: ChatRequest, model: Model = _UNKNOWN) -> bytes | Failure:
    """`model` says how the model is loaded, the same for all requests of a target."""
    try:
        return _encode(_request(request, model))
    except Inexpressible as error:
        return error.failure


def losses(request: ChatRequest, model: Model = _UNKNOWN) -> tuple[str, ...]:
    """The names of what `write_request` drops, or says only roughly."""
    lost: list[str] = []
    if request.reasoning is not None and is_think_lost(request.reasoning, model):
        lost.append("reasoning")
    lost += _lost_in_tools(request) if request.tools else chosen_among_none(request)
    if request.output is not None and request.output.description:
        lost.append("output.description")
    if request.user is not None:
        lost.append("user")
    if request.metadata:
        lost.append("metadata")
    lost += lost_in_messages(request.messages) + lost_citations(request.messages)
    if request.rest:
        lost += lost_options(request)
        lost += [
            name for name, value in request.rest.items() if name not in _OWN_FIELDS and value is not _NO_SHIFT.get(name)
        ]
    return tuple(dict.fromkeys((*lost, *request.unread))) if lost or request.unread else ()


def prepare(envelope: Envelope, model: str, loaded: Model = _UNKNOWN) -> bytes:
    """The body to send upstream of a request that only passes through, chat or generate.

    How the model is loaded is not the client's to say: two clients that differ would make it load all day.
    """
    loading: Wire = {**_NO_SHIFT}
    if envelope.get_bool("truncate"):
        loading["truncate"] = True
    options = canonical_options(envelope.get("options"), loaded)
    if options:
        loading["options"] = options
    if loaded.keep_alive is not None:
        loading["keep_alive"] = loaded.keep_alive
    return envelope.without("options", "keep_alive").with_fields(model=model, **loading).encode()


def left_out(envelope: Envelope) -> tuple[str, ...]:
    """The names of what `prepare` takes out of a client's request."""
    lost = lost_loading(envelope.get("options")) if "options" in envelope.fields else []
    lost += ["keep_alive"] if envelope.has("keep_alive") else []
    lost += ["shift"] if envelope.get_bool("shift") else []
    return tuple(lost)


def _request(request: ChatRequest, model: Model) -> Wire:
    _refuse_what_cannot_be_dropped(request)
    tools = [_tool(tool) for tool in _offered(request)] if request.tools else []
    wire: Wire = {"model": request.model}
    wire["messages"] = write_messages(request.messages, takes_audio="audio" in (model.capabilities or ()))
    if tools:
        wire["tools"] = tools
    # A grammar for the answer would keep the model from calling any tool.
    if request.output is not None and not tools and (form := written_format(request.output)) is not None:
        wire["format"] = form
    if (think := written_think(request.reasoning, model)) is not None:
        wire["think"] = think
    if options := written_options(request, model):
        wire["options"] = options
    if model.keep_alive is not None:
        wire["keep_alive"] = model.keep_alive
    if request.logprobs:
        wire["logprobs"] = True
    if request.top_logprobs is not None:
        wire["top_logprobs"] = request.top_logprobs
    # Absent, `stream` would mean yes.
    wire["stream"] = request.stream
    wire.update(_NO_SHIFT)
    return wire


def _refuse_what_cannot_be_dropped(request: ChatRequest) -> None:
    if request.answers != 1:
        raise Inexpressible("Ollama gives one answer to a request; ask several times for more", "n")
    if request.rest:
        refuse_other_than_text(request.rest, "Ollama answers in text only")
        refuse_content(request.rest, _CARRYING_CONTENT, "Ollama's chat")


def _offered(request: ChatRequest) -> tuple[Tool, ...]:
    """The tools among which the model may choose."""
    choice = request.tool_choice
    if choice is None or (choice.mode != "none" and not choice.names):
        return request.tools
    return () if choice.mode == "none" else tuple(tool for tool in request.tools if tool.name in choice.names)


def _lost_in_tools(request: ChatRequest) -> list[str]:
    choice, offered = request.tool_choice, _offered(request)
    lost = {
        # To be emulated: Ollama lets the model choose.
        "tool_choice": choice is not None and choice.mode == "required",
        "parallel_tool_calls": request.parallel_tool_calls is False and bool(offered),
        "tools.strict": any(tool.strict for tool in offered),
        **{f"tools.{name}": True for tool in offered for name in tool.rest},
        "tools.parameters": any(is_weakened(tool.parameters) for tool in offered),
        "output": written_format(request.output) is not None and bool(offered),
    }
    return [name for name, is_lost in lost.items() if is_lost]


def _tool(tool: Tool) -> Wire:
    if tool.kind == "hosted":
        message = f"the hosted tool {tool.name!r} runs at its vendor only; offer a function in its place"
        raise Inexpressible(message, "tools")
    if tool.kind == "custom":
        parameters: Wire = {"type": "object", "required": [FREE_TEXT], "properties": {FREE_TEXT: {"type": "string"}}}
    else:
        parameters = repaired(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": {name: value for name, value in function.items() if value is not None}}
