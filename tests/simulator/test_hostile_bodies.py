"""Whatever a body says, the simulator answers as its vendor does: at once, with a 400 in that shape, in little memory.

Each path gets a body with all it looks at; each place of that is taken by values it was not made for (by all of them
where `FUZZ_CASES` says so, as `make fuzz` does), and then there are the bodies that are made to be large, deep or slow.
"""

import base64
import copy
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from every_dialect import HOSTILE, spelt, torn

PATIENCE = 60.0
"""Seconds a request may take on a busy machine; one that is not bounded takes minutes, or all memory."""
MEMORY = 700e6
"""Bytes. The simulator itself has about 60 MB, and a body of `MILLION` texts is some 100 MB once it is read."""
MILLION = 1_000_000
PICTURE = base64.b64encode(b"\x89PNG").decode()
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "minLength": 1, "format": "date"}, "b": {"$ref": "#/$defs/b"}},
    "required": ["a", "b"],
    "$defs": {"b": {"anyOf": [{"type": "array", "minItems": 1, "items": {"enum": [1]}}, {"type": "null"}]}},
}
NUMBER = {"type": "number", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2, "allOf": [{"maximum": 3}]}
FUNCTION = {"name": "f", "description": "d", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PAIR = {"data": PICTURE, "mimeType": "image/png"}


class Asked(NamedTuple):
    """Where, with which headers, and a body that is answered with 200."""

    path: str
    body: Any
    headers: dict[str, str] = {}
    method: str = "POST"


CHAT = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    "n": 1,
    "max_tokens": 5,
    "max_completion_tokens": 5,
    "tools": [TOOL],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
    "stop": ["z"],
    "logprobs": True,
    "top_logprobs": 1,
    "temperature": 1,
    "top_p": 1,
    "seed": 1,
}
FORMED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "u"}]}
MESSAGES = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 2000,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "image", "source": {"data": "x"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]},
    ],
    "tools": [{"name": "f", "input_schema": SCHEMA}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stop_sequences": ["z"],
    "temperature": 1,
    "stream": True,
}
OUTPUT = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "u"}],
    "output_config": {"format": {"type": "json_schema", "schema": NUMBER}},
}
AT_VERTEX = {name: value for name, value in MESSAGES.items() if name != "model"} | {
    "anthropic_version": "vertex-2023-10-16"
}
COUNTED = {name: MESSAGES[name] for name in ("model", "system", "messages", "tools", "tool_choice", "thinking")}
CONTENT = {
    "contents": [
        {"role": "user", "parts": [{"text": "u"}, {"inlineData": PAIR}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}]},
    ],
    "systemInstruction": {"parts": [{"text": "s"}]},
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {}}}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "candidateCount": 1,
        "maxOutputTokens": 5,
        "stopSequences": ["z"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
        "responseLogprobs": True,
        "logprobs": 1,
        "temperature": 1,
        "topP": 1,
        "topK": 1,
        "seed": 1,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 5},
    },
}
RESPONSES = {
    "model": "gpt-4o",
    "instructions": "i",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "u"}, {"type": "input_image", "image_url": "x"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "r"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}]},
    ],
    "stream": True,
    "max_output_tokens": 16,
    "tools": [{"type": "function", **FUNCTION}],
    "tool_choice": {"type": "function", "name": "f"},
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
    "include": ["message.output_text.logprobs"],
    "metadata": {"a": "b"},
}
NATIVE = {
    "model": "llama3.2",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "images": []},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
        {"role": "tool", "content": "r", "tool_name": "f"},
    ],
    "stream": True,
    "format": SCHEMA,
    "keep_alive": "5m",
    "think": False,
    "truncate": False,
    "shift": False,
    "tools": [TOOL],
    "options": {"num_ctx": 4096, "num_predict": 5, "temperature": 1, "stop": ["z"], "num_batch": 512, "seed": 1},
}
GENERATE = {"model": "llama3.2", "prompt": "p", "system": "s", "raw": False, "options": {"num_predict": 5, "stop": []}}
EMBED = {"model": "nomic-embed-text", "input": ["a", "b"], "dimensions": 64, "truncate": True, "keep_alive": 5}
BRIDGE = {name: value for name, value in CHAT.items() if name not in ("tool_choice", "logprobs", "messages")} | {
    "model": "llama3.2",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "u"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    ],
    "reasoning_effort": "none",
}
VECTORS = {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8, "encoding_format": "base64"}
ONE = {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 8, "taskType": "CLUSTERING"}
INSTANCES = {"instances": [{"content": "a"}], "parameters": {"outputDimensionality": 8}}
CLAUDE = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
GOOGLE = {"x-goog-api-key": "k"}
BEARER = {"authorization": "Bearer k"}
AZURE = {"api-key": "k"}
PROJECT = "/v1/projects/acme/locations/eu/publishers"
FLASH = "/v1beta/models/gemini-2.5-flash"

