"""Bytes that pass through: only the model is changed, and everything the record needs is heard."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import Count
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.gemini import StreamListener, StreamReader, listen_answer, prepare
from earthward.dialects.gemini.signatures import write_signature

GOLDEN = Path(__file__).parent / "golden/gemini_streams"
STREAMS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.sse"))}
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())


def pass_on(*pieces: bytes, answers: int = 1, array: bool = False) -> tuple[bytes, StreamListener]:
    listener = StreamListener("asked-for", answers, array)
    return b"".join(map(listener.feed, pieces)) + listener.end(), listener


def asked_for(name: str) -> int:
    return 2 if "two" in name else 1


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_heard_is_what_the_reader_reads(name: str) -> None:
    forwarded, listener = pass_on(STREAMS[name], answers=asked_for(name))
    if name == "call_without_a_name":
        # The client's own affair, where nothing is translated.
        assert listener.is_over
        return
    if "failure" in EXPECTED[name]:
        assert listener.failure is not None
        assert listener.failure.kind == EXPECTED[name]["failure"]
        return
    assert listener.is_over
    usage = listener.usage
    counts = [usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning]
    assert [count.tokens if count.is_known else None for count in counts] == EXPECTED[name]["usage"]
    assert b'"modelVersion":"gemini-2.5-flash"' not in forwarded
    readers = [StreamReader(asked_for(name)), StreamReader(asked_for(name))]
    here, there = (
        [*reader.feed(b), *reader.end()] for reader, b in zip(readers, (forwarded, STREAMS[name]), strict=True)
    )
    assert here[1:] == there[1:]


@pytest.mark.parametrize("name", STREAMS)
def test_where_a_stream_is_cut_into_pieces_never_matters(name: str) -> None:
    stream, answers = STREAMS[name], asked_for(name)
    whole, listener = pass_on(stream, answers=answers)
    for at in range(0, len(stream), 3):
        forwarded, other = pass_on(stream[:at], stream[at:], answers=answers)
        assert (forwarded, other.failure, other.usage) == (whole, listener.failure, listener.usage)


@pytest.mark.parametrize("name", [name for name in STREAMS if "choices" in EXPECTED[name]])
def test_a_client_that_wants_an_array_gets_one(name: str) -> None:
    forwarded, _ = pass_on(STREAMS[name], answers=asked_for(name), array=True)
    events, _ = pass_on(STREAMS[name], answers=asked_for(name))
    framed = [json.loads(frame.removeprefix(b"data: ")) for frame in events.split(b"\r\n\r\n")[:-1]]
    assert json.loads(forwarded) == framed


def test_content_is_something_to_show() -> None:
    listener = StreamListener("m")
    listener.feed(b'data: {"candidates":[{"content":{"parts":[{"text":""}]}}]}\n\n')
    assert not listener.has_content
    listener.feed(b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}}]}}]}\n\n')
    assert listener.has_content
    assert listener.characters_out == len('{"a":1}')


def test_a_whole_answer_is_heard_and_sent_on_under_the_name_asked_for() -> None:
    body = b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"modelVersion":"up"}'
    heard = listen_answer(body, "asked-for")
    assert json.loads(heard.body)["modelVersion"] == "asked-for"
    assert (heard.model, heard.finish_reason, heard.characters_out) == ("up", "STOP", 2)
    assert heard.failure is None


def test_a_whole_answers_usage_is_heard() -> None:
    usage = {"promptTokenCount": 3, "totalTokenCount": 5}
    body = json.dumps({"candidates": [{"finishReason": "STOP"}], "usageMetadata": usage}).encode()
    assert listen_answer(body, "m").usage.output == Count.reported(2)


@pytest.mark.parametrize(
    "body",
    [b"", b"5", b"{}", b'{"error":{"code":503}}', b'{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}'],
)
def test_what_is_no_answer_is_not_sent_on(body: bytes) -> None:
    heard = listen_answer(body, "m")
    assert heard.failure is not None
    assert heard.body == b""


@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"])
def test_what_another_vendor_signed_is_not_sent_to_google(name: str) -> None:
    foreign = {"text": "Hm", "thought": True, name: write_signature("EqQB")}
    own = {"text": "x", name: "QUJD"}
    sealed = envelope.read(json.dumps({"contents": [{"role": "model", "parts": [foreign, own]}]}).encode())
    assert isinstance(sealed, Envelope)
    (content,) = json.loads(prepare(sealed))["contents"]
    assert content["parts"] == [{"text": "Hm", "thought": True}, own]


def test_contents_of_another_form_pass_as_they_are() -> None:
    wire = b'{"contents":["\\"thoughtSignature\\": \\"Zm9yZWlnbj",{"thoughtSignature":"Zm9yZWlnbjpF"}]}'
    sealed = envelope.read(wire)
    assert isinstance(sealed, Envelope)
    assert json.loads(prepare(sealed)) == json.loads(wire)
