"""A request, written.

What only tunes and has no word here is dropped, and `losses` names it; what carries content and has none is a
failure. Nothing is left with OpenAI that the caller did not say to store.
"""

import msgspec

from earthward.chat import ChatRequest, Failure, OutputFormat, Reasoning, ReasoningControl, ToolResult
from earthward.dialects.cited import lost_citations
from earthward.dialects.inexpressible import KEPT_ELSEWHERE, Inexpressible, refuse_content
from earthward.dialects.openai_models import as_taken
from earthward.dialects.openai_responses.annotations import can_cite
from earthward.dialects.openai_responses.tools import write_choice, write_tool
from earthward.dialects.openai_responses.write_input import Wire, instructions_of, is_written, write_input

_OWN_FIELDS = frozenset(
    {
        "context_management",
        "include",
        "max_tool_calls",
        "moderation",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream_options",
        "truncation",
        "verbosity",
    }
)
"""Fields of OpenAI's own that the vocabulary has no word for; it refuses a request with any other."""

_KEPT_ELSEWHERE = {name: KEPT_ELSEWHERE[name] for name in ("cachedContent", "web_search_options")}
_LOST_SAMPLING = (*("top_k", "min_p", "frequency_penalty", "presence_penalty", "repeat_penalty", "seed", "stop"),)
_LOGPROBS = "message.output_text.logprobs"


def write_request(request: ChatRequest, extensions: bool = False) -> bytes | Failure:
    """`extensions` is whether the server takes more than OpenAI's own does, as vLLM and llama.cpp do."""
    try:
        return msgspec.json.encode(_request(request if extensions else as_taken(request)[0], extensions))
    except Inexpressible as error:
        return error.failure


def losses(request: ChatRequest, extensions: bool = False) -> tuple[str, ...]:
    """The names of what `write_request` drops, or says only roughly."""
    refused: tuple[str, ...] = ()
    if not extensions:
        request, refused = as_taken(request)
    lost = [*refused, *(name for name in _LOST_SAMPLING if getattr(request.sampling, name) not in (None, ()))]
    if request.reasoning is not None and request.reasoning.budget is not None:
        lost.append("reasoning")
    if not extensions:
        lost += [name for name in request.rest if name not in _OWN_FIELDS]
    for message in request.messages:
        lost += [f"messages.{name}" for name in message.rest]
        lost += ["messages.name"] if message.name is not None else []
        for part in message.parts:
            if isinstance(part, Reasoning) and (not is_written(part, extensions) or part.signature is None):
                lost.append("messages.reasoning")
            elif isinstance(part, ToolResult) and part.is_error:
                lost.append("messages.is_error")
    lost += lost_citations(request.messages, can_cite)
    return tuple(dict.fromkeys((*lost, *request.unread)))


def _request(request: ChatRequest, extensions: bool) -> Wire:
    if request.answers != 1:
        raise Inexpressible("more than one answer cannot be asked for here; ask several times", "n")
    modalities = request.rest.get("modalities")
    if isinstance(modalities, list) and any(kind != "text" for kind in modalities):
        raise Inexpressible("an answer that is no text cannot be asked for here", "modalities")
    refuse_content(request.rest, _KEPT_ELSEWHERE, "OpenAI's responses")
    rest = {name: value for name, value in request.rest.items() if extensions or name in _OWN_FIELDS}
    verbosity = rest.pop("verbosity", None)
    include = rest.pop("include", None)
    included = [*(include if isinstance(include, list) else ()), *([_LOGPROBS] if request.logprobs else ())]
    text = {"format": _format(request.output), "verbosity": verbosity}
    wire = {
        "store": False,
        **rest,
        "model": request.model,
        "instructions": instructions_of(request.messages),
        "input": write_input(request.messages, extensions),
        "tools": [write_tool(tool) for tool in request.tools] or None,
        "tool_choice": write_choice(request.tool_choice, request.tools),
        "parallel_tool_calls": request.parallel_tool_calls,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "max_output_tokens": request.max_tokens,
        "text": {name: value for name, value in text.items() if value is not None} or None,
        "reasoning": _reasoning(request.reasoning),
        "top_logprobs": request.top_logprobs,
        "include": included or None,
        "stream": request.stream or None,
        "user": request.user,
        "metadata": request.metadata or None,
    }
    return {name: value for name, value in wire.items() if value is not None or name in rest}


def _format(output: OutputFormat | None) -> Wire | None:
    if output is None:
        return None
    if output.kind == "text":
        return {"type": "text"}
    if output.schema is None:
        return {"type": "json_object"}
    fields = {
        "type": "json_schema",
        "name": output.name or "answer",
        "schema": output.schema,
        "strict": output.strict,
        "description": output.description,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _reasoning(control: ReasoningControl | None) -> Wire | None:
    """The bounds between levels are a choice of ours, no standard."""
    if control is None:
        return None
    effort: str | None = control.effort
    if effort is None and control.budget is not None and control.budget >= 0:
        budget = control.budget
        effort = "none" if budget == 0 else "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
    # Whoever gives a budget elsewhere, or no level, is shown the thoughts unasked.
    unasked = control.show is None and (control.effort is None or control.budget is not None)
    shown = control.show or (unasked and effort != "none")
    wire = {"effort": effort, "summary": "auto" if shown else None}
    return {name: value for name, value in wire.items() if value is not None} or None
