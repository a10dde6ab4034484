"""Crossings between Ollama and OpenAI: one case a line, what is said on one side arrives on the other."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import ChatRequest, Event, Failure, FailureKind
from earthward.dialects import ollama, openai_chat

GOLDEN = Path(__file__).parent / "golden"
OPENAI_STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.sse"))}
OPENAI_EXPECTED: dict[str, Any] = json.loads((GOLDEN / "streams.json").read_text())
OLLAMA_STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "ollama/streams").glob("*.ndjson"))}
OLLAMA_EXPECTED: dict[str, Any] = json.loads((GOLDEN / "ollama/streams.json").read_text())

PNG = "iVBORw0KGgo="
HI_OPENAI = {"role": "user", "content": "Hi"}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CALLS_OPENAI = [
    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "get_weather", "arguments": ""}},
]
CALLS_OLLAMA = [
    {"id": "call_1", "function": {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}}},
    {"id": "call_2", "function": {"index": 1, "name": "get_weather", "arguments": {}}},
]
ALWAYS = {"stream": False, "truncate": False, "shift": False}

TO_OLLAMA: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (
        {
            "messages": [{"role": "developer", "content": "Be kind."}, HI_OPENAI],
            "max_completion_tokens": 5,
            "stop": "x",
        },
        {
            "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
            "options": {"num_predict": 5, "stop": ["x"]},
        },
    ),
    "tools": (
        {
            "tools": [WEATHER],
            "messages": [
                HI_OPENAI,
                {"role": "assistant", "content": None, "tool_calls": CALLS_OPENAI},
                {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "rain"}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
            ],
        },
        {
            "tools": [WEATHER],
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "", "tool_calls": CALLS_OLLAMA},
                {"role": "tool", "content": "rain", "tool_name": "get_weather", "tool_call_id": "call_2"},
                {"role": "tool", "content": "sun", "tool_name": "get_weather", "tool_call_id": "call_1"},
            ],
        },
    ),
    "images": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG.rstrip('=')}"}},
                        {"type": "text", "text": "What?"},
                    ],
                }
            ]
        },
        {"messages": [{"role": "user", "content": "What?", "images": [PNG]}]},
    ),
    "reasoning": (
        {
            "reasoning_effort": "high",
            "messages": [HI_OPENAI, {"role": "assistant", "content": "x", "reasoning_content": "Hm"}, HI_OPENAI],
        },
        {
            "think": True,
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "x", "thinking": "Hm"},
                {"role": "user", "content": "Hi"},
            ],
        },
    ),
    "schema": (
        {
            "messages": [HI_OPENAI],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        },
        {"messages": [{"role": "user", "content": "Hi"}], "format": {"type": "object"}},
    ),
    "refusal and null content": (
        {
            "messages": [
                HI_OPENAI,
                {"role": "assistant", "content": None, "refusal": "No."},
                {"role": "user", "content": "Please"},
            ]
        },
        {
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "No."},
                {"role": "user", "content": "Please"},
            ]
        },
    ),
}

TO_OPENAI: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (
        {
            "messages": [{"role": "system", "content": "Be kind."}, HI_OPENAI],
            "options": {"num_predict": 5, "stop": ["x"], "seed": 7},
        },
        {
            "messages": [{"role": "system", "content": "Be kind."}, HI_OPENAI],
            "max_completion_tokens": 5,
            "stop": ["x"],
            "seed": 7,
        },
    ),
    "tools without ids": (
        {
            "tools": [WEATHER],
            "messages": [
                HI_OPENAI,
                {"role": "assistant", "content": "", "tool_calls": [{"function": CALLS_OLLAMA[0]["function"]}]},
                {"role": "tool", "content": "sun", "tool_name": "get_weather"},
            ],
        },
        {
            "tools": [WEATHER],
            "messages": [
                HI_OPENAI,
                {"role": "assistant", "content": None, "tool_calls": [{**CALLS_OPENAI[0], "id": "call_1_0"}]},
                {"role": "tool", "tool_call_id": "call_1_0", "content": "sun"},
            ],
        },
    ),
    "images": (
        {"messages": [{"role": "user", "content": "What?", "images": [PNG]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                    ],
                }
            ]
        },
    ),
    "thinking": ({"messages": [HI_OPENAI], "think": "max"}, {"messages": [HI_OPENAI], "reasoning_effort": "max"}),
    "format": (
        {"messages": [HI_OPENAI], "format": "json"},
        {"messages": [HI_OPENAI], "response_format": {"type": "json_object"}},
    ),
}


@pytest.mark.parametrize("case", TO_OLLAMA)
def test_an_openai_request_arrives_at_ollama(case: str) -> None:
    sent, expected = TO_OLLAMA[case]
    asked = openai_chat.read_request(json.dumps({"model": "m", **sent}).encode())
    assert isinstance(asked, ChatRequest), asked
    written = ollama.write_request(asked)
    assert isinstance(written, bytes), written
    assert json.loads(written) == {"model": "m", **expected, **ALWAYS}


@pytest.mark.parametrize("case", TO_OPENAI)
def test_an_ollama_request_arrives_at_openai(case: str) -> None:
    sent, expected = TO_OPENAI[case]
    asked = ollama.read_request(json.dumps({"model": "m", "stream": False, **sent}).encode())
    assert isinstance(asked, ChatRequest), asked
    written = openai_chat.write_request(asked, extensions=False)
    assert isinstance(written, bytes), written
    assert json.loads(written) == {"model": "m", **expected}


def test_a_generate_request_arrives_at_openai() -> None:
    asked = ollama.read_generate(b'{"model":"m","prompt":"Hi","system":"Be kind."}')
    assert isinstance(asked, ChatRequest)
    written = openai_chat.write_request(asked, extensions=False)
    assert isinstance(written, bytes)
    assert json.loads(written) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be kind."}, HI_OPENAI],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def to_openai(stream: bytes, size: int) -> bytes:
    reader = ollama.StreamReader()
    writer = openai_chat.StreamWriter("asked-for", True, "chatcmpl-1", 1)
    return _crossed(reader, writer, stream, size) + writer.end()


def to_ollama(stream: bytes, size: int) -> bytes:
    reader = openai_chat.StreamReader()
    writer = ollama.StreamWriter("asked-for", 1)
    return _crossed(reader, writer, stream, size) + writer.end()


def _crossed(reader: Any, writer: Any, stream: bytes, size: int) -> bytes:
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    events: list[Event] = [event for piece in pieces for event in reader.feed(piece)] + reader.end()
    return b"".join([writer.write(event) for event in events])


def said_at_openai(stream: bytes) -> dict[str, Any]:
    """What a client puts together of the chunks."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "calls": {}, "reason": None, "error": None, "usage": None}
    for block in stream.decode().split("\n\n"):
        payload = block.removeprefix("data: ")
        if not payload or payload == "[DONE]":
            continue
        chunk = json.loads(payload)
        said["error"] = chunk.get("error")
        said["usage"] = chunk.get("usage") or said["usage"]
        for choice in chunk.get("choices", ()):
            said["text"] += choice["delta"].get("content") or ""
            said["reasoning"] += choice["delta"].get("reasoning") or ""
            said["reason"] = choice["finish_reason"]
            for call in choice["delta"].get("tool_calls", ()):
                known = said["calls"].setdefault(call["index"], [call.get("id"), call["function"].get("name"), ""])
                known[2] += call["function"]["arguments"]
    return said


