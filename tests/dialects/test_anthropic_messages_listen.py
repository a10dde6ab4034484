"""Listening to bytes that pass through: what is sent on, and what was heard."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Answer,
    Count,
    Failed,
    Failure,
    FailureKind,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
    is_content,
)
from earthward.dialects import envelope, sse
from earthward.dialects.anthropic_messages import StreamListener, StreamReader, listen_answer, read_answer
from earthward.dialects.envelope import Envelope

GOLDEN = Path(__file__).parent / "golden"
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "anthropic_streams").glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "anthropic_streams/expected.json").read_text())
WHOLE = [name for name in STREAMS if "parts" in EXPECTED[name]]
ANSWERS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "anthropic_answers").glob("*.json"))}

MENDED = {"two_message_starts", "llamacpp_without_message_start", "done_after_the_end"}
"""Streams that pass with an event more or less."""

CHARACTERS_IN = {TextDelta: "text", ReasoningDelta: "text", ToolCallDelta: "arguments"}


def heard(listener: StreamListener) -> tuple[Any, ...]:
    return (
        listener.has_content,
        listener.is_over,
        listener.failure,
        listener.finish_reason,
        listener.usage,
        listener.characters_out,
        listener.model,
    )


def listen(*pieces: bytes, input_tokens: int = 0) -> tuple[bytes, StreamListener]:
    listener = StreamListener("asked-for", input_tokens)
    forwarded = b"".join([listener.feed(piece) for piece in pieces])
    return forwarded + listener.end(), listener


def events_of(stream: bytes) -> list[sse.Event]:
    reader = sse.Reader()
    return [event for event in [*reader.feed(stream), reader.end()] if event is not None]


def documents(stream: bytes) -> list[Any]:
    """The JSON documents a stream carries."""
    return [json.loads(event.data) for event in events_of(stream)]


def event(type: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (type.encode(), json.dumps({"type": type, **fields}).encode())


START = event("message_start", message={"id": "msg_1", "model": "up", "usage": {"input_tokens": 3}})
STOP = event("message_stop")


def delta(**fields: Any) -> bytes:
    return event("content_block_delta", index=0, delta=fields)


def block(**fields: Any) -> bytes:
    return event("content_block_start", index=0, content_block=fields)


def request(**fields: Any) -> Envelope:
    read = envelope.read(json.dumps({"model": "asked-for", "max_tokens": 9, "messages": [], **fields}).encode())
    assert isinstance(read, Envelope)
    return read


def with_model(document: Any) -> Any:
    if "message" not in document:
        return document
    return {**document, "message": {**document["message"], "model": "asked-for"}}


@pytest.mark.parametrize("name", sorted(set(WHOLE) - MENDED))
def test_a_stream_passes_unchanged_but_for_the_upstream_s_model(name: str) -> None:
    forwarded, listener = listen(STREAMS[name])
    assert documents(forwarded) == list(map(with_model, documents(STREAMS[name])))
    assert listener.is_over
    assert listener.failure is None


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_sent_on_can_be_read_by_the_sdks(name: str) -> None:
    """They skip events without a name, and want `message_start` first and once."""
    events = events_of(listen(STREAMS[name])[0])
    assert [event.name for event in events] == [json.loads(event.data)["type"] for event in events]
    names = [event.name for event in events if event.name != "ping"]
    assert (names[0], names.count("message_start"), names[-1]) == ("message_start", 1, "message_stop")


@pytest.mark.parametrize("name", [name for name in STREAMS if not EXPECTED[name].get("hosted")])
def test_the_listener_hears_what_the_reader_reads(name: str) -> None:
    if name == "arguments_of_no_call":
        return
    reader = StreamReader()
    events = [*reader.feed(STREAMS[name]), *reader.end()]
    _, listener = listen(STREAMS[name])
    failures = [event.failure for event in events if isinstance(event, Failed)]
    assert [listener.failure] == (failures or [None])
    assert listener.has_content == any(is_content(event) for event in events)
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    if not failures:
        assert listener.usage == (usages or [Usage()])[0]
    said = [getattr(event, CHARACTERS_IN[type(event)]) for event in events if type(event) in CHARACTERS_IN]
    assert listener.characters_out == sum(map(len, said)) - EXPECTED[name].get("unheard", 0)


@pytest.mark.parametrize("name", WHOLE)
def test_the_finish_reason_is_heard_in_the_upstream_s_own_word(name: str) -> None:
    assert listen(STREAMS[name])[1].finish_reason == EXPECTED[name].get("wire_reason")


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    stream = STREAMS[name]
    whole, listener = listen(stream)
    for at in range(len(stream)):
        sliced, other = listen(stream[:at], stream[at:])
        assert sliced == whole, at
        assert heard(other) == heard(listener), at
    assert listen(*(stream[at : at + 1] for at in range(len(stream))))[0] == whole


def test_an_event_is_sent_on_as_soon_as_it_is_whole() -> None:
    listener = StreamListener("asked-for")
    piece = delta(type="text_delta", text="hi")
    listener.feed(START)
    assert listener.feed(piece[:-1]) == b""
    assert listener.feed(piece[-1:]) == piece
    assert listener.has_content


@pytest.mark.parametrize(
    "piece",
    [
        event("ping"),
        b": still loading\n\n",
        block(type="text", text=""),
        block(type="thinking", thinking="", signature=""),
        delta(type="text_delta", text=""),
        delta(type="signature_delta", signature="EqQB"),
        delta(type="input_json_delta", partial_json=""),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}),
    ],
)
def test_an_event_with_nothing_to_show_is_no_content(piece: bytes) -> None:
    forwarded, listener = listen(START, piece)
    assert not listener.has_content
    assert forwarded.endswith(piece)


@pytest.mark.parametrize(
    "piece",
    [
        block(type="text", text="x"),
        block(type="thinking", thinking="x"),
        block(type="tool_use", id="toolu_1", name="f", input={}),
        block(type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        block(type="redacted_thinking", data="EmwK"),
        delta(type="text_delta", text="x"),
        delta(type="thinking_delta", thinking="x"),
        delta(type="input_json_delta", partial_json="{"),
    ],
)
def test_an_event_with_something_to_show_is_content(piece: bytes) -> None:
    assert listen(START, piece)[1].has_content


def test_an_error_in_a_stream_is_a_failure_and_is_not_sent_on() -> None:
    forwarded, listener = listen(STREAMS["overloaded_in_the_middle"])
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.OVERLOADED
    assert b"Overloaded" not in forwarded
    assert not listener.is_over


@pytest.mark.parametrize("name", ["truncated_between_events", "truncated_after_the_reason"])
def test_a_stream_without_its_last_event_is_not_whole(name: str) -> None:
    forwarded, listener = listen(STREAMS[name])
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.BROKEN_STREAM
    assert not listener.is_over
    assert b"message_stop" not in forwarded


def test_nothing_is_sent_on_after_a_failure() -> None:
    listener = StreamListener("asked-for")
    assert listener.feed(STREAMS["error_first"]) == b""
    assert listener.feed(STREAMS["anthropic_text"]) == b""
    assert listener.end() == b""


def test_nothing_is_sent_on_after_the_end_of_a_stream() -> None:
    forwarded, listener = listen(STREAMS["anthropic_text"], STREAMS["anthropic_text"])
    assert forwarded.count(b"event: message_stop") == 1
    assert listener.failure is None


def test_litellm_33224_a_second_message_start_is_not_sent_on() -> None:
    assert listen(STREAMS["two_message_starts"])[0].count(b"event: message_start") == 1


def test_a_stream_that_lacks_its_first_event_gets_one() -> None:
    forwarded, listener = listen(STREAMS["llamacpp_without_message_start"], input_tokens=32)
    start = documents(forwarded)[0]
    assert start["message"]["model"] == "asked-for"
    assert start["message"]["usage"] == {"input_tokens": 32, "output_tokens": 0}
    assert documents(forwarded)[1:] == documents(STREAMS["llamacpp_without_message_start"])
    assert listener.usage.input == Count()


def test_a_heartbeat_before_the_first_event_begins_nothing() -> None:
    listener = StreamListener("asked-for")
    assert listener.feed(event("ping")) == event("ping")
    assert listener.feed(START).count(b"message_start") == 2  # its name and its type


def test_an_event_that_never_ends_is_refused_and_not_kept() -> None:
    listener = StreamListener("asked-for")
    piece = b"data: " + b"x" * (1 << 20)
    for _ in range(17):
        assert listener.feed(piece) == b""
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.MALFORMED


# The model is replaced where a client reads it, and nowhere else.

MODELS = [
    b'{"type":"message_start","message":{"model":"up","model":"up2"}}',
    b'{"type":"message_start","message":{"m\\u006fdel":"up"}}',
    b'{"type":"message_start","message":{"model":"up"},"m\\u0065ssage":{"model":"up3"}}',
    b'{"type":"ping","t\\u0079pe":"message_start","message":{"model":"up"}}',
    b'{"type":"content_block_delta","index":0,"delta":{},"message":{"model":"up"}}',
    b'{"type":"message_start","message":{}}',
    b'{"type":"message_start","message":{"model":null,"content":[]}}',
]


@pytest.mark.parametrize("payload", MODELS)
def test_however_a_model_is_spelt_the_client_sees_the_one_it_asked_for(payload: bytes) -> None:
    for before in (b"", START):
        forwarded, _ = listen(before, b"event: x\ndata: " + payload + b"\n\n")
        assert b'"up' not in forwarded
        named = [document["message"]["model"] for document in documents(forwarded) if "message" in document]
        assert set(named) == {"asked-for"}


ELSEWHERE = [
    event("message_start", message={"id": '"model":"up"', "model": "up", "x": {"model": "up"}}, model="up"),
    delta(type="text_delta", text='{"message":{"model":"up"}}'),
    event("weather", x={"message": {"model": "up"}}),
]


@pytest.mark.parametrize("piece", ELSEWHERE)
def test_a_model_elsewhere_stays_what_it_is(piece: bytes) -> None:
    before = b"" if b"message_start" in piece else START
    forwarded, _ = listen(before, piece)
    assert documents(forwarded)[-1] == with_model(documents(piece)[0])


def test_a_model_asked_for_with_odd_characters_stays_json() -> None:
    assert documents(StreamListener('my "model"\\ü').feed(START))[0]["message"]["model"] == 'my "model"\\ü'


def test_the_model_that_served_is_heard() -> None:
    assert listen(START, STOP)[1].model == "up"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["up", "model", '"model":"up"', "{[", '\\"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "message", "x"]), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    more=st.dictionaries(st.sampled_from(["x", 'a"model', "y"]), json_values),
    inside=st.dictionaries(st.sampled_from(["x", 'a"model', "container"]), json_values),
    text=st.text(),
)
def test_whatever_else_an_event_holds_is_sent_on_unchanged(
    more: dict[str, Any], inside: dict[str, Any], text: str
) -> None:
    start = {"message": {**inside, "model": "up", "id": text}, **more}
    stream = event("message_start", **start) + delta(type="text_delta", text=text, **more)
    forwarded, _ = listen(stream)
    assert documents(forwarded) == list(map(with_model, documents(stream)))


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(
        st.binary(max_size=40) | st.sampled_from([b"data: ", b"event: ", b"{", b"}", b"\n\n", b"\r", START, STOP]),
        max_size=20,
    )
)
def test_no_bytes_whatever_make_the_listener_raise(pieces: list[bytes]) -> None:
    listen(*pieces)


# Whole answers.


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_is_sent_on_with_the_model_asked_for(name: str) -> None:
    found = listen_answer(ANSWERS[name], "asked-for")
    original = json.loads(ANSWERS[name])
    assert json.loads(found.body) == {**original, "model": "asked-for", "content": original["content"] or []}
    assert found.failure is None
    assert found.model == original["model"]
    assert found.finish_reason == original["stop_reason"]


def test_what_a_whole_answer_used_is_heard() -> None:
    found = listen_answer(ANSWERS["anthropic_thinking_and_tools"], "asked-for")
    assert found.usage == Usage(*[Count.reported(tokens) for tokens in (119, 40, 100, 7, 15)])
    assert found.characters_out == len("Let me think.") + len("I'll look.") + len('{"city":"Oslo"}')


def test_content_that_is_null_becomes_a_list() -> None:
    """Ollama says so of an empty answer, and clients that look for its first block raise."""
    assert json.loads(listen_answer(b'{"content":null}', "x").body)["content"] == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content":1}', b'{"content":[1]}', b"\xff"])
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    found = listen_answer(body, "asked-for")
    assert found.failure is not None
    assert found.failure.kind is FailureKind.MALFORMED
    assert found.body == b""


def test_an_error_with_status_200_is_a_failure() -> None:
    found = listen_answer(b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}', "asked-for")
    assert found.failure is not None
    assert found.failure.kind is FailureKind.OVERLOADED


KEYS = ["type", "delta", "message", "content_block", "text", "thinking", "partial_json", "index", "usage", "error"]
TYPES = ["message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "tool_use"]
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "x", *TYPES]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*KEYS, "content", "model", "id", "name", "input"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(odd | st.fixed_dictionaries({"type": st.sampled_from(TYPES), "delta": odd}), max_size=3))
def test_no_json_whatever_makes_listener_or_reader_raise(values: list[Any]) -> None:
    stream = b"".join(b"data: %b\n\n" % json.dumps(value).encode() for value in values)
    _, listener = listen(stream)
    reader = StreamReader()
    events = [*reader.feed(stream), *reader.end()]
    assert listener.failure is not None or listener.is_over
    assert events
    for value in values:
        body = json.dumps(value).encode()
        assert isinstance(read_answer(body), Answer | Failure)
        found = listen_answer(body, "asked-for")
        assert (found.body == b"") == (found.failure is not None)


def test_bytes_that_are_no_utf_8_are_malformed_wherever_they_stand() -> None:
    listener = StreamListener("m")
    listener.feed(b'event: message_start\ndata: {"type":"message_start","message":{"model":"a","x\xff":1}}\n\n')
    assert listener.failure is not None
    assert listener.failure.kind == "malformed"
