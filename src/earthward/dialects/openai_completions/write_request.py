"""A request, written: one turn of text, since there is no room for a conversation."""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, Message, Role, Text
from earthward.dialects.cited import lost_citations
from earthward.dialects.inexpressible import KEPT_ELSEWHERE, Inexpressible, chosen_among_none, refuse_content

_OWN_FIELDS = frozenset({"logit_bias", "stream_options"})
"""Fields of OpenAI's own that the vocabulary has no word for; it refuses a request with any other."""

_EXTENDED_SAMPLING = ("top_k", "min_p")


def write_request(request: ChatRequest, extensions: bool = True) -> bytes | Failure:
    """`extensions` is whether the server takes more than OpenAI's own does, as vLLM and llama.cpp do."""
    try:
        return msgspec.json.encode(_request(request, extensions))
    except Inexpressible as error:
        return error.failure


def losses(request: ChatRequest, extensions: bool = True) -> tuple[str, ...]:
    """The names of what `write_request` drops, or says only roughly."""
    lost = [name for name in ("reasoning", "metadata") if getattr(request, name)] + chosen_among_none(request)
    lost += ["top_logprobs"] if request.top_logprobs is not None and not request.logprobs else []
    lost += ["repeat_penalty"] if request.sampling.repeat_penalty is not None else []
    if not extensions:
        lost += [name for name in _EXTENDED_SAMPLING if getattr(request.sampling, name) is not None]
        lost += [name for name in request.rest if name not in _OWN_FIELDS]
    lost += [f"messages.{name}" for message in request.messages for name in message.rest]
    if any(message.name is not None for message in request.messages):
        lost.append("messages.name")
    lost += lost_citations(request.messages)
    return tuple(dict.fromkeys((*lost, *request.unread)))


def _request(request: ChatRequest, extensions: bool) -> dict[str, Any]:
    refuse_content(request.rest, KEPT_ELSEWHERE, "a completion")
    rest = {name: value for name, value in request.rest.items() if extensions or name in _OWN_FIELDS}
    options = rest.pop("stream_options", None)
    told = {
        **(options if isinstance(options, dict) else {}),
        **({"include_usage": True} if request.stream_usage else {}),
    }
    sampling = request.sampling
    wire = {
        **rest,
        "model": request.model,
        "prompt": _prompt(request),
        "max_tokens": request.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k if extensions else None,
        "min_p": sampling.min_p if extensions else None,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "n": request.answers if request.answers != 1 else None,
        "logprobs": (request.top_logprobs or 0) if request.logprobs else None,
        "stream": request.stream or None,
        "stream_options": told if told and request.stream else None,
        "user": request.user,
    }
    return {name: value for name, value in wire.items() if value is not None or name in rest}


def _prompt(request: ChatRequest) -> str:
    if request.tools:
        raise Inexpressible("tools cannot be offered in a completion", "tools")
    if request.output is not None and request.output.kind == "json":
        raise Inexpressible("a completion cannot be held to JSON", "response_format")
    match request.messages:
        case (Message(Role.USER, parts),) if parts and all(isinstance(part, Text) for part in parts):
            return request.messages[0].text
    raise Inexpressible("a completion continues one text; it cannot be given a conversation", "messages")
