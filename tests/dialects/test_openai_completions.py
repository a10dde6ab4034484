"""The old way to ask: read, written, streamed, with OpenAI's SDK at the other end."""

import json
from typing import Any

import openai
import pytest

from canned_sdks import EVENTS, Canned, openai_client
from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningControl,
    ReasoningDelta,
    Refusal,
    Role,
    Sampling,
    Started,
    Text,
    TextDelta,
    Tool,
    Usage,
    UsageReported,
    collect,
)
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_completions import (
    Glance,
    StreamListener,
    StreamReader,
    StreamWriter,
    glance,
    listen_answer,
    losses,
    read_answer,
    read_request,
    write_answer,
    write_request,
)

USAGE = Usage(Count.reported(5), Count.reported(2))
LOGPROBS = [
    {
        "token": "Hi",
        "logprob": -0.5,
        "bytes": [72, 105],
        "top_logprobs": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}],
    }
]
TEXT: list[Event] = [Started(), ReasoningDelta("Hm"), TextDelta("Hi", logprobs=LOGPROBS), TextDelta(" you")]
HELLO: list[Event] = [*TEXT, UsageReported(USAGE), Finished("stop")]


def read(wire: Any) -> ChatRequest:
    request = read_request(wire if isinstance(wire, bytes) else json.dumps(wire).encode())
    assert isinstance(request, ChatRequest), request
    return request


def write(events: list[Event], include_usage: bool = True) -> bytes:
    writer = StreamWriter("asked-for", include_usage, "cmpl-1", 5)
    return b"".join(map(writer.write, events)) + writer.end()


def test_what_the_sdk_sends_is_read() -> None:
    canned = Canned(write_answer(Answer("cmpl-1", "m", 5, (Choice((Text("ok"),), "stop"),))))
    openai_client(canned).completions.create(
        model="m",
        prompt="Once",
        max_tokens=5,
        n=2,
        stop="x",
        logprobs=3,
        temperature=0.5,
        user="u",
        logit_bias={"5": 1},
    )
    assert read(canned.requests[0].read()) == ChatRequest(
        "m",
        (Message(Role.USER, (Text("Once"),)),),
        sampling=Sampling(temperature=0.5, stop=("x",)),
        max_tokens=5,
        answers=2,
        logprobs=True,
        top_logprobs=3,
        user="u",
        rest={"logit_bias": {"5": 1}},
    )


def test_what_is_read_is_written_as_it_was() -> None:
    wire = {
        *{"model": "m"}.items(),
        ("prompt", "Once"),
        ("max_tokens", 5),
        ("logprobs", 0),
        ("stream", True),
        ("seed", 3),
        ("top_k", 4),
    }
    asked = {**dict(wire), "stream_options": {"include_usage": True}, "stop": ["x"]}
    body = write_request(read(asked))
    assert isinstance(body, bytes)
    assert json.loads(body) == asked


def test_the_cap_is_the_one_that_requests_in_the_old_way_have() -> None:
    assert read({"model": "m", "prompt": ["Once"]}).max_tokens == 16


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"prompt": None}, "bad_request", "prompt"),
        ({"prompt": []}, "bad_request", "prompt"),
        ({"prompt": ["a", "b"]}, "unsupported", "prompt"),
        ({"prompt": [1, 2]}, "unsupported", "prompt"),
        ({"prompt": [[1], [2]]}, "unsupported", "prompt"),
        ({"suffix": "end"}, "unsupported", "suffix"),
        ({"echo": True}, "unsupported", "echo"),
        ({"best_of": 3}, "unsupported", "best_of"),
        ({"n": "x"}, "bad_request", "n"),
    ],
)
def test_what_only_the_old_way_can_do_is_refused(fields: Any, kind: str, param: str) -> None:
    failure = read_request(json.dumps({"model": "m", "prompt": "a", **fields}).encode())
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == (kind, param)


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest("m", ()),
        ChatRequest("m", (Message(Role.SYSTEM, (Text("a"),)), Message(Role.USER, (Text("b"),)))),
        ChatRequest("m", (Message(Role.USER, (Image(url="https://x"),)),)),
        ChatRequest("m", (Message(Role.USER, (Text("a"),)),), tools=(Tool("f"),)),
        ChatRequest("m", (Message(Role.USER, (Text("a"),)),), output=OutputFormat("json")),
    ],
)
def test_there_is_no_room_for_more_than_a_text(request_: ChatRequest) -> None:
    failure = write_request(request_)
    assert isinstance(failure, Failure)
    assert failure.kind == "unsupported"


