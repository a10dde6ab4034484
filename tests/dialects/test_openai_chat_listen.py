"""Listening to bytes that pass through: what is sent on, and what was heard."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from earthward.chat import (
    Answer,
    Count,
    Failed,
    Failure,
    FailureKind,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
    is_content,
)
from earthward.dialects import envelope, sse
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_chat import (
    StreamListener,
    StreamReader,
    listen_answer,
    prepare,
    read_answer,
    wants_usage,
)

GOLDEN = Path(__file__).parent / "golden"
STREAMS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "streams").glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "streams.json").read_text())
WHOLE = [name for name in STREAMS if "answers" in EXPECTED[name]]
ANSWERS = {path.stem: path.read_bytes() for path in sorted((GOLDEN / "answers").glob("*.json"))}

NOT_IN_OPENAI_S_FORM = {"azure_filters", "custom_tool", "tool_arguments_as_object"}
"""What the SDK's types do not allow, and its users get all the same."""

DONE = b"data: [DONE]\n\n"
CHARACTERS_IN = {TextDelta: "text", ReasoningDelta: "text", RefusalDelta: "text", ToolCallDelta: "arguments"}


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


def listen(*pieces: bytes, wants: bool = False, answers: int = 1) -> tuple[bytes, StreamListener]:
    listener = StreamListener("asked-for", wants, answers)
    forwarded = b"".join([listener.feed(piece) for piece in pieces])
    return forwarded + listener.end(), listener


def documents(stream: bytes) -> list[Any]:
    """The JSON documents a stream carries."""
    reader = sse.Reader()
    events = [*reader.feed(stream), reader.end()]
    return [json.loads(event.data) for event in events if event is not None and event.data.strip() != b"[DONE]"]


def chunk(compact: bool = True, **fields: Any) -> bytes:
    whole = {"id": "x", "model": "up", "choices": [{"index": 0, "delta": {"content": "hi"}}], **fields}
    return b"data: " + json.dumps(whole, separators=(",", ":") if compact else None).encode() + b"\n\n"


def request(**fields: Any) -> Envelope:
    read = envelope.read(json.dumps({"model": "asked-for", "messages": [], **fields}).encode())
    assert isinstance(read, Envelope)
    return read


@pytest.mark.parametrize("name", WHOLE)
def test_a_client_that_wants_usage_gets_everything_but_the_upstream_s_model(name: str) -> None:
    forwarded, listener = listen(STREAMS[name], wants=True)
    expected = [{**document, "model": "asked-for"} for document in documents(STREAMS[name])]
    assert documents(forwarded) == expected
    assert forwarded.endswith(DONE)
    assert listener.is_over
    assert listener.failure is None


@pytest.mark.parametrize("name", WHOLE)
def test_a_client_that_does_not_want_usage_never_sees_a_trace_of_it(name: str) -> None:
    forwarded, _ = listen(STREAMS[name])
    expected = [{**document, "model": "asked-for"} for document in documents(STREAMS[name])]
    kept = [document for document in expected if document["choices"] or not document.get("usage")]
    assert documents(forwarded) == [{k: v for k, v in document.items() if k != "usage"} for document in kept]


@pytest.mark.parametrize("name", sorted(set(WHOLE) - NOT_IN_OPENAI_S_FORM))
def test_what_is_sent_on_is_valid_for_the_official_sdk(name: str) -> None:
    for wants in (False, True):
        for document in documents(listen(STREAMS[name], wants=wants)[0]):
            ChatCompletionChunk.model_validate(document)


@pytest.mark.parametrize("name", STREAMS)
def test_the_listener_hears_what_the_reader_reads(name: str) -> None:
    reader = StreamReader()
    events = [*reader.feed(STREAMS[name]), *reader.end()]
    _, listener = listen(STREAMS[name])
    failures = [event.failure for event in events if isinstance(event, Failed)]
    assert [listener.failure] == (failures or [None])
    assert listener.has_content == any(is_content(event) for event in events)
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    assert listener.usage == (usages or [Usage()])[0]
    if name != "tool_arguments_as_object":
        said = [getattr(event, CHARACTERS_IN[type(event)]) for event in events if type(event) in CHARACTERS_IN]
        assert listener.characters_out == sum(map(len, said))


