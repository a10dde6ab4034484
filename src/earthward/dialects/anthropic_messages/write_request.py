"""A request, written.

What only tunes and has no word here is dropped, and `losses` names it; what carries content and has none is a
failure.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, Image, Message, OutputFormat, Part, Reasoning, Role, ToolResult
from earthward.dialects.anthropic_messages.citations import can_be_sent
from earthward.dialects.anthropic_messages.claude import Claude, claude
from earthward.dialects.anthropic_messages.sampling import cooled, lost_sampling, write_sampling
from earthward.dialects.anthropic_messages.thinking import (
    MODEL_DECIDES,
    budget_of,
    is_said_roughly,
    write_effort,
    write_thinking,
)
from earthward.dialects.anthropic_messages.tools import lost_fields, write_choice, write_tools
from earthward.dialects.anthropic_messages.write_messages import (
    SYSTEM_ROLES,
    Wire,
    begins_with_user,
    is_written,
    write_messages,
    write_system,
)
from earthward.dialects.cited import lost_citations
from earthward.dialects.inexpressible import (
    KEPT_ELSEWHERE,
    Inexpressible,
    chosen_among_none,
    refuse_content,
    refuse_other_than_text,
    refuse_silence,
)

MAX_TOKENS = 4096
"""For requests that set no cap, which must be there; every model of Anthropic's takes this one."""

MOST_OF_THINKERS = 32_000
"""The largest cap that every model takes which thinks by a budget: that of Claude Opus 4."""

_OWN_FIELDS = frozenset(
    {
        "cache_control",
        "context_management",
        "diagnostics",
        "inference_geo",
        "output_config",
        "service_tier",
        "speed",
        "thinking",
        "user_profile_id",
    }
)
"""Fields of Anthropic's own that the vocabulary has no word for; it refuses a request with any other."""

_SERVICE_TIERS = ("auto", "standard_only")
_JSON_ONLY = "Answer with one JSON object and nothing else."


def write_request(request: ChatRequest, extensions: bool = False) -> bytes | Failure:
    """`extensions` is whether the server takes more than Anthropic's own does, as llama.cpp and Ollama do.

    Then fields from elsewhere are written too, and thinking that nobody signed.
    """
    try:
        return msgspec.json.encode(_request(request, extensions))
    except Inexpressible as error:
        return error.failure


def losses(request: ChatRequest, extensions: bool = False) -> tuple[str, ...]:
    """The names of what `write_request` drops, or says only roughly."""
    model = _model(request, extensions)
    thinking = _thinking(request, model)
    lost = lost_sampling(request.sampling, _sampling(request, thinking, model, extensions))
    if is_said_roughly(request.reasoning, thinking, write_effort(request.reasoning, model)):
        lost.append("reasoning")
    if request.output is not None and request.output.kind == "json" and request.output.schema is None:
        lost.append("output")
    lost += ["output.description"] if request.output is not None and request.output.description else []
    lost += [name for name in ("logprobs", "top_logprobs", "metadata") if getattr(request, name)]
    lost += [name for name in request.rest if not _is_own(name, request.rest[name], extensions)]
    lost += chosen_among_none(request)
    for tool in request.tools:
        lost += lost_fields(tool, extensions)
    lost += _lost_of_messages(request.messages, extensions)
    lost += lost_citations(request.messages, can_be_sent, asks_for_them=True)
    return tuple(dict.fromkeys((*lost, *request.unread)))


def _request(request: ChatRequest, extensions: bool) -> Wire:
    if request.answers != 1:
        raise Inexpressible("more than one answer cannot be asked for in an Anthropic request", "n")
    refuse_silence(request.messages, "messages")
    refuse_other_than_text(request.rest, "Anthropic answers in text only")
    refuse_content(request.rest, KEPT_ELSEWHERE, "Anthropic")
    rest = {name: value for name, value in request.rest.items() if _is_own(name, value, extensions)}
    tools = write_tools(request.tools, request.tool_choice, extensions)
    model = _model(request, extensions)
    thinking = _thinking(request, model) or rest.get("thinking")
    wire = {
        **rest,
        "model": request.model,
        "max_tokens": _max_tokens(request, model),
        "system": write_system(request.messages, _told_besides(request.output)),
        "messages": write_messages(request.messages, extensions),
        "tools": tools or None,
        "tool_choice": write_choice(request.tool_choice, request.parallel_tool_calls) if tools else None,
        **_sampling(request, thinking, model, extensions),
        "thinking": thinking,
        "output_config": _output_config(request, rest, model),
        "metadata": {"user_id": request.user} if request.user is not None else None,
        "stream": request.stream or None,
    }
    return {name: value for name, value in wire.items() if value is not None or name in rest}