ALL = (
    Asked("/v1/chat/completions", CHAT),
    Asked(
        "/v1/chat/completions", FORMED | {"response_format": {"type": "json_schema", "json_schema": {"schema": NUMBER}}}
    ),
    Asked("/openai/deployments/gpt-4o/chat/completions?api-version=1", CHAT, AZURE),
    Asked("/openai/v1/chat/completions", FORMED, AZURE),
    Asked("/v1/embeddings", VECTORS),
    Asked("/openai/deployments/text-embedding-3-small/embeddings?api-version=1", VECTORS, AZURE),
    Asked("/v1/responses", RESPONSES),
    Asked("/v1/responses", RESPONSES | {"stream": False, "tool_choice": "none"}),
    Asked("/openai/v1/responses", RESPONSES, AZURE),
    Asked("/v1/responses/input_tokens", {"model": "gpt-4o", "input": RESPONSES["input"], "tools": RESPONSES["tools"]}),
    Asked("/v1/messages", MESSAGES, CLAUDE),
    Asked("/v1/messages", OUTPUT, CLAUDE),
    Asked("/v1/messages/count_tokens", COUNTED, CLAUDE),
    Asked(f"{PROJECT}/anthropic/models/claude-sonnet-4-5:streamRawPredict", AT_VERTEX, BEARER),
    Asked(f"{PROJECT}/anthropic/models/count-tokens:rawPredict", COUNTED, BEARER),
    Asked(f"{FLASH}:generateContent", CONTENT, GOOGLE),
    Asked(f"{FLASH}:streamGenerateContent?alt=sse", CONTENT, GOOGLE),
    Asked(f"{FLASH}:streamGenerateContent", CONTENT, GOOGLE),
    Asked(f"{PROJECT}/google/models/gemini-2.5-flash:generateContent", CONTENT, BEARER),
    Asked(f"{FLASH}:countTokens", {"generateContentRequest": {"contents": CONTENT["contents"]}}, GOOGLE),
    Asked("/v1beta/models/e:embedContent", ONE, GOOGLE),
    Asked("/v1beta/models/e:batchEmbedContents", {"requests": [ONE]}, GOOGLE),
    Asked(f"{PROJECT}/google/models/e:predict", INSTANCES, BEARER),
    Asked(
        f"{PROJECT}/google/models/gemini-embedding-2:embedContent",
        {"content": ONE["content"], "embedContentConfig": {"outputDimensionality": 8}},
        BEARER,
    ),
    Asked("/api/chat", NATIVE),
    Asked("/api/generate", GENERATE),
    Asked("/api/embed", EMBED),
    Asked("/api/embeddings", {"model": "nomic-embed-text", "prompt": "p"}),
    Asked("/ollama/v1/chat/completions", BRIDGE),
    Asked("/api/show", {"model": "llama3.2", "verbose": True}),
    Asked("/api/copy", {"source": "llama3.2", "destination": "mine"}),
    Asked("/api/create", {"model": "mine", "from": "llama3.2", "parameters": {"num_ctx": 5}, "system": "s"}),
    Asked("/api/pull", {"model": "llama3.2", "stream": False}),
    Asked("/api/delete", {"model": "nothing"}, method="DELETE"),
    Asked("/sim/script", {"default": {"tokens": 24}, "models": {"m": {"tokens": 1}}, "faults": {}}),
    Asked("/token", {}),
)
EMBEDDINGS = next(asked for asked in ALL if asked.path == "/v1/embeddings")
EMBED_NATIVELY = next(asked for asked in ALL if asked.path == "/api/embed")
NATIVELY = next(asked for asked in ALL if asked.path == "/api/chat")
BATCH = next(asked for asked in ALL if asked.path.endswith(":batchEmbedContents"))
PREDICT = next(asked for asked in ALL if asked.path.endswith(":predict"))
ANSWERED = next(asked for asked in ALL if asked.path == "/v1/responses")
GENERATED = next(asked for asked in ALL if asked.path.endswith(":generateContent"))
VENDORS = ("openai", "anthropic", "google", "ollama")


