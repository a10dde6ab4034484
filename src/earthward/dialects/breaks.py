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

_LOGPROBS = ("logprobs", "responseLogprobs", "response_logprobs")


class Feature(msgspec.Struct, frozen=True):
    number: int
    what: str
    verdict: Verdict
    is_in: Callable[[str, Json], bool]
    """Given the path, or nothing, and the body."""


def found_in(path: str, body: Json) -> list[Feature]:
    return [feature for feature in FEATURES if feature.is_in(path, body)]


def _messages(body: Json) -> list[Json]:
    return next((_list(body, name) for name in ("messages", "input", "contents") if body.get(name) is not None), [])


def _parts(body: Json) -> Iterator[Json]:
    for message in _messages(body):
        yield from _parts_of(message)


def _parts_of(message: Json) -> list[Json]:
    return [*_list(message, "content"), *_list(message, "parts")]


def _inner(body: Json, *names: str) -> Any:
    """What stands at the end of these names; the last of two spellings that is there counts."""
    given: Any = body
    for name in names:
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        given = given.get(name, given.get(snake)) if isinstance(given, dict) else None
    return given


def _list(body: Json, name: str) -> list[Json]:
    given = body.get(name)
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _text(value: Any) -> int:
    """Characters of all that is said in it."""
    found, open_ones = 0, [value]
    while open_ones:
        one = open_ones.pop()
        if isinstance(one, str):
            found += len(one)
        elif isinstance(one, dict):
            open_ones += (inner for name, inner in one.items() if name in ("content", "text", "parts"))
        elif isinstance(one, list):
            open_ones += one
    return found


def _characters(body: Json) -> int:
    return sum(_text(body.get(name)) for name in ("messages", "input", "prompt", "contents", "system", "instructions"))


def _format(body: Json) -> str | None:
    """`json_object` or `json_schema`, whoever asks for it."""
    asked = _inner(body, "generationConfig")
    if isinstance(asked, dict):
        if any(_inner(asked, name) is not None for name in ("responseSchema", "responseJsonSchema")):
            return "json_schema"
        return "json_object" if _inner(asked, "responseMimeType") == "application/json" else None
    if isinstance(body.get("format"), dict) or body.get("format") == "json":
        return "json_schema" if isinstance(body["format"], dict) else "json_object"
    places = (("text", "format"), ("response_format",), ("output_config", "format"), ("output_format",))
    found = (_inner(body, *names, "type") for names in places)
    return next((kind for kind in found if kind in ("json_object", "json_schema")), None)


def _forces_tool(path: str, body: Json) -> bool:
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    mode = _inner(body, "toolConfig", "functionCallingConfig", "mode")
    return kind in ("required", "any", "none", "function", "tool", "custom") or mode in ("ANY", "NONE")


def _thinks(path: str, body: Json) -> bool:
    asked = {"reasoning_effort", "reasoning", "thinking", "think"} & set(body)
    return bool(asked) or _inner(body, "generationConfig", "thinkingConfig") is not None


def _words(value: Any) -> set[str]:
    found: set[str] = set()
    open_ones = [value]
    while open_ones:
        one = open_ones.pop()
        if isinstance(one, dict):
            found.update(one)
            open_ones += one.values()
        elif isinstance(one, list):
            open_ones += one
    return found


def _url_of(part: Json) -> str:
    for name in ("image_url", "source"):
        given = part.get(name)
        url = given.get("url") if isinstance(given, dict) else given
        if isinstance(url, str):
            return url
    held = _inner(part, "fileData", "fileUri")
    return held if isinstance(held, str) else ""


def _is_image(part: Json) -> bool:
    media = _inner(part, "inlineData", "mimeType")
    return _url_of(part).startswith("data:") or part.get("type") == "image" or str(media).startswith("image/")


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
    media = (_inner(part, name, "mimeType") for name in ("inlineData", "fileData"))
    return "application/pdf" in media or (part.get("type") in ("document", "file", "input_file") and not is_text)


def _streams(path: str, body: Json) -> bool:
    return bool(body.get("stream")) or "streamGenerateContent" in path


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
    return any(one == other and one in ("user", "assistant", "model") for one, other in pairwise(roles))


def _calls(body: Json) -> Iterator[list[Json]]:
    """Those of each turn."""
    items = [item for item in _messages(body) if item.get("type") == "function_call"]
    yield items
    for message in _messages(body):
        said = [one for one in _parts_of(message) if one.get("type") == "tool_use" or _inner(one, "functionCall")]
        yield [*_list(message, "tool_calls"), *said]


def _result_in_parts(path: str, body: Json) -> bool:
    said = [part for part in _parts(body) if part.get("type") == "tool_result"]
    results = [message for message in _messages(body) if message.get("role") == "tool"]
    return any(isinstance(one.get("content"), list) for one in (*said, *results))


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
        _thinks,
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
    Feature(23, "streams with tools", "handled", lambda path, body: _streams(path, body) and bool(body.get("tools"))),
    Feature(25, "history with empty arguments or null", "handled", _null_content),
    Feature(
        26,
        "results of tools in parts",
        "handled",
        _result_in_parts,
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
        lambda path, body: any(_url_of(part).startswith("http") and not _is_document(part) for part in _parts(body)),
    ),
    Feature(
        32,
        "images in the request",
        "handled",
        lambda path, body: any(map(_is_image, _parts(body))),
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
    Feature(42, "`logprobs`", "handled", lambda path, body: any(_settings(body).get(name) for name in _LOGPROBS)),
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