def _max_tokens(request: ChatRequest, model: Claude) -> int:
    """Without a cap there is room for an answer besides all that is to be thought."""
    if request.max_tokens is not None:
        return request.max_tokens
    control = request.reasoning
    if control is None or control.effort == "none":
        return MAX_TOKENS
    if model.thinks == "by_budget" and control.budget in (None, MODEL_DECIDES):
        return min(2 * max(MAX_TOKENS, budget_of(control)), MOST_OF_THINKERS)
    return MAX_TOKENS + max(0, control.budget or 0)


def _model(request: ChatRequest, extensions: bool) -> Claude:
    """Servers of others may call their models as they like."""
    return Claude() if extensions else claude(request.model)


def _sampling(request: ChatRequest, thinking: Any, model: Claude, extensions: bool) -> Wire:
    """Servers of others draw as they are told, whether they think or not."""
    thinks = isinstance(thinking, dict) and thinking.get("type") != "disabled"
    sampling = request.sampling if extensions else cooled(request.sampling)
    return write_sampling(sampling, model, thinks and not extensions)


def _thinking(request: ChatRequest, model: Claude) -> Wire | None:
    """Thinking only tunes, so where Anthropic would refuse the request for it, it is left out.

    That is where a tool must be called, and, if there is a budget, where the results of calls are sent back without
    the thinking that led to them: other dialects do not keep it.
    """
    thinking = write_thinking(request.reasoning, _max_tokens(request, model), model)
    is_forced = bool(request.tools) and request.tool_choice is not None and request.tool_choice.mode == "required"
    match thinking:
        case {"type": "enabled"} if is_forced or _calls_without_thinking(request.messages):
            return None
        case {"type": "adaptive"} if is_forced:
            return None
    return thinking


def _calls_without_thinking(messages: tuple[Message, ...]) -> bool:
    turns = [message for message in messages if message.role not in SYSTEM_ROLES]
    if not turns or not any(isinstance(part, ToolResult) for part in turns[-1].parts):
        return False
    said = next((message.parts for message in reversed(turns) if message.role is Role.ASSISTANT), ())
    return not any(isinstance(part, Reasoning) and is_written(part, extensions=False) for part in said)


def _output_config(request: ChatRequest, rest: Wire, model: Claude) -> Wire | None:
    config = dict(rest.get("output_config") or {})
    effort = write_effort(request.reasoning, model)
    if effort is not None:
        config["effort"] = effort
    if request.output is not None and request.output.schema is not None:
        config["format"] = {"type": "json_schema", "schema": request.output.schema}
    return config or None


def _told_besides(output: OutputFormat | None) -> tuple[str, ...]:
    """JSON of any form can only be asked for in words."""
    return (_JSON_ONLY,) if output is not None and output.kind == "json" and output.schema is None else ()


def _is_own(name: str, value: Any, extensions: bool) -> bool:
    if name == "service_tier":
        # OpenAI's has the same name and other words.
        return value in _SERVICE_TIERS
    if name == "output_config":
        # A client of another dialect may mean anything by it.
        return isinstance(value, dict)
    return extensions or name in _OWN_FIELDS


def _lost_of_messages(messages: tuple[Message, ...], extensions: bool) -> list[str]:
    lost = []
    if any(message.name is not None for message in messages):
        lost.append("messages.name")
    lost += [f"messages.{name}" for message in messages for name in message.rest]
    if _has_late_system_text(messages):
        lost.append("messages.system")
    if not begins_with_user(messages):
        lost.append("messages.first")
    for message in messages:
        for part in message.parts:
            lost += _lost_of_part(part, extensions)
    return lost


def _lost_of_part(part: Part, extensions: bool) -> list[str]:
    match part:
        case Reasoning() if not is_written(part, extensions):
            return ["messages.reasoning"]
        case Image(detail=str()):
            return ["messages.detail"]
        case ToolResult(content=content):
            return [name for inner in content for name in _lost_of_part(inner, extensions)]
    return []


def _has_late_system_text(messages: tuple[Message, ...]) -> bool:
    roles = [message.role in SYSTEM_ROLES for message in messages]
    return roles != sorted(roles, reverse=True)