def said_at_ollama(stream: bytes) -> dict[str, Any]:
    said: dict[str, Any] = {"text": "", "reasoning": "", "calls": [], "reason": None, "error": None}
    for line in stream.splitlines():
        wire = json.loads(line)
        said["error"] = wire.get("error")
        message = wire.get("message", {})
        said["text"] += message.get("content", "")
        said["reasoning"] += message.get("thinking", "")
        said["calls"] += [
            [call["id"], call["function"]["name"], call["function"]["arguments"]]
            for call in message.get("tool_calls", ())
        ]
        said["reason"] = wire.get("done_reason") if wire.get("done") else None
        said["done"] = wire.get("done", False)
    return said


def _texts(parts: list[Any], kind: str) -> str:
    return "".join(part[1] for part in parts if part[0] == kind)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("name", [name for name in OLLAMA_STREAMS if "parts" in OLLAMA_EXPECTED[name]])
def test_an_ollama_stream_arrives_at_an_openai_client(name: str, size: int) -> None:
    expected = OLLAMA_EXPECTED[name]
    stream = to_openai(OLLAMA_STREAMS[name], size)
    assert stream.endswith(b"data: [DONE]\n\n")
    said = said_at_openai(stream)
    assert said["text"] == _texts(expected["parts"], "Text")
    assert said["reasoning"] == _texts(expected["parts"], "Reasoning")
    assert list(said["calls"].values()) == [part[1:] for part in expected["parts"] if part[0] == "ToolCall"]
    assert list(said["calls"]) == list(range(len(said["calls"])))
    assert said["error"] is None
    prompt, answer, _ = expected["usage"]
    if prompt is not None:
        assert said["usage"]["prompt_tokens"] == prompt
        assert said["usage"]["completion_tokens"] == (answer or 0)