@pytest.mark.parametrize("name", WHOLE)
def test_the_finish_reason_is_heard_in_the_upstream_s_own_word(name: str) -> None:
    expected = EXPECTED[name]
    _, listener = listen(STREAMS[name])
    assert listener.finish_reason == expected.get("wire_reason", expected["answers"][0]["reason"])


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    stream = STREAMS[name]
    # One that wants usage goes the shorter way, so each way is taken by half of the streams.
    wants = len(name) % 2 == 0
    whole, listener = listen(stream, wants=wants)
    for at in range(len(stream)):
        sliced, other = listen(stream[:at], stream[at:], wants=wants)
        assert sliced == whole, at
        assert heard(other) == heard(listener), at
    assert listen(*(stream[at : at + 1] for at in range(len(stream))), wants=wants)[0] == whole


def test_an_event_is_sent_on_as_soon_as_it_is_whole() -> None:
    listener = StreamListener("asked-for", False)
    event = chunk()
    assert listener.feed(event[:-1]) == b""
    assert listener.feed(event[-1:]) == event.replace(b'"up"', b'"asked-for"')
    assert listener.has_content


@pytest.mark.parametrize(
    "delta",
    [
        {},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None},
        {"content": "", "reasoning": "", "refusal": None},
        {"tool_calls": []},
    ],
)
def test_a_chunk_with_nothing_to_show_is_no_content(delta: dict[str, Any]) -> None:
    assert not listen(chunk(choices=[{"index": 0, "delta": delta}]))[1].has_content


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"content": [{"type": "text", "text": "x"}]},
        {"reasoning": "x"},
        {"reasoning_content": "x"},
        {"refusal": "x"},
        {"tool_calls": [{"index": 0, "id": "call_a", "function": {"name": "f", "arguments": ""}}]},
        {"function_call": {"name": "f"}},
        {"audio": {"id": "a"}},
    ],
)
def test_a_chunk_with_something_to_show_is_content(delta: dict[str, Any]) -> None:
    assert listen(chunk(choices=[{"index": 0, "delta": delta}]))[1].has_content


def test_comments_pass_and_are_no_content() -> None:
    listener = StreamListener("asked-for", False)
    assert listener.feed(b": still loading\n\n") == b": still loading\n\n"
    assert not listener.has_content


def test_an_error_in_a_stream_is_a_failure_and_is_not_sent_on() -> None:
    forwarded, listener = listen(STREAMS["vllm_error_in_the_middle"])
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.UPSTREAM_ERROR
    assert b"EngineCore" not in forwarded
    assert DONE not in forwarded
    assert not listener.is_over


def test_nothing_is_sent_on_after_a_failure() -> None:
    listener = StreamListener("asked-for", False)
    assert listener.feed(STREAMS["error_first"]) == b""
    assert listener.feed(STREAMS["openai_text"]) == b""
    assert listener.end() == b""


def test_nothing_is_sent_on_after_the_end_of_a_stream() -> None:
    forwarded, listener = listen(STREAMS["openai_text"], STREAMS["openai_text"])
    assert forwarded.count(DONE) == 1
    assert listener.failure is None


def test_a_stream_whose_answer_is_finished_gets_the_done_its_server_left_out() -> None:
    forwarded, listener = listen(STREAMS["without_done"])
    assert forwarded.endswith(DONE)
    assert listener.is_over


def test_a_stream_without_done_is_not_whole_while_one_of_its_answers_is_missing() -> None:
    forwarded, listener = listen(STREAMS["without_done"], answers=2)
    assert DONE not in forwarded
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.BROKEN_STREAM


def test_an_event_that_never_ends_is_refused_and_not_kept() -> None:
    listener = StreamListener("asked-for", False)
    piece = b"data: " + b"x" * (1 << 20)
    for _ in range(17):
        assert listener.feed(piece) == b""
    assert listener.failure is not None
    assert listener.failure.kind is FailureKind.MALFORMED


