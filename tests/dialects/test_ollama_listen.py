"""Listening to bytes that pass through: what is sent on, and what was heard."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import (
    Failed,
    FailureKind,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    is_content,
)
from earthward.dialects.ollama import Durations, StreamListener, StreamReader, listen_answer

GOLDEN = Path(__file__).parent / "golden/ollama"
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.ndjson"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "streams.json").read_text())
WHOLE = [name for name in STREAMS if "parts" in EXPECTED[name]]
ANSWERS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "answers").glob("*.json"))}
CHARACTERS_IN = {TextDelta: "text", ReasoningDelta: "text", ToolCallDelta: "arguments"}

LOADING = {"load", "unload"}
"""A client of Ollama's own may ask for that; a client of another dialect gets no answer by it."""


def listen(*pieces: bytes) -> tuple[bytes, StreamListener]:
    listener = StreamListener("asked-for")
    forwarded = b"".join([listener.feed(piece) for piece in pieces])
    return forwarded + listener.end(), listener


def heard(listener: StreamListener) -> tuple[Any, ...]:
    return tuple(getattr(listener, name) for name in StreamListener.__slots__ if not name.startswith("_"))


def documents(stream: bytes) -> list[Any]:
    return [json.loads(line) for line in stream.splitlines() if line.strip()]


@pytest.mark.parametrize("name", WHOLE)
def test_a_client_gets_everything_but_the_upstream_s_model(name: str) -> None:
    forwarded, listener = listen(STREAMS[name])
    wires = documents(STREAMS[name])
    done = next(place for place, wire in enumerate(wires) if wire["done"])
    assert documents(forwarded) == [{**wire, "model": "asked-for"} for wire in wires[: done + 1]]
    assert forwarded.endswith(b"}\n")
    assert listener.is_over
    assert listener.failure is None


@pytest.mark.parametrize("name", sorted(set(STREAMS) - LOADING))
def test_the_listener_hears_what_the_reader_reads(name: str) -> None:
    reader = StreamReader()
    events = [*reader.feed(STREAMS[name]), *reader.end()]
    _, listener = listen(STREAMS[name])
    assert [listener.failure] == ([event.failure for event in events if isinstance(event, Failed)] or [None])
    assert listener.has_content == any(is_content(event) for event in events)
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    assert usages in ([], [listener.usage])
    assert listener.durations == reader.durations
    assert listener.remote_model == reader.remote_model
    said = [getattr(event, CHARACTERS_IN[type(event)]) for event in events if type(event) in CHARACTERS_IN]
    assert listener.characters_out == sum(map(len, said))


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    stream = STREAMS[name]
    whole, listener = listen(stream)
    for at in range(len(stream)):
        sliced, other = listen(stream[:at], stream[at:])
        assert sliced == whole, at
        assert heard(other) == heard(listener), at
    assert listen(*(stream[at : at + 1] for at in range(len(stream))))[0] == whole


def test_a_line_is_sent_on_as_soon_as_it_is_whole() -> None:
    listener = StreamListener("asked-for")
    line = STREAMS["text"].splitlines(keepends=True)[0]
    assert listener.feed(line[:-1]) == b""
    assert listener.feed(line[-1:]) == line.replace(b'"llama3.1:8b"', b'"asked-for"')
    assert listener.has_content


def test_a_line_is_copied_byte_by_byte_but_for_the_model() -> None:
    forwarded, _ = listen(STREAMS["text"])
    assert forwarded == STREAMS["text"].replace(b'"model":"llama3.1:8b"', b'"model":"asked-for"')


def test_a_model_named_inside_something_else_is_left_alone() -> None:
    forwarded, _ = listen(STREAMS["text_that_looks_like_a_model"])
    text = "".join(wire["message"]["content"] for wire in documents(forwarded))
    assert text == '{"model":"llama3.1:8b"}"model"'
    arguments = documents(forwarded)[2]["message"]["tool_calls"][0]["function"]["arguments"]
    assert arguments == {"model": "llama3.1:8b"}


def test_a_model_given_twice_is_replaced_twice() -> None:
    line = b'{"model":"up","message":{"content":"x"},"done":false,"model":"up"}\n'
    assert documents(StreamListener("asked-for").feed(line)) == [
        {"model": "asked-for", "message": {"content": "x"}, "done": False}
    ]


@pytest.mark.parametrize("name", sorted(LOADING))
def test_loading_and_unloading_pass_through(name: str) -> None:
    forwarded, listener = listen(STREAMS[name])
    assert documents(forwarded)[0]["done_reason"] == name
    assert listener.finish_reason == name
    assert not listener.has_content


def test_an_error_in_a_stream_is_a_failure_and_is_not_sent_on() -> None:
    forwarded, listener = listen(STREAMS["error_in_the_middle"])
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.UPSTREAM_ERROR
    assert b"unexpected EOF" not in forwarded
    assert not listener.is_over


def test_nothing_is_sent_on_after_the_end() -> None:
    listener = StreamListener("asked-for")
    listener.feed(STREAMS["text"])
    assert listener.feed(STREAMS["text"]) == b""
    assert listener.end() == b""


@pytest.mark.parametrize("message", [{}, {"content": ""}, {"content": None, "thinking": ""}, {"tool_calls": []}])
def test_a_line_with_nothing_to_show_is_no_content(message: dict[str, Any]) -> None:
    line = json.dumps({"model": "m", "message": message, "done": False}).encode() + b"\n"
    assert not listen(line)[1].has_content


@pytest.mark.parametrize(
    "fields",
    [
        {"message": {"content": "x"}},
        {"message": {"thinking": "x"}},
        {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}},
        {"message": {"tool_calls": [{"odd": 1}]}},
        {"response": "x"},
        {"response": "", "thinking": "x"},
        {"image": "AAAA"},
    ],
)
def test_a_line_with_something_to_show_is_content(fields: dict[str, Any]) -> None:
    assert listen(json.dumps({"model": "m", **fields, "done": False}).encode() + b"\n")[1].has_content


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_is_sent_on_with_the_model_asked_for(name: str) -> None:
    answer = listen_answer(ANSWERS[name], "asked-for")
    assert answer.failure is None
    assert json.loads(answer.body) == {**json.loads(ANSWERS[name]), "model": "asked-for"}
    assert answer.durations == Durations(1987654321, 12345678, 130079000, 1432100000)
    assert answer.usage.input.tokens == 26
    assert answer.finish_reason in ("stop", "length")
    assert answer.characters_out > 0
    assert answer.remote_model == ("gpt-oss:120b" if name == "cloud" else None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FailureKind.MALFORMED),
        (b"[1]", FailureKind.MALFORMED),
        (b'{"done":true}', FailureKind.MALFORMED),
        (b'{"message":{"content":"x"},"done":false}', FailureKind.BROKEN_STREAM),
        (b'{"message":{"content":"x"}}', FailureKind.BROKEN_STREAM),
        (b'{"error":"model requires more system memory (9.0 GiB) than is available"}', FailureKind.UPSTREAM_ERROR),
    ],
)
def test_what_is_no_whole_answer_is_a_failure_and_is_not_sent_on(body: bytes, kind: FailureKind) -> None:
    answer = listen_answer(body, "asked-for")
    assert answer.body == b""
    assert answer.failure is not None
    assert answer.failure.kind is kind


def test_bytes_that_are_no_utf_8_are_malformed_wherever_they_stand() -> None:
    listener = StreamListener("asked-for")
    listener.feed(b'{"x\xff":1,"model":"up","message":{"content":"a"},"done":false}\n')
    assert listener.failure is not None
    assert listener.failure.kind == "malformed"