def test_losses_name_what_is_dropped() -> None:
    message = Message(Role.USER, (Text("a"),), "bob")
    request = ChatRequest("m", (message,), sampling=Sampling(top_k=1), reasoning=ReasoningControl("low"), rest={"x": 1})
    assert losses(request) == ("reasoning", "messages.name")
    assert losses(request, extensions=False) == ("reasoning", "top_k", "x", "messages.name")


def test_an_answer_is_text_alone() -> None:
    parts = (Reasoning("Hm"), Text("Hi"), Refusal("No."))
    body = write_answer(Answer("cmpl-1", "m", 5, (Choice(parts, "length", logprobs=LOGPROBS),), USAGE))
    completion = openai_client(Canned(body)).completions.create(model="m", prompt="x")
    assert (completion.choices[0].text, completion.choices[0].finish_reason) == ("HiNo.", "length")
    assert completion.choices[0].logprobs is not None
    assert completion.choices[0].logprobs.tokens == ["Hi"]
    back = read_answer(body)
    assert isinstance(back, Answer)
    assert back.choices == (Choice((Text("HiNo."),), "length", logprobs=LOGPROBS),)
    assert back.usage == USAGE


def test_the_sdk_reads_a_stream() -> None:
    chunks = list(openai_client(Canned(write(HELLO), EVENTS)).completions.create(model="m", prompt="x", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "Hi you"
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert b'"usage"' not in write(HELLO, include_usage=False)


def test_a_stream_reads_back_however_it_is_cut() -> None:
    stream = write([*HELLO[:-1], TextDelta("b", 1), Finished("length", 1), HELLO[-1]])
    for at in range(len(stream)):
        reader = StreamReader(2)
        answer = collect([*reader.feed(stream[:at]), *reader.feed(stream[at:]), *reader.end()])
        assert isinstance(answer, Answer)
        assert answer.choices == (
            Choice((Text("Hi you"),), "stop", logprobs=LOGPROBS),
            Choice((Text("b"),), "length"),
        )


@pytest.mark.parametrize("events", [[*TEXT, Failed(Failure(FailureKind.RESET, "gone"))], TEXT, []])
def test_the_sdk_raises_on_a_stream_that_cannot_be_finished(events: list[Event]) -> None:
    stream = write(events)
    assert b"[DONE]" not in stream
    with pytest.raises(openai.APIError):
        list(openai_client(Canned(stream, EVENTS)).completions.create(model="m", prompt="x", stream=True))


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"", "broken_stream"),
        (b'data: {"choices":[{"text":"a"}]}\n\n', "broken_stream"),
        (b"data: [DONE]\n\n", "malformed"),
        (b"data: {\n\n", "malformed"),
        (b'data: {"error":{"message":"x","code":503}}\n\n', "overloaded"),
        (b'data: {"choices":[{"text":"a","finish_reason":"abort"}]}\n\n', "upstream_error"),
    ],
)
def test_a_stream_that_is_not_whole_is_a_failure(stream: bytes, kind: str) -> None:
    reader = StreamReader()
    events = [*reader.feed(stream), *reader.end()]
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.kind == kind
    listener = StreamListener("m", client_wants_usage=False)
    listener.feed(stream)
    listener.end()
    assert listener.failure is not None
    assert listener.failure.kind == kind


def test_text_that_passes_through_is_heard() -> None:
    listener = StreamListener("other", client_wants_usage=True)
    forwarded = listener.feed(write(HELLO)) + listener.end()
    assert (listener.characters_out, listener.has_content, listener.is_over) == (6, True, True)
    assert listener.usage == USAGE
    assert b'"model":"other"' in forwarded
    heard = listen_answer(write_answer(Answer("x", "m", 5, (Choice((Text("Hi"),), "stop"),), USAGE)), "other")
    assert (heard.characters_out, heard.usage, heard.finish_reason) == (2, USAGE, "stop")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices":[]}', b'{"choices":[{"text":5}]}', b'{"error":"x"}'])
def test_what_is_no_answer_is_a_failure(body: bytes) -> None:
    assert isinstance(read_answer(body), Failure)


def test_hints_are_found() -> None:
    def look(**fields: Any) -> Glance | Failure:
        sealed = envelope.read(json.dumps({"model": "m", "prompt": ["ab", "c"], **fields}).encode())
        assert isinstance(sealed, Envelope)
        return glance(sealed)

    assert look(stream=True, user="u") == Glance("m", True, "u", b"", frozenset({"stream"}), 3)
    for fields in ({"model": ""}, {"stream": 5}, {"Prompt": "x"}):
        assert isinstance(look(**fields), Failure)