def test_an_answer_of_sixteen_megabytes_in_one_event_passes() -> None:
    event = chunk(choices=[{"index": 0, "delta": {"content": "x" * (15 << 20)}}])
    pieces = [event[at : at + 65536] for at in range(0, len(event), 65536)]
    forwarded, listener = listen(*pieces, DONE)
    assert len(forwarded) == len(event) + len("asked-for") - len("up") + len(DONE)
    assert listener.characters_out == 15 << 20


# The model is replaced where it stands at the top level, and nowhere else.

ELSEWHERE = [
    {"x": {"model": "up"}},
    {"x": [{"model": "up"}]},
    {'a"model': "up"},
    {'a,"model': "up"},
    {"x": ',"model":"up"'},
    {"choices": [{"index": 0, "delta": {"content": 'a{"model":"up"}'}}]},
    {"choices": [{"index": 0, "delta": {"content": "hi", "model": "up"}}]},
    {"model": "up", "x": {"usage": None, "model": "up"}},
    {"x": "]}{[", "model": "up"},
]


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("other", ELSEWHERE)
def test_only_the_model_at_the_top_level_is_replaced(other: dict[str, Any], first: bool, compact: bool) -> None:
    model = {"model": "up"}
    choices = {"choices": [{"index": 0, "delta": {"content": "hi"}}]}
    whole = {**other, **choices, **model, **other} if first else {**model, **choices, **other}
    stream = b"data: " + json.dumps(whole, separators=(",", ":") if compact else None).encode() + b"\n\n"
    # A chunk before it, so that the way to go for chunks that begin alike is taken too.
    forwarded, _ = listen(stream, stream, chunk(), stream)
    replaced = {**whole, "model": "asked-for"}
    assert documents(forwarded) == [replaced, replaced, *documents(chunk(model="asked-for")), replaced]


TWICE = [
    b'{"id":"x","model":"up","choices":[{"index":0,"delta":{"content":"hi"}}],"model":"up"}',
    b'{"id":"x","model":"up","choices":[{"index":0,"delta":{"content":"hi"}}],"m\\u006fdel":"up2"}',
]


@pytest.mark.parametrize("body", TWICE)
def test_of_a_model_given_twice_the_client_sees_neither(body: bytes) -> None:
    forwarded, _ = listen(chunk(), b"data: " + body + b"\n\n")
    assert b'"up' not in forwarded


DISGUISED = [
    b'{"x":{"model":"up"},"m\\u006fdel":"up","choices":[{"index":0,"delta":{"content":"hi"}}]}',
    b'{"a\\"model":"up","m\\u006fdel":"up","choices":[{"index":0,"delta":{"content":"hi"}}]}',
]


@pytest.mark.parametrize("body", DISGUISED)
def test_a_model_under_a_key_spelt_with_escapes_is_not_taken_for_another(body: bytes) -> None:
    forwarded, _ = listen(b"data: " + body + b"\n\n")
    assert documents(forwarded) == [{**json.loads(body), "model": "asked-for"}]


def test_a_model_that_changes_in_the_middle_of_a_stream_is_replaced_too() -> None:
    forwarded, listener = listen(chunk(), chunk(model="up-2"), chunk(model=""), chunk(model=None), chunk(model='q"\\'))
    assert [document["model"] for document in documents(forwarded)] == ["asked-for"] * 5
    assert listener.model == "up"


def test_a_model_asked_for_with_odd_characters_stays_json() -> None:
    listener = StreamListener('my "model"\\ü', False)
    for _ in range(3):
        assert documents(listener.feed(chunk()))[0]["model"] == 'my "model"\\ü'


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["up", "model", '"model":"up"', "usage", "{[", '\\"']),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "usage", 'a"model', "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(
    before=st.dictionaries(st.sampled_from(["id", "x", 'a"model', 'b,"model']), json_values),
    after=st.dictionaries(st.sampled_from(["y", 'a"usage', "z"]), json_values),
    content=st.text(),
    wants=st.booleans(),
    compact=st.booleans(),
)
def test_whatever_else_a_chunk_holds_is_sent_on_unchanged(
    before: dict[str, Any], after: dict[str, Any], content: str, wants: bool, compact: bool
) -> None:
    whole = {**before, "model": "up", "choices": [{"index": 0, "delta": {"content": content}}], **after}
    stream = b"data: " + json.dumps(whole, separators=(",", ":") if compact else None).encode() + b"\n\n"
    forwarded, _ = listen(stream, stream, wants=wants)
    assert documents(forwarded) == [{**whole, "model": "asked-for"}] * 2