def vendor_of(asked: Asked) -> str:
    """Under whose name it is tried; the simulator's own paths are tried with OpenAI's."""
    if asked.path.startswith(("/api/", "/ollama/")):
        return "ollama"
    if "messages" in asked.path or "anthropic" in asked.path:
        return "anthropic"
    return "google" if "/models/" in asked.path or asked.path == "/token" else "openai"


NUMBERS = (0, -5, 2**31 - 1, 2**63, 10**9, 10**12, 1e300, 1.5)
EXTREMES: tuple[Any, ...] = (
    *(2**31 - 1, 10**9, 10**12, -5, 1.5, 1e300, "1000000000", "-1", "999999999999h", "9" * 400, "sim:{", "é" * 1000),
    *(["a"], [1], [[1]], [1.5], [{}, {}], [None], {"type": "object"}, {"role": 1}, {"parts": None}, {"$ref": "#"}),
    *({"type": ["a"]}, {"type": {}}, {"enum": []}, {"anyOf": []}, {"anyOf": [5]}, {"allOf": 5}, {"format": []}),
    *({"type": "array", "minItems": 10**9}, {"type": "string", "minLength": 10**10}, {"required": [[]]}),
    *({"type": "number", "minimum": "a"}, {"type": "number", "minimum": 1, "multipleOf": 1e-320}, {"$ref": 5}),
)

VALUES = (*HOSTILE, *EXTREMES)
PER_PLACE = 1 if int(os.environ.get("FUZZ_CASES", "20000")) <= 20_000 else len(VALUES)


