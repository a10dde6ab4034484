"""What a request asks for that breaks on the way to Ollama, and what the gateway does about it. Pure.

Each finding has the number of the list of what breaks (`earthward.dialects.gotchas`), and one word: `handled`, `told`
(left out and named), `refused` (with the way out) or `yours to change`.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal

import msgspec

from earthward.dialects.content.several import MOST

Json = dict[str, Any]
Verdict = Literal["handled", "told", "refused", "yours to change"]

LONG = 4096 * 4
"""Characters of a prompt that is likely to be longer than the context Ollama takes where nothing is said."""
_BOUNDS = frozenset({"$ref", "oneOf", "const", "minimum", "maximum", "pattern", "minLength", "maxLength", "default"})


class Feature(msgspec.Struct, frozen=True):
    number: int
    what: str
    verdict: Verdict
    is_in: Callable[[str, Json], bool]
    """Given the path, or nothing, and the body."""


def found_in(path: str, body: Json) -> list[Feature]:
    return [feature for feature in FEATURES if feature.is_in(path, body)]


def _messages(body: Json) -> list[Json]:
    given = body.get("messages")
    given = body.get("input") if given is None else given
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _parts(body: Json) -> Iterator[Json]:
    for message in [*_messages(body), *(_list(body, "contents"))]:
        for name in ("content", "parts"):
            content = message.get(name)
            yield from (part for part in (content if isinstance(content, list) else ()) if isinstance(part, dict))


def _list(body: Json, name: str) -> list[Json]:
    given = body.get(name)
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _text(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(_text(inner) for name, inner in value.items() if name in ("content", "text", "parts"))
    return sum(map(_text, value)) if isinstance(value, list) else 0


def _characters(body: Json) -> int:
    return sum(_text(body.get(name)) for name in ("messages", "input", "prompt", "contents", "system", "instructions"))


def _format(body: Json) -> Any:
    text = body.get("text")
    given = text.get("format") if isinstance(text, dict) else body.get("response_format")
    return given.get("type") if isinstance(given, dict) else None


def _forces_tool(path: str, body: Json) -> bool:
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    return kind in ("required", "any", "none", "function", "tool", "custom")


def _words(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {word for inner in value.values() for word in _words(inner)}
    return {word for inner in value for word in _words(inner)} if isinstance(value, list) else set()


def _url_of(part: Json) -> str:
    for name in ("image_url", "source"):
        given = part.get(name)
        url = given.get("url") if isinstance(given, dict) else given
        if isinstance(url, str):
            return url
    return ""


def _settings(body: Json) -> Json:
    """With those of Google's and of Ollama's, which have a place of their own."""
    apart = (body.get(name) for name in ("generationConfig", "generation_config", "options"))
    return body | {name: value for given in apart if isinstance(given, dict) for name, value in given.items()}


def _answers(body: Json) -> int:
    settings = _settings(body)
    asked = (settings.get(name) for name in ("n", "candidateCount", "candidate_count"))
    return max((number for number in asked if isinstance(number, int)), default=1)


def _is_document(part: Json) -> bool:
    """One that is not text already."""
    source = part.get("source")
    is_text = isinstance(source, dict) and source.get("type") in ("text", "content")
    return part.get("type") in ("document", "file", "input_file") and not is_text


def _is_embedding(path: str, body: Json) -> bool:
    return "embed" in path.lower() or "encoding_format" in body or "embed" in str(body.get("model", "")).lower()


def _has_numbers(path: str, body: Json) -> bool:
    given = body.get("input")
    first = given[0] if isinstance(given, list) and given else None
    return isinstance(first, int) or (isinstance(first, list) and bool(first) and isinstance(first[0], int))


def _is_chat(path: str, body: Json) -> bool:
    return isinstance(body.get("messages"), list) and not path.startswith(("/api/", "/v1/messages"))


def _is_responses(path: str, body: Json) -> bool:
    return path.endswith("/responses") or ("input" in body and "messages" not in body and not _is_embedding(path, body))


def _roles(path: str, body: Json) -> bool:
    roles = [message.get("role") for message in _messages(body)]
    return any(one == other and one in ("user", "assistant") for one, other in pairwise(roles))


def _calls(body: Json) -> Iterator[list[Json]]:
    return (_list(message, "tool_calls") for message in _messages(body))


def _null_content(path: str, body: Json) -> bool:
    empty = (call.get("function") for calls in _calls(body) for call in calls)
    return any(isinstance(one, dict) and one.get("arguments") == "" for one in empty) or any(
        "content" in message and message["content"] is None and not message.get("tool_calls")
        for message in _messages(body)
    )


FEATURES = (
    Feature(1, "prompts beyond 4,096 tokens", "handled", lambda path, body: _characters(body) > LONG),
    Feature(2, "`num_ctx` in the request", "told", lambda path, body: "num_ctx" in _words([body.get("options"), body])),
    Feature(4, "`max_completion_tokens`", "handled", lambda path, body: "max_completion_tokens" in body),
    Feature(
        5,
        "a wish for thinking",
        "handled",
        lambda path, body: bool({"reasoning_effort", "reasoning", "thinking", "think"} & set(body)),
    ),
    Feature(
        6,
        "stop strings",
        "handled",
        lambda path, body: any(_settings(body).get(name) for name in ("stop", "stop_sequences", "stopSequences")),
    ),
    Feature(19, "`tool_choice` that forces or forbids", "handled", _forces_tool),
    Feature(
        21,
        "tools with references, alternatives or bounds",
        "handled",
        lambda path, body: bool(_BOUNDS & _words(body.get("tools"))),
    ),
    Feature(22, "several calls at once", "handled", lambda path, body: any(len(calls) > 1 for calls in _calls(body))),
    Feature(23, "streams with tools", "handled", lambda path, body: bool(body.get("stream") and body.get("tools"))),
    Feature(25, "history with empty arguments or null", "handled", _null_content),
    Feature(
        26,
        "results of tools in parts",
        "handled",
        lambda path, body: any(
            message.get("role") == "tool" and isinstance(message.get("content"), list) for message in _messages(body)
        ),
    ),
    Feature(28, "tools", "handled", lambda path, body: bool(body.get("tools") or body.get("functions"))),
    Feature(
        30,
        "tools beside a schema",
        "told",
        lambda path, body: bool(body.get("tools")) and _format(body) == "json_schema",
    ),
    Feature(
        31,
        "role `developer`",
        "handled",
        lambda path, body: any(message.get("role") == "developer" for message in _messages(body)),
    ),
    Feature(
        32,
        "images by address",
        "refused",
        lambda path, body: any(_url_of(part).startswith("http") for part in _parts(body)),
    ),
    Feature(
        32,
        "images in the request",
        "handled",
        lambda path, body: any(
            _url_of(part).startswith("data:") or part.get("type") == "image" or "inlineData" in part
            for part in _parts(body)
        ),
    ),
    Feature(
        33,
        "documents",
        "refused",
        lambda path, body: any(map(_is_document, _parts(body))),
    ),
    Feature(34, "`previous_response_id`", "handled", lambda path, body: bool(body.get("previous_response_id"))),
    Feature(36, "two turns of one role in a row", "handled", _roles),
    Feature(
        37,
        "chats that leave the temperature to the model",
        "handled",
        lambda path, body: _is_chat(path, body) and "temperature" not in body,
    ),
    Feature(38, "a seed", "yours to change", lambda path, body: _settings(body).get("seed") is not None),
    Feature(
        39, "JSON mode", "handled", lambda path, body: _format(body) == "json_object" and not _is_responses(path, body)
    ),
    Feature(40, "a JSON schema for the answer", "handled", lambda path, body: _format(body) == "json_schema"),
    Feature(
        41,
        "JSON mode in responses",
        "handled",
        lambda path, body: _format(body) == "json_object" and _is_responses(path, body),
    ),
    Feature(42, "`logit_bias`", "told", lambda path, body: bool(body.get("logit_bias"))),
    Feature(42, "`logprobs`", "handled", lambda path, body: bool(body.get("logprobs"))),
    Feature(42, f"several answers, at most {MOST}", "handled", lambda path, body: 1 < _answers(body) <= MOST),
    Feature(42, f"more than {MOST} answers", "refused", lambda path, body: _answers(body) > MOST),
    Feature(50, "Anthropic's API", "handled", lambda path, body: "/v1/messages" in path),
    Feature(55, "embeddings", "yours to change", lambda path, body: _is_embedding(path, body)),
    Feature(
        58,
        "embeddings of token numbers",
        "refused",
        lambda path, body: _is_embedding(path, body) and _has_numbers(path, body),
    ),
    Feature(63, "Google's API, streamed", "handled", lambda path, body: "streamGenerateContent" in path),
    Feature(
        65,
        "Google's fields in snake case",
        "handled",
        lambda path, body: bool({"generation_config", "system_instruction", "safety_settings"} & set(body)),
    ),
)