@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(
        st.binary(max_size=40) | st.sampled_from([b"data: ", b"{", b"}", b"\n\n", b"\r", DONE]), max_size=20
    )
)
def test_no_bytes_whatever_make_the_listener_raise(pieces: list[bytes]) -> None:
    listen(*pieces)


# Whole answers.


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_is_sent_on_with_the_model_asked_for(name: str) -> None:
    found = listen_answer(ANSWERS[name], "asked-for")
    original = json.loads(ANSWERS[name])
    assert json.loads(found.body) == {**original, "model": "asked-for"}
    assert found.failure is None
    assert found.model == original["model"]
    assert found.finish_reason == original["choices"][0]["finish_reason"]
    if name not in ("tool_arguments_as_object", "content_as_parts"):
        ChatCompletion.model_validate_json(found.body)


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("other", ELSEWHERE)
def test_of_a_whole_answer_only_the_model_at_the_top_level_is_replaced(
    other: dict[str, Any], first: bool, compact: bool
) -> None:
    answer = {"model": "up", "choices": [{"index": 0, "message": {"content": "hi"}}]}
    whole = {**other, **answer, **other} if first else {**answer, **other}
    body = json.dumps(whole, separators=(",", ":") if compact else None).encode()
    assert json.loads(listen_answer(body, "asked-for").body) == {**whole, "model": "asked-for"}


@pytest.mark.parametrize("body", TWICE)
def test_of_a_whole_answer_with_two_models_the_client_sees_neither(body: bytes) -> None:
    assert b'"up' not in listen_answer(body, "asked-for").body


@pytest.mark.parametrize("body", DISGUISED)
def test_a_disguised_model_of_a_whole_answer_is_not_taken_for_another(body: bytes) -> None:
    assert json.loads(listen_answer(body, "asked-for").body) == {**json.loads(body), "model": "asked-for"}


def test_a_whole_answer_that_names_its_model_once_is_sent_on_as_it_was_written() -> None:
    body = b'{ "id":"x","model":"up","choices":[ {"message":{"content":"\\u0061 \\"model\\""}} ],\n"n":1e400}\n'
    assert listen_answer(body, "asked-for").body == body.replace(b'"up"', b'"asked-for"')


def test_what_a_whole_answer_used_is_heard() -> None:
    found = listen_answer(ANSWERS["openai_text"], "asked-for")
    counts = [Count.reported(tokens) for tokens in (19, 10, 4)]
    assert found.usage == Usage(*counts, reasoning=Count.reported(2))
    assert found.characters_out == len('Hello "wörld" 🌍')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":[1]}',
        b'{"choices":[{}]',
        b"\xff",
    ],
)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    found = listen_answer(body, "asked-for")
    assert found.failure is not None
    assert found.failure.kind is FailureKind.MALFORMED
    assert found.body == b""


def test_an_error_with_status_200_is_a_failure() -> None:
    found = listen_answer(b'{"error":{"message":"no","code":503}}', "asked-for")
    assert found.failure is not None
    assert found.failure.kind is FailureKind.OVERLOADED


def test_an_answer_given_up_is_a_failure() -> None:
    body = b'{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}'
    failure = listen_answer(body, "asked-for").failure
    assert failure is not None
    assert failure.kind is FailureKind.UPSTREAM_ERROR


def test_one_answer_of_several_given_up_is_a_failure() -> None:
    choices = [{"index": index, "delta": {}, "finish_reason": reason} for index, reason in enumerate(("error", "stop"))]
    assert listen(chunk(choices=choices))[1].failure is not None


