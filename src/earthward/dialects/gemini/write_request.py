"""A request, written. Model and streaming go into the URL.

What only tunes and has no word here is dropped, and `losses` names it; what carries content and has none is a
failure.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, Image, Message, OutputFormat, Part, Reasoning, Sampling, ToolResult
from earthward.dialects.cited import lost_citations
from earthward.dialects.gemini.signatures import googles
from earthward.dialects.gemini.thinking import is_said_roughly, write_control
from earthward.dialects.gemini.tools import write_choice, write_tools
from earthward.dialects.gemini.write_contents import (
    SYSTEM_ROLES,
    Wire,
    begins_with_user,
    write_contents,
    write_system,
)
from earthward.dialects.inexpressible import (
    KEPT_ELSEWHERE,
    Inexpressible,
    chosen_among_none,
    refuse_content,
    refuse_silence,
)

_OWN_FIELDS = frozenset(
    {"generationConfig", "modelArmorConfig", "safetySettings", "serviceTier", "store", "toolConfig"}
)
"""Fields of Google's own that the vocabulary has no word for; it refuses a request with any other."""

_OBJECTS = frozenset({"generationConfig", "toolConfig"})
_VERTEX_ONLY = frozenset({"modelArmorConfig"})
_GEMINI_ONLY = frozenset({"store"})
_LOST_SAMPLING = ("min_p", "repeat_penalty")
MOST_STOPS = 5
"""Of more Google refuses the request."""


def write_request(
    request: ChatRequest, vertex: bool = False, budgets: bool = False, signed_calls: bool = False
) -> bytes | Failure:
    """`vertex` for Vertex AI, which takes labels.

    `budgets` is whether the model is older than Gemini 3: it takes no thinking but by a budget of tokens, and no form
    of the answer beside functions. `signed_calls` is whether it refuses calls in the conversation that no signature
    came with (Gemini 3).
    """
    try:
        return msgspec.json.encode(_request(request, vertex, budgets, signed_calls))
    except Inexpressible as error:
        return error.failure


def losses(request: ChatRequest, vertex: bool = False, budgets: bool = False) -> tuple[str, ...]:
    """The names of what `write_request` drops, or says only roughly."""
    lost = [name for name in _LOST_SAMPLING if getattr(request.sampling, name) is not None]
    if len(request.sampling.stop) > MOST_STOPS:
        lost.append("stop")
    if is_said_roughly(request.reasoning, budgets):
        lost.append("reasoning")
    if request.top_logprobs is not None and not request.logprobs:
        lost.append("top_logprobs")
    if request.parallel_tool_calls is not None:
        lost.append("parallel_tool_calls")
    if request.user is not None:
        lost.append("user")
    if request.metadata and not vertex:
        lost.append("metadata")
    output = request.output
    is_named = output is not None and (output.name or output.description or output.strict is not None)
    if is_named or _blocks_tools(request, budgets):
        lost.append("output")
    lost += [name for name, value in request.rest.items() if not _is_own(name, value, vertex)]
    lost += chosen_among_none(request)
    for tool in request.tools:
        lost += ["tools.strict"] if tool.strict is not None else []
        lost += [f"tools.{name}" for name in tool.rest if tool.kind != "hosted"]
    lost += _lost_of_messages(request.messages) + lost_citations(request.messages)
    return tuple(dict.fromkeys((*lost, *request.unread)))


def _request(request: ChatRequest, vertex: bool, budgets: bool, signed_calls: bool) -> Wire:
    refuse_silence(request.messages, "contents")
    refuse_content(request.rest, KEPT_ELSEWHERE, "Google")
    rest = {name: value for name, value in request.rest.items() if _is_own(name, value, vertex)}
    tools = write_tools(request.tools)
    choice = write_choice(request.tool_choice) if tools else None
    wire = {
        **rest,
        "systemInstruction": write_system(request.messages),
        "contents": write_contents(request.messages, signed_calls),
        "tools": tools or None,
        "toolConfig": {**rest.get("toolConfig", {}), **(choice or {})} or None,
        "generationConfig": {**rest.get("generationConfig", {}), **_generation(request, budgets)} or None,
        "labels": request.metadata or None if vertex else None,
    }
    return {name: value for name, value in wire.items() if value is not None}


def _generation(request: ChatRequest, budgets: bool) -> Wire:
    wire = {
        **_sampling(request.sampling),
        "maxOutputTokens": request.max_tokens,
        "candidateCount": request.answers if request.answers != 1 else None,
        "responseLogprobs": request.logprobs or None,
        "logprobs": request.top_logprobs if request.logprobs else None,
        **(_output(request.output) if not _blocks_tools(request, budgets) else {}),
        "thinkingConfig": write_control(request.reasoning, budgets),
    }
    return {name: value for name, value in wire.items() if value is not None}


def _blocks_tools(request: ChatRequest, budgets: bool) -> bool:
    """Models before Gemini 3 refuse JSON and functions together."""
    return budgets and bool(request.tools) and request.output is not None and request.output.kind == "json"


def _sampling(sampling: Sampling) -> Wire:
    return {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stopSequences": list(sampling.stop[:MOST_STOPS]) or None,
    }


def _output(output: OutputFormat | None) -> Wire:
    if output is None:
        return {}
    if output.kind == "text":
        return {"responseMimeType": "text/plain"}
    return {"responseMimeType": "application/json", "responseJsonSchema": output.schema}


def _is_own(name: str, value: Any, vertex: bool) -> bool:
    if name in _OBJECTS and not isinstance(value, dict):
        # A client of another dialect may mean anything by the name.
        return False
    return name in _OWN_FIELDS and name not in (_GEMINI_ONLY if vertex else _VERTEX_ONLY)


def _lost_of_messages(messages: tuple[Message, ...]) -> list[str]:
    lost = []
    if any(message.name is not None for message in messages):
        lost.append("messages.name")
    lost += [f"messages.{name}" for message in messages for name in message.rest]
    roles = [message.role in SYSTEM_ROLES for message in messages]
    if roles != sorted(roles, reverse=True):
        lost.append("messages.system")
    if not begins_with_user(messages):
        lost.append("messages.first")
    for message in messages:
        for part in message.parts:
            lost += _lost_of_part(part)
    return lost


def _lost_of_part(part: Part) -> list[str]:
    match part:
        case Reasoning(signature=str(signature)) if googles(signature) is None:
            return ["messages.reasoning"]
        case Image(detail=str()):
            return ["messages.detail"]
        case ToolResult(content=content):
            return [name for inner in content for name in _lost_of_part(inner)]
    return []
