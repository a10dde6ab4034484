"""A request, written.

What only tunes and has no word here is dropped, and `losses` names it; what carries content and has none is a
failure.
"""

from typing import Any

import msgspec

from earthward.chat import (
    ChatRequest,
    Failure,
    OutputFormat,
    Reasoning,
    ReasoningControl,
    Sampling,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
)
from earthward.dialects.cited import lost_citations
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.openai_chat.write_messages import Wire, write_messages
from earthward.dialects.openai_models import as_taken

_OWN_FIELDS = frozenset(
    {
        "audio",
        "logit_bias",
        "modalities",
        "moderation",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "store",
        "stream_options",
        "verbosity",
        "web_search_options",
    }
)
"""Fields of OpenAI's own that the vocabulary has no word for; it refuses a request with any other."""

_EXTENDED_SAMPLING = ("top_k", "min_p", "repeat_penalty")
MOST_STOPS = 4
"""Of more OpenAI refuses the request."""


def write_request(request: ChatRequest, extensions: bool = True) -> bytes | Failure:
    """`extensions` is whether the server takes more than OpenAI's own does, as vLLM and llama.cpp do.

    Then fields from elsewhere are written too, and the output cap under both its names.
    """
    try:
        return msgspec.json.encode(_request(request if extensions else as_taken(request)[0], extensions))
    except Inexpressible as error:
        return error.failure


def losses(request: ChatRequest, extensions: bool = True) -> tuple[str, ...]:
    """The names of what `write_request` drops, or says only roughly."""
    refused: tuple[str, ...] = ()
    if not extensions:
        request, refused = as_taken(request)
    lost = list(refused)
    control = request.reasoning
    if control is not None and _is_said_roughly(control, extensions):
        lost.append("reasoning")
    lost += ["top_logprobs"] if request.top_logprobs is not None and not request.logprobs else []
    if not extensions:
        lost += [name for name in _EXTENDED_SAMPLING if getattr(request.sampling, name) is not None]
        lost += ["stop"] if len(request.sampling.stop) > MOST_STOPS else []
        lost += [name for name in request.rest if name not in _OWN_FIELDS]
    parts = [part for message in request.messages for part in message.parts if type(part) is not Text]
    if any(_is_lost(part, extensions) for part in parts):
        lost.append("messages.reasoning")
    if any(isinstance(part, ToolResult) and part.is_error for part in parts):
        lost.append("messages.is_error")
    lost += lost_citations(request.messages)
    return (*lost, *request.unread)


def _is_lost(part: Any, extensions: bool) -> bool:
    return isinstance(part, Reasoning) and (not extensions or part.redacted or part.signature is not None)


def _is_said_roughly(control: ReasoningControl, extensions: bool) -> bool:
    """OpenAI shows no thoughts, and servers that think show them always."""
    is_shown = control.show is not None and not (extensions and control.show)
    return control.budget is not None or control.effort is None or is_shown


def _request(request: ChatRequest, extensions: bool) -> Wire:
    rest = {name: value for name, value in request.rest.items() if extensions or name in _OWN_FIELDS}
    # A client of another dialect may mean anything by the name.
    told = rest.pop("stream_options", None)
    usage = {"include_usage": True} if request.stream_usage else {}
    options = {**(told if isinstance(told, dict) else {}), **usage}
    cap = request.max_tokens
    wire = {
        **rest,
        "model": request.model,
        "messages": write_messages(request.messages, extensions),
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request.tool_choice, request.tools),
        "parallel_tool_calls": request.parallel_tool_calls,
        **_sampling(request.sampling, extensions),
        "max_completion_tokens": cap,
        "max_tokens": cap if extensions else None,
        "response_format": _response_format(request.output),
        "reasoning_effort": _effort(request.reasoning) or rest.get("reasoning_effort"),
        "n": request.answers if request.answers != 1 else None,
        "logprobs": request.logprobs or None,
        "top_logprobs": request.top_logprobs if request.logprobs else None,
        "stream": request.stream or None,
        "stream_options": options if options and request.stream else None,
        "user": request.user,
        "metadata": request.metadata or None,
    }
    return {name: value for name, value in wire.items() if value is not None or name in rest}


def _sampling(sampling: Sampling, extensions: bool) -> Wire:
    wire: Wire = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop if extensions else sampling.stop[:MOST_STOPS]) or None,
    }
    if extensions:
        wire |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
        # llama.cpp and Ollama know it by the one name, vLLM and SGLang by the other.
        wire |= {"repeat_penalty": sampling.repeat_penalty, "repetition_penalty": sampling.repeat_penalty}
    return wire


def _tool(tool: Tool) -> Wire:
    if tool.kind == "hosted":
        message = f"the hosted tool {tool.name!r} is none of OpenAI's chat; offer a function in its place"
        raise Inexpressible(message, "tools")
    fields = {
        **tool.rest,
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
    return {"type": tool.kind, tool.kind: {name: value for name, value in fields.items() if value is not None}}


def _tool_choice(choice: ToolChoice | None, tools: tuple[Tool, ...]) -> str | Wire | None:
    if choice is None:
        return None
    if not choice.names or choice.mode == "none":
        return choice.mode
    kinds = {tool.name: tool.kind for tool in tools}
    named: list[Wire] = []
    for name in choice.names:
        kind = kinds.get(name, "function")
        named.append({"type": kind, kind: {"name": name}})
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}


def _response_format(output: OutputFormat | None) -> Wire | None:
    if output is None:
        return None
    if output.kind == "text":
        return {"type": "text"}
    if output.schema is None and output.name is None:
        return {"type": "json_object"}
    fields = {
        "name": output.name or "answer",
        "schema": output.schema,
        "strict": output.strict,
        "description": output.description,
    }
    return {"type": "json_schema", "json_schema": {name: value for name, value in fields.items() if value is not None}}


def _effort(control: ReasoningControl | None) -> str | None:
    """The bounds between levels are a choice of ours, no standard."""
    if control is None or control.effort is not None or control.budget is None:
        return control.effort if control else None
    if control.budget <= 0:
        return "none" if control.budget == 0 else None
    return "low" if control.budget <= 1024 else "medium" if control.budget <= 8192 else "high"