def places(value: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield so_far
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from places(inner, (*so_far, name))


def found(document: Any, place: tuple[Any, ...]) -> Any:
    for name in place:
        document = document[name]
    return document


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    document = copy.deepcopy(document)
    holder = document
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    return document


def without(document: Any, place: tuple[Any, ...]) -> Any:
    document = copy.deepcopy(document)
    holder = document
    for name in place[:-1]:
        holder = holder[name]
    del holder[place[-1]]
    return document


def hostile(asked: Asked) -> Iterator[bytes]:
    """Each place of a body taken by a few of the values, by all where a number was, and left out once."""
    chance = random.Random(asked.path)
    for place in places(asked.body):
        was = found(asked.body, place)
        numbers = NUMBERS if isinstance(was, int) else ()
        for value in (*chance.sample(VALUES, PER_PLACE), *numbers):
            yield spelt(put(asked.body, place, value))
        if place:
            yield spelt(without(asked.body, place))
    for _ in range(20):
        yield torn(spelt(asked.body), chance)
    yield from (b"", b"5", b"[]", b"null", b'"', b"\xff", b'{"a":"\xff"}', b"[" * 100_000, b'{"a":' * 100_000)
    yield b'{"model":"gpt-4o","messages":[' + b"{}," * 90_000 + b"{}]}"


@contextmanager
def simulator() -> Iterator[tuple[Callable[[Asked, bytes], tuple[int, bytes]], Callable[[], int]]]:
    """How to ask one in a process of its own, and how to end it and hear how many bytes it had in memory at most."""
    with subprocess.Popen(
        [sys.executable, "-m", "earthward.simulator"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

        def ask(asked: Asked, body: bytes) -> tuple[int, bytes]:
            wire.request(asked.method, asked.path, body, {"content-type": "application/json", **asked.headers})
            answer = wire.getresponse()
            return answer.status, answer.read()

        def end() -> int:
            wire.close()
            # What is said of a process after its end counts what had been there before it was loaded, too.
            told = Path(f"/proc/{process.pid}/status")
            found = re.search(r"VmHWM:\s*(\d+) kB", told.read_text()) if told.exists() else None
            process.send_signal(signal.SIGTERM)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_maxrss if found is None else int(found[1]) * 1024

        try:
            yield ask, end
        finally:
            wire.close()
            process.kill()


def check(asked: Asked, body: bytes, status: int, answer: bytes) -> None:
    shown = f"{asked.path} {status}: {body[:500]!r} {answer[:500]!r}"
    # A model that nobody has is an internal error at Ollama itself.
    assert status < 500 or b"file does not exist" in answer, shown
    if status >= 400:
        assert json.loads(answer)["error"], shown


def test_what_is_sent_to_each_path_is_answered_when_it_is_right() -> None:
    with simulator() as (ask, _):
        for asked in ALL:
            status, answer = ask(asked, spelt(asked.body))
            assert status == (404 if asked.method == "DELETE" else 200), (asked.path, answer)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_wrong_in_a_body_is_told_as_the_vendor_tells_it(vendor: str) -> None:
    with simulator() as (ask, end):
        for asked in ALL:
            if vendor_of(asked) == vendor:
                for body in hostile(asked):
                    check(asked, body, *ask(asked, body))
        assert end() < MEMORY


CONTENTS = {"contents": [{"parts": [{"text": "u"}]}]}
WORDS: tuple[tuple[Asked, Any, str], ...] = (
    (ALL[0], FORMED | {"n": 0}, "Invalid 'n': 0."),
    (ALL[0], FORMED | {"max_tokens": 0}, "Expected a value >= 1, but got 0 instead."),
    (ALL[0], FORMED | {"max_completion_tokens": -1}, "Invalid 'max_completion_tokens': integer below minimum value."),
    (ALL[0], FORMED | {"stop": [*"abcde"]}, "Expected an array with maximum length 4"),
    (ALL[0], FORMED | {"response_format": {"type": "x", "json_schema": {"schema": {"enum": []}}}}, "Invalid schema"),
    (EMBEDDINGS, VECTORS | {"dimensions": 1537}, "'dimensions' = 1537. Must be between 1 and 1536."),
    (EMBEDDINGS, VECTORS | {"dimensions": 0}, "'dimensions' = 0."),
    (EMBEDDINGS, VECTORS | {"model": "text-embedding-ada-002"}, "does not support specifying dimensions"),
    (EMBEDDINGS, VECTORS | {"input": ["a"] * 2049}, "'$.input' is invalid"),
    (EMBEDDINGS, VECTORS | {"input": ["a", 1]}, "'$.input' is invalid"),
    (EMBEDDINGS, VECTORS | {"input": ""}, "'$.input' is invalid"),
    (EMBEDDINGS, VECTORS | {"input": [1] * 8193}, "maximum context length is 8192 tokens"),
    (EMBEDDINGS, VECTORS | {"input": [[1] * 8000] * 38}, "max 300000 tokens per request"),
    (ANSWERED, {"input": "u"}, "Missing required parameter: 'model'."),
    (ANSWERED, {"model": "gpt-4o"}, "Missing required parameter: 'input'."),
    (ANSWERED, {"model": "gpt-4o", "input": [{"type": "function_call"}]}, "'input[0].call_id'"),
    (ANSWERED, {"model": "gpt-4o", "input": "u", "max_output_tokens": 0}, "Invalid 'max_output_tokens'"),
    (GENERATED, CONTENTS | {"generationConfig": {"candidateCount": 9}}, "must be in the range [1, 8]"),
    (GENERATED, CONTENTS | {"generation_config": {"max_output_tokens": 0}}, "max_output_tokens must be positive"),
    (GENERATED, {"contents": [{"parts": 5}]}, "Invalid value at 'contents[0].parts'"),
    (BATCH, {"requests": [ONE] * 101}, "at most 100 requests"),
    (BATCH, {"requests": [ONE | {"output_dimensionality": 3073}]}, "between 1 and 3072"),
    (PREDICT, {"instances": [{"content": "a"}] * 251}, "more than the 250"),
    (EMBED_NATIVELY, EMBED | {"input": ["a"] * 2049}, "2049 texts"),
    (NATIVELY, {"model": "llama3.2", "options": {"stop": "a"}}, 'option \\"stop\\" must be of type array'),
    (NATIVELY, {"model": "llama3.2", "options": {"stop": [1]}}, 'option \\"stop\\" must be of an array of strings'),
)


@pytest.mark.parametrize(("asked", "body", "words"), WORDS, ids=[words for *_, words in WORDS])
def test_a_bound_is_told_in_words(stage: Any, asked: Asked, body: Any, words: str) -> None:
    headers = tuple(asked.headers.items())
    (seen,) = stage.answers({"path": asked.path, "headers": headers, "raw_body": spelt(body)})
    assert seen.status == 400
    assert words in seen.text.decode()


def test_more_dimensions_than_ollamas_model_has_are_not_heard(stage: Any) -> None:
    asked = [{"path": "/api/embed", "raw_body": spelt(EMBED | {"dimensions": width})} for width in (8, 10**9, 0, -1)]
    assert [len(seen.json["embeddings"][0]) for seen in stage.answers(*asked)] == [8, 768, 768, 768]


def said(text: str, **fields: Any) -> bytes:
    return bytes(spelt({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}))


def formed(schema: Any) -> bytes:
    return said("u", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})


FAN = {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]}
GROWING: dict[str, tuple[Asked, bytes]] = {
    "answers of many tokens": (ALL[0], said("sim:tokens=1000000", n=128)),
    "an answer of very many tokens": (ALL[0], said("sim:tokens=1000000000000")),
    "thoughts without end": (ALL[0], said("sim:reasoning=1000000000000")),
    "calls without end": (ALL[0], said("sim:calls=1000000000", tools=[TOOL])),
    "directives that do not end": (ALL[0], said("sim:{" * 200_000)),
    "half a character in a directive": (ALL[0], said('sim:{"say":"\\ud800"}')),
    "a schema that doubles at each level": (ALL[0], formed(FAN)),
    "a schema of arrays in arrays": (
        ALL[0],
        formed({"type": "array", "minItems": 9999, "items": {"type": "array", "minItems": 9999}}),
    ),
    "a schema that repeats a long text": (
        ALL[0],
        formed(
            {
                "$defs": {"t": {"const": "x" * 100_000}},
                "type": "array",
                "minItems": 9000,
                "items": {"$ref": "#/$defs/t"},
            }
        ),
    ),
    "a schema of many parts": (ALL[0], formed({"allOf": [{"properties": {str(part): {}}} for part in range(60_000)]})),
    "a schema with texts of no length": (
        ALL[0],
        formed({"type": "array", "minItems": 9000, "items": {"type": "string", "minLength": -(2**60)}}),
    ),
    "a million texts to embed": (EMBEDDINGS, spelt({"model": "text-embedding-3-small", "input": ["a"] * MILLION})),
    "a million tokens to embed": (EMBEDDINGS, spelt({"model": "text-embedding-3-small", "input": [1] * MILLION})),
    "as many texts to embed as may be": (
        EMBEDDINGS,
        spelt({"model": "text-embedding-3-small", "input": ["a"] * 2048}),
    ),
    "a long text to embed": (EMBED_NATIVELY, spelt({"model": "nomic-embed-text", "input": "a" * 20_000_000})),
    "many texts to embed": (EMBED_NATIVELY, spelt({"model": "nomic-embed-text", "input": ["a"] * 100_000})),
    "a batch without end": (BATCH, spelt({"requests": [ONE] * 20_000})),
    "instances without end": (PREDICT, spelt({"instances": [{"content": "a"}] * 100_000})),
    "messages without end": (
        NATIVELY,
        spelt({"model": "llama3.2", "messages": [{"role": "user", "content": "u"}] * 200_000}),
    ),
    "messages that do not fit": (
        NATIVELY,
        spelt({"model": "llama3.2", "messages": [{"role": "user", "content": "u" * 40}] * 200_000, "truncate": True}),
    ),
    "a body larger than any": (ALL[0], b" " * 65 * MILLION),
}


@pytest.mark.parametrize("growing", GROWING)
def test_what_grows_is_bounded(growing: str) -> None:
    asked, body = GROWING[growing]
    with simulator() as (ask, end):
        check(asked, body, *ask(asked, body))
        assert end() < MEMORY


def test_how_many_of_a_list_are_wanted_is_bounded() -> None:
    with simulator() as (ask, _):
        for limit in ("9" * 5000, "1e9", "-1", "\u0663"):
            listed = Asked(f"/v1/models?limit={quote(limit)}", None, CLAUDE, "GET")
            check(listed, b"", *ask(listed, b""))