@pytest.mark.parametrize("name", [name for name in OLLAMA_STREAMS if "failure" in OLLAMA_EXPECTED[name]])
def test_a_broken_ollama_stream_never_ends_well_for_an_openai_client(name: str) -> None:
    stream = to_openai(OLLAMA_STREAMS[name], 10_000)
    assert said_at_openai(stream)["error"]["message"]
    assert b"[DONE]" not in stream


@pytest.mark.parametrize("name", OPENAI_STREAMS)
def test_an_openai_stream_arrives_at_an_ollama_client(name: str) -> None:
    expected = OPENAI_EXPECTED[name]
    said = said_at_ollama(to_ollama(OPENAI_STREAMS[name], 10_000))
    if "failure" in expected:
        assert said["error"]
        assert not said["done"]
        return
    # A client of Ollama's cannot ask for more than one.
    parts = expected["answers"][0]["parts"]
    assert said["error"] is None
    assert said["done"]
    assert said["text"] == _texts(parts, "text") + _texts(parts, "refusal")
    assert said["reasoning"] == _texts(parts, "reasoning")
    assert all(isinstance(arguments, dict) for _, _, arguments in said["calls"])


@pytest.mark.parametrize(
    "kind", [FailureKind.CONTEXT_LENGTH, FailureKind.NO_SUCH_MODEL, FailureKind.OVERLOADED, FailureKind.UPSTREAM_ERROR]
)
def test_an_error_means_the_same_on_both_sides(kind: FailureKind) -> None:
    message = {FailureKind.CONTEXT_LENGTH: "the input length exceeds the context length"}.get(
        kind, "model 'm' not found"
    )
    status, headers, body = ollama.write_failure(Failure(kind, message))
    read = ollama.failure_of(status, headers, body)
    assert read.kind is kind
    status, headers, body = openai_chat.write_failure(read)
    assert openai_chat.failure_of(status, headers, body).kind is kind


def test_a_context_that_is_too_long_is_told_in_openai_s_words() -> None:
    inner = json.dumps({"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error"}})
    failure = ollama.failure_of(400, [], json.dumps({"error": inner}).encode())
    status, _, body = openai_chat.write_failure(failure)
    assert status == 400
    assert json.loads(body)["error"]["code"] == "context_length_exceeded"


def test_a_missing_model_is_told_in_openai_s_words() -> None:
    failure = ollama.failure_of(404, [], b'{"error":"model \'gpt-4o\' not found"}')
    status, _, body = openai_chat.write_failure(failure)
    assert status == 404
    assert json.loads(body)["error"]["code"] == "model_not_found"