def test_reasoning_under_two_names_counts_once() -> None:
    delta = {"reasoning": "Hm", "reasoning_content": "Hm"}
    assert listen(chunk(choices=[{"index": 0, "delta": delta}]))[1].characters_out == 2


def test_what_stands_beside_the_data_of_an_event_passes() -> None:
    forwarded, _ = listen(STREAMS["data_over_several_lines"])
    assert b"\n\nevent: chunk\n: note\ndata: {" in forwarded


def test_a_reason_that_is_no_word_is_no_reason() -> None:
    found = listen_answer(b'{"choices":[{"message":{"content":"x"},"finish_reason":[]}]}', "asked-for")
    assert (found.finish_reason, found.failure) == (None, None)
    assert (
        listen(chunk(choices=[{"index": 0, "delta": {"content": "x"}, "finish_reason": []}]))[1].finish_reason is None
    )


# Requests.


def test_a_request_that_does_not_stream_changes_its_model_only() -> None:
    asked = request(temperature=0.1, stream_options={"include_usage": False}, x=[1, {"y": None}])
    sent = json.loads(prepare(asked, "up", stream=False))
    assert sent == {
        "model": "up",
        "messages": [],
        "temperature": 0.1,
        "stream_options": {"include_usage": False},
        "x": [1, {"y": None}],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"include_usage": True}),
        ({}, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
        ("odd", "odd"),
    ],
)
def test_a_stream_is_asked_for_its_usage_and_keeps_its_other_options(options: Any, expected: Any) -> None:
    assert (
        json.loads(prepare(request(stream=True, stream_options=options), "up", stream=True))["stream_options"]
        == expected
    )


def test_a_stream_without_options_is_asked_for_its_usage() -> None:
    assert json.loads(prepare(request(stream=True), "up", stream=True))["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("options", "wants"),
    [({"include_usage": True}, True), ({"include_usage": False}, False), ({}, False), (None, False), (1, False)],
)
def test_a_client_wants_usage_if_it_says_so(options: Any, wants: bool) -> None:
    assert wants_usage(request(stream_options=options)) is wants
    assert not wants_usage(request())


def test_the_bytes_of_untouched_fields_are_not_changed() -> None:
    body = b'{ "messages" : [ {"content":"\\u00fc 1.0e2" } ], "model":"asked-for","seed": 1.50 }'
    read = envelope.read(body)
    assert isinstance(read, Envelope)
    assert (
        prepare(read, "up", stream=False) == b'{"messages":[ {"content":"\\u00fc 1.0e2" } ],"model":"up","seed":1.50}'
    )
    assert msgspec.json.decode(prepare(read, "up", stream=False))["model"] == "up"


KEYS = ["choices", "delta", "message", "content", "reasoning", "tool_calls", "function", "arguments", "index"]
MORE_KEYS = ["finish_reason", "usage", "error", "model", "prompt_tokens", "custom", "code"]
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "stop", "error", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*KEYS, *MORE_KEYS]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(odd | st.fixed_dictionaries({"choices": st.lists(odd, max_size=2)}), max_size=3))
def test_no_json_whatever_makes_listener_or_reader_raise(chunks: list[Any]) -> None:
    stream = b"".join(b"data: %b\n\n" % json.dumps(value).encode() for value in chunks)
    _, listener = listen(stream)
    reader = StreamReader()
    events = [*reader.feed(stream), *reader.end()]
    assert listener.failure is not None or listener.is_over
    assert events
    for value in chunks:
        body = json.dumps(value).encode()
        assert isinstance(read_answer(body), Answer | Failure)
        assert (listen_answer(body, "asked-for").body == b"") == (listen_answer(body, "asked-for").failure is not None)


def test_bytes_that_are_no_utf_8_are_malformed_wherever_they_stand() -> None:
    listener = StreamListener("m", client_wants_usage=False)
    listener.feed(b'data: {"x\xff":1,"choices":[{"delta":{"content":"a"}}],"usage":{}}\n\n')
    assert listener.failure is not None
    assert listener.failure.kind == "malformed"
