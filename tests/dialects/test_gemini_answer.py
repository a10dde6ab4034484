"""Whole answers, both ways, with Google's SDK as the judge of what is written."""

import json
from typing import Any

import pytest
from google.genai import errors

from canned_sdks import Canned, google_client
from earthward.chat import (
    Answer,
    Choice,
    Count,
    Failure,
    FailureKind,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
    collect,
)
from earthward.dialects.gemini import (
    Offer,
    StreamReader,
    count_request,
    read_answer,
    read_count,
    read_count_request,
    write_answer,
    write_count,
    write_failure,
    write_model,
    write_models,
    write_request,
)

USAGE = Usage(Count.reported(12), Count.reported(8), Count.reported(4), reasoning=Count.reported(3))


def answered(*parts: Any, reason: str = "STOP", **fields: Any) -> Any:
    candidate = {"content": {"role": "model", "parts": [*parts]}, "finishReason": reason}
    return read_answer(json.dumps({"candidates": [candidate], **fields}).encode())


def test_an_answer_is_read_whole() -> None:
    usage = {"promptTokenCount": 10, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 5, "thoughtsTokenCount": 3}
    call = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "QUJD"}
    answer = answered({"text": "Hm", "thought": True}, {"text": "a"}, {"text": "b"}, call, usageMetadata=usage)
    assert answer.choices[0].parts == (
        Reasoning("Hm"),
        Text("ab"),
        Reasoning("", "google:QUJD"),
        ToolCall("call__0_3", "f", '{"a":1}'),
    )
    assert answer.choices[0].reason == "tool_calls"
    assert answer.usage == Usage(Count.reported(12), Count.reported(8), reasoning=Count.reported(3))


def test_calls_of_answers_without_ids_differ_from_those_of_other_turns() -> None:
    body = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}'
    whole = read_answer(body, "x1")
    reader = StreamReader(unnamed="x1")
    streamed = collect([*reader.feed(b"data: " + body + b"\n\n"), *reader.end()])
    for answer in (whole, streamed):
        assert isinstance(answer, Answer)
        assert answer.choices[0].parts == (ToolCall("call_x1_0_0", "f", "{}"),)


def test_a_count_that_google_left_out_as_zero_is_worked_out() -> None:
    answer = answered(usageMetadata={"promptTokenCount": 10, "totalTokenCount": 10})
    assert answer.usage.output == Count.reported(0)


def test_a_prompt_that_was_refused_is_an_answer_that_was_filtered() -> None:
    answer = read_answer(b'{"promptFeedback":{"blockReason":"SAFETY"}}')
    assert isinstance(answer, Answer)
    assert answer.choices == (Choice((), "filtered"),)


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"]
)
def test_an_answer_that_google_itself_gave_up_is_a_failure(reason: str) -> None:
    failure = answered(reason=reason)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.MALFORMED


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"candidates":[]}', b'{"candidates":[{"content":5}]}', b'{"candidates":[null]}']
)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    failure = read_answer(body)
    assert isinstance(failure, Failure)
    assert failure.kind == "malformed"


def test_the_sdk_reads_what_is_written() -> None:
    parts = (Reasoning("Hm"), Text("Four."), Refusal("No."), ToolCall("c1", "f", '{"a":1}'))
    body = write_answer(Answer("r1", "asked-for", 5, (Choice(parts, "tool_calls"), Choice((), "length")), USAGE))
    response = google_client(Canned(body)).models.generate_content(model="m", contents="Hi")
    assert response.candidates is not None
    found = response.candidates[0].content.parts  # type: ignore[union-attr]
    assert [(part.text, part.thought) for part in found[:3]] == [("Hm", True), ("Four.", None), ("No.", None)]
    assert found[3].function_call.args == {"a": 1}
    assert [candidate.finish_reason for candidate in response.candidates] == ["STOP", "MAX_TOKENS"]
    assert (response.response_id, response.model_version) == ("r1", "asked-for")
    usage = response.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (12, 5, 20)


def test_what_is_written_reads_back() -> None:
    parts = (Reasoning("Hm", "google:QUJD"), Text("Four."), ToolCall("c1", "f", '{"a":1}'))
    answer = Answer("r1", "m", None, (Choice(parts, "tool_calls"),), USAGE)
    back = read_answer(write_answer(answer))
    assert isinstance(back, Answer)
    assert back.choices[0].parts == parts
    assert back.usage == USAGE


def test_a_call_that_is_no_json_is_googles_own_word_for_it() -> None:
    wire = json.loads(write_answer(Answer("r", "m", 0, (Choice((ToolCall("c", "f", "[1]"),), "tool_calls"),))))
    assert wire["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert wire["candidates"][0]["content"]["parts"] == []


def test_redacted_thinking_comes_back_as_it_was() -> None:
    body = write_answer(Answer("r", "m", 0, (Choice((Reasoning("", "DATA", redacted=True), Text("x")), "stop"),)))
    back = read_answer(body)
    assert isinstance(back, Answer)
    assert back.choices[0].parts == (Reasoning("", "DATA", redacted=True), Text("x"))


# Counting and listing.


@pytest.mark.parametrize("kind", ["", "generateContentRequest"])
def test_a_prompt_to_count_is_read_either_way(kind: str) -> None:
    asked = {"contents": [{"parts": [{"text": "Hi"}]}], "system_instruction": {"parts": [{"text": "Be kind."}]}}
    request = read_count_request(json.dumps({kind: asked} if kind else asked).encode(), "m")
    assert not isinstance(request, Failure)
    assert [message.text for message in request.messages] == ["Be kind.", "Hi"]
    written = write_request(request)
    assert isinstance(written, bytes)
    assert read_count_request(count_request(written, "m"), "m") == request
    assert read_count_request(written, "m") == request, "as Vertex AI is asked"


def test_a_count_is_read_by_the_sdk_and_by_us() -> None:
    counted = google_client(Canned(write_count(7))).models.count_tokens(model="m", contents="Hi")
    assert counted.total_tokens == 7
    assert read_count(write_count(7)) == 7
    assert isinstance(read_count(b"{}"), Failure)


def test_a_count_that_is_asked_for_amiss_is_said() -> None:
    for body in (b"[]", b"{}", b'{"generateContentRequest":5}', b'{"contents":[{"parts":[{"a":1}]}]}'):
        assert isinstance(read_count_request(body, "m"), Failure), body


def test_the_sdk_lists_and_gets_models() -> None:
    offers = [Offer("a", 4096, 100), Offer("b")]
    listed = list(google_client(Canned(write_models(offers))).models.list())
    assert [(model.name, model.input_token_limit) for model in listed] == [("models/a", 4096), ("models/b", None)]
    got = google_client(Canned(write_model(offers[0]))).models.get(model="a")
    assert got.supported_actions == ["generateContent", "countTokens"]
    assert b'"publisherModels":[{"name":"publishers/google/models/a"' in write_models(offers, vertex=True)


@pytest.mark.parametrize("kind", FailureKind)
def test_the_sdk_raises_on_every_failure(kind: FailureKind) -> None:
    status, headers, body = write_failure(Failure(kind, "because", param="n", retry_after=2.5))
    client = google_client(Canned(body, status=status, headers=headers))
    with pytest.raises(errors.APIError, match="because") as raised:
        client.models.generate_content(model="m", contents="Hi")
    assert raised.value.code == status
    assert raised.value.status == json.loads(body)["error"]["status"]
