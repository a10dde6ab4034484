"""Google's errors, both ways."""

import json
from typing import Any

import pytest

from earthward.chat import Failure, FailureKind, TextDelta
from earthward.dialects.gemini import StreamWriter, error_event, failure_of, write_failure

INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"}
TOO_LONG = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."


def body(code: int, status: str, message: str = "x", *details: Any) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": [*details]}}).encode()


@pytest.mark.parametrize(
    ("status", "wire", "kind"),
    [
        (400, body(400, "INVALID_ARGUMENT"), "bad_request"),
        (400, body(400, "INVALID_ARGUMENT", TOO_LONG), "context_length"),
        (400, body(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "upstream_auth"),
        (400, body(400, "INVALID_ARGUMENT", "x", INFO), "upstream_auth"),
        (400, body(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), "upstream_error"),
        (401, body(401, "UNAUTHENTICATED"), "upstream_auth"),
        (403, body(403, "PERMISSION_DENIED"), "upstream_auth"),
        (404, body(404, "NOT_FOUND", "models/x is not found"), "no_such_model"),
        (404, b"<html>", "upstream_error"),
        (429, body(429, "RESOURCE_EXHAUSTED", "quota", RETRY), "rate_limited"),
        (429, b"[" + body(429, "RESOURCE_EXHAUSTED") + b"]", "rate_limited"),
        (500, body(500, "INTERNAL"), "upstream_error"),
        (503, body(503, "UNAVAILABLE"), "overloaded"),
        (504, body(504, "DEADLINE_EXCEEDED"), "timeout"),
        (503, b"", "overloaded"),
        (400, b"[[]]", "bad_request"),
        (400, b'{"error":"text"}', "bad_request"),
        (400, b'{"error":{"details":5,"message":[]}}', "bad_request"),
    ],
)
def test_the_status_says_the_kind_and_words_refine_it(status: int, wire: bytes, kind: str) -> None:
    assert failure_of(status, [], wire).kind == kind


def test_what_is_said_of_a_key_is_not_passed_on() -> None:
    failure = failure_of(403, [], body(403, "PERMISSION_DENIED", "key AIza-secret of project 42"))
    assert "secret" not in failure.message


def test_when_to_ask_again_stands_in_the_details_or_in_a_header() -> None:
    assert failure_of(429, [], body(429, "RESOURCE_EXHAUSTED", "x", RETRY)).retry_after == pytest.approx(
        34.07, abs=0.01
    )
    assert failure_of(429, [(b"retry-after", b"2")], body(429, "RESOURCE_EXHAUSTED", "x", RETRY)).retry_after == 2


@pytest.mark.parametrize("delay", ["", "s", "1.2.3s", "-1s", "NaNs", "9999999999999999s", 5, None])
def test_a_delay_that_is_none_or_endless_does_no_harm(delay: Any) -> None:
    found = failure_of(429, [], body(429, "RESOURCE_EXHAUSTED", "x", {"retryDelay": delay})).retry_after
    assert found in (None, 86400.0)


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_reads_back_as_one_that_leads_to_the_same(kind: FailureKind) -> None:
    status, headers, wire = write_failure(Failure(kind, "x"))
    error = json.loads(wire)["error"]
    assert error["code"] == status
    assert dict(headers)[b"x-should-retry"] in (b"true", b"false")
    assert failure_of(status, [], wire).kind in FailureKind


def test_a_conversation_that_is_too_long_says_so_in_googles_words() -> None:
    _, _, wire = write_failure(Failure(FailureKind.CONTEXT_LENGTH, "9000 > 4096"))
    assert failure_of(400, [], wire).kind is FailureKind.CONTEXT_LENGTH


def test_an_error_event_has_no_name_and_an_array_is_closed() -> None:
    failure = Failure(FailureKind.OVERLOADED, "x", retry_after=2.0)
    assert error_event(failure).startswith(b'data: {"error":')
    begun = StreamWriter("m", "r", array=True).write(TextDelta("Hi"))
    assert json.loads(begun + error_event(failure, array=True))[1]["error"]["status"] == "UNAVAILABLE"
    assert json.loads(error_event(failure, array=True, is_first=True))[0]["error"]["code"] == 503
    _, headers, wire = write_failure(failure, array=True)
    (document,) = json.loads(wire)
    assert document["error"]["details"][1]["retryDelay"] == "2.000s"
    assert (b"retry-after", b"2") in headers
