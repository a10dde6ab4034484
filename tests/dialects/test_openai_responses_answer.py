"""Whole answers, hints, counts and what passes through."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from canned_sdks import Canned, openai_client
from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Count,
    Failure,
    FailureKind,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_responses import (
    Glance,
    StreamListener,
    StreamReader,
    echo,
    error_event,
    glance,
    is_stored,
    listen_answer,
    prepare,
    read_answer,
    read_count,
    read_request,
    write_answer,
    write_count,
    write_failure,
)

GOLDEN = Path(__file__).parent / "golden/responses_streams"
STREAMS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
USAGE = Usage(Count.reported(20), Count.reported(9), Count.reported(8), Count.reported(0), Count.reported(4))
PARTS = (
    *(Reasoning("Hm", "openai:g"), Text("Four."), Refusal("No."), ToolCall("a", "f", '{"x":1}')),
    *(ToolCall("b", "run", "1+1", custom=True), Reasoning("", "EqQ"), Text("then")),
)


def sealed(wire: Any) -> Envelope:
    found = envelope.read(wire if isinstance(wire, bytes) else json.dumps(wire).encode())
    assert isinstance(found, Envelope), found
    return found


# Answers.


def test_what_is_written_reads_back_and_is_what_the_sdk_says() -> None:
    answer = Answer("resp_1", "m", 5, (Choice(PARTS, "tool_calls"),), USAGE)
    body = write_answer(answer)
    Response.model_validate(json.loads(body))
    assert read_answer(body) == answer
    response = openai_client(Canned(body)).responses.create(model="m", input="Hi")
    assert response.output_text == "Four.then"
    assert [item.type for item in response.output] == [
        *("reasoning", "message", "function_call", "custom_tool_call", "reasoning", "message"),
    ]


@pytest.mark.parametrize(
    ("reason", "status"), [("length", "incomplete"), ("filtered", "incomplete"), ("stop", "completed")]
)
def test_a_status_says_whether_something_is_missing(reason: Any, status: str) -> None:
    body = write_answer(Answer("r", "m", 5, (Choice((Text("x"),), reason, logprobs=[{"token": "x"}]),)))
    assert json.loads(body)["status"] == status
    back = read_answer(body)
    assert isinstance(back, Answer)
    assert (back.choices[0].reason, back.choices[0].logprobs) == (reason, [{"token": "x"}])


def test_thinking_that_its_vendor_redacted_comes_back_as_it_was_and_goes_to_nobody_else() -> None:
    redacted = Reasoning("", "EmwK", redacted=True)
    item = json.loads(write_answer(Answer("r", "m", 0, (Choice((redacted, Text("x")), "stop"),))))["output"][0]
    body = json.dumps({"model": "m", "input": [item, {"role": "user", "content": "And?"}]}).encode()
    chat = read_request(body)
    assert isinstance(chat, ChatRequest)
    assert chat.messages[0].parts == (redacted,)
    assert b"EmwK" not in prepare(sealed(body), "m")


def test_an_answer_says_again_what_was_asked_for() -> None:
    asked = sealed({"model": "m", "input": "Hi", "temperature": 0.5, "tools": [{"type": "web_search"}], "user": None})
    wire = json.loads(write_answer(Answer("r", "m", 5, (Choice((), "stop"),)), "resp_9", echo(asked)))
    assert (wire["id"], wire["temperature"], wire["tools"]) == ("resp_9", 0.5, [{"type": "web_search"}])
    assert "user" not in wire
    Response.model_validate(wire)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"{}", "malformed"),
        (b'{"output":[],"status":"queued"}', "malformed"),
        (b'{"output":[{"type":"function_call"}]}', "malformed"),
        (b'{"status":"failed","output":[]}', "upstream_error"),
        (b'{"status":"failed","error":{"code":"rate_limit_exceeded","message":"x"}}', "rate_limited"),
        (b'{"error":"text"}', "upstream_error"),
    ],
)
def test_what_is_no_answer_is_a_failure(body: bytes, kind: str) -> None:
    failure = read_answer(body)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    heard = listen_answer(body, "m").failure
    assert heard is None or heard.kind == kind


@pytest.mark.parametrize("kind", FailureKind)
def test_the_sdk_raises_on_every_failure(kind: FailureKind) -> None:
    status, headers, body = write_failure(Failure(kind, "because"))
    with pytest.raises(openai.APIStatusError, match="because"):
        openai_client(Canned(body, status=status, headers=headers)).responses.create(model="m", input="Hi")


def test_a_count_is_read_by_the_sdk_and_by_us() -> None:
    assert openai_client(Canned(write_count(7))).responses.input_tokens.count(model="m", input="Hi").input_tokens == 7
    assert read_count(write_count(7)) == 7
    assert isinstance(read_count(b"[]"), Failure)


# Hints.


def hints(wire: Any) -> Glance:
    found = glance(sealed(wire))
    assert isinstance(found, Glance), found
    return found


def test_features_and_characters_are_those_of_all_items() -> None:
    asked = {
        "model": "m",
        "stream": True,
        "user": "u",
        "instructions": "Be kind.",
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_image", "file_id": "f"}],
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_id": "f"}]},
        ],
        "tools": [{"type": "function", "name": "f"}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    }
    found = hints(asked)
    assert found.features == {"stream", "tools", "schema", "images", "documents"}
    assert (found.characters, found.unit, found.previous) == (12, "u", None)
    assert is_stored(sealed(asked))
    assert not is_stored(sealed({**asked, "store": False}))


def test_the_root_is_the_same_for_a_string_and_for_an_item() -> None:
    one = hints({"model": "m", "input": "Hi", "instructions": "Be kind."})
    other = hints({"model": "m", "input": [{"role": "user", "content": "Hi"}], "instructions": "Be kind."})
    assert one.root == other.root != b""
    assert hints({"model": "m", "input": "Hi", "previous_response_id": "resp_1"}).root == b""


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"Model": "other"}, "Model"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"previous_response_id": ""}, "previous_response_id"),
        ({"store": "false"}, "store"),
        ({"store": 0}, "store"),
        ({"background": "true"}, "background"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, "conversation"),
    ],
)
def test_what_decides_must_be_said_plainly(fields: Any, param: str) -> None:
    failure = glance(sealed({"model": "m", "input": "Hi", **fields}))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == ("bad_request", param)


@pytest.mark.parametrize("fields", [{"input": 5}, {"input": [5]}, {"instructions": 5}, {"text": 5}, {"tools": None}])
def test_input_of_another_form_is_for_the_upstream_to_refuse(fields: Any) -> None:
    hints({"model": "m", **fields})


# What passes through.


def pass_on(*pieces: bytes) -> tuple[bytes, StreamListener]:
    listener = StreamListener("asked-for")
    return b"".join(map(listener.feed, pieces)) + listener.end(), listener


@pytest.mark.parametrize(
    "name", [name for name in STREAMS if name not in ("call_without_a_name", "arguments_of_no_call")]
)
def test_what_is_heard_is_what_the_reader_reads(name: str) -> None:
    forwarded, listener = pass_on(STREAMS[name])
    if "failure" in EXPECTED[name]:
        assert listener.failure is not None
        assert listener.failure.kind == EXPECTED[name]["failure"]
        return
    assert listener.is_over
    assert listener.failure is None
    usage = listener.usage
    counts = [usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning]
    assert [count.tokens if count.is_known else None for count in counts] == EXPECTED[name]["usage"]
    assert b'"model":"gpt-up"' not in forwarded.replace(b'": ', b'":')
    readers = StreamReader(), StreamReader()
    here, there = (
        [*reader.feed(b), *reader.end()] for reader, b in zip(readers, (forwarded, STREAMS[name]), strict=True)
    )
    assert here[1:] == there[1:]


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    stream = STREAMS[name]
    whole, listener = pass_on(stream)
    for at in range(0, len(stream), 7):
        forwarded, other = pass_on(stream[:at], stream[at:])
        assert (forwarded, other.failure, other.usage) == (whole, listener.failure, listener.usage)


def test_a_whole_answer_is_sent_on_under_the_name_asked_for() -> None:
    heard = listen_answer(write_answer(Answer("r", "up", 5, (Choice(PARTS, "tool_calls"),), USAGE)), "asked-for")
    assert json.loads(heard.body)["model"] == "asked-for"
    assert (heard.model, heard.usage, heard.finish_reason) == ("up", USAGE, "tool_calls")
    assert heard.characters_out == len("HmFour.No.then") + len('{"x":1}') + len("1+1")


def test_ids_and_signatures_of_ours_are_not_sent_to_openai() -> None:
    foreign = write_answer(Answer("resp_1", "m", 5, (Choice(PARTS, "tool_calls"),)))
    output = json.loads(foreign)["output"]
    body = json.loads(prepare(sealed({"model": "m", "input": [{"role": "user", "content": "Hi"}, *output, 5]}), "up"))
    assert body["model"] == "up"
    assert [item.get("type", "message") for item in body["input"][:-1]] == [
        *("message", "reasoning", "message", "function_call", "custom_tool_call", "message"),
    ]
    assert not any("id" in item for item in body["input"][:-1])
    assert body["input"][1]["encrypted_content"] == "g"


def test_input_of_another_form_passes_as_it_is() -> None:
    for asked in ({"input": "_ew_"}, {"input": [["_ew_"]]}, {"input": {"id": "_ew_"}}):
        assert json.loads(prepare(sealed(asked), "up")) == {**asked, "model": "up"}


def test_an_error_event_ends_a_stream_that_passed_through() -> None:
    event = error_event(Failure(FailureKind.TIMEOUT, "late"), 7)
    assert event.startswith(b"event: error\n")
    assert b'"sequence_number":7' in event
