"""Errors of every server that speaks the dialect, and our own, as Anthropic's SDK expects them."""

import json
from typing import Any

import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects import sse
from earthward.dialects.anthropic_messages import error_event, failure_of, write_failure
from earthward.dialects.anthropic_messages.errors import failure_of_error


def error(type: str, message: str, **more: Any) -> bytes:
    return json.dumps({"type": "error", "error": {"type": type, "message": message, **more}}).encode()


TOO_LONG = error("invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum")
TOO_LONG_LLAMACPP = (
    b'{"error":{"code":400,"message":"request (9031 tokens) exceeds the available context size (4096 tokens), '
    b'try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9031,"n_ctx":4096}}'
)
NO_CREDIT = error("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")

CASES: dict[str, tuple[int, bytes, FailureKind]] = {
    "malformed": (400, error("invalid_request_error", "max_tokens: Field required"), FailureKind.BAD_REQUEST),
    "too long": (400, TOO_LONG, FailureKind.CONTEXT_LENGTH),
    "too long with its cap": (
        400,
        error("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
        FailureKind.CONTEXT_LENGTH,
    ),
    "too long, llama.cpp": (400, TOO_LONG_LLAMACPP, FailureKind.CONTEXT_LENGTH),
    "too long, in a string": (
        400,
        json.dumps({"error": TOO_LONG_LLAMACPP.decode()}).encode(),
        FailureKind.CONTEXT_LENGTH,
    ),
    "bad key": (401, error("authentication_error", "invalid x-api-key sk-ant-abc"), FailureKind.UPSTREAM_AUTH),
    "payment": (402, error("billing_error", "pay"), FailureKind.PAYMENT),
    "no credit": (400, NO_CREDIT, FailureKind.PAYMENT),
    "payment with another status": (400, error("billing_error", "pay"), FailureKind.PAYMENT),
    "forbidden": (403, error("permission_error", "no"), FailureKind.UPSTREAM_AUTH),
    "no such model": (404, error("not_found_error", "model: x"), FailureKind.NO_SUCH_MODEL),
    "no such path": (404, b"404 page not found", FailureKind.UPSTREAM_ERROR),
    "no such path, FastAPI": (404, b'{"detail":"Not Found"}', FailureKind.UPSTREAM_ERROR),
    "request timeout": (408, b"", FailureKind.TIMEOUT),
    "conflict": (409, error("conflict_error", "no"), FailureKind.CONFLICT),
    "too large": (413, error("request_too_large", "no"), FailureKind.TOO_LARGE),
    "rate limit": (429, error("rate_limit_error", "slow"), FailureKind.RATE_LIMITED),
    "server fault": (500, error("api_error", "Internal server error"), FailureKind.UPSTREAM_ERROR),
    "a server fault that speaks of context": (500, TOO_LONG_LLAMACPP, FailureKind.UPSTREAM_ERROR),
    "a fault of llama.cpp's for a bad request": (
        500,
        b'{"error":{"code":500,"message":"\'messages\' is required","type":"server_error"}}',
        FailureKind.UPSTREAM_ERROR,
    ),
    "bad gateway": (502, b"<html>", FailureKind.UPSTREAM_ERROR),
    "busy": (503, b'{"error":"server busy, please try again."}', FailureKind.OVERLOADED),
    "gateway timeout": (504, error("timeout_error", "late"), FailureKind.TIMEOUT),
    "overloaded": (529, error("overloaded_error", "Overloaded"), FailureKind.OVERLOADED),
    "redirect": (302, b"", FailureKind.UPSTREAM_ERROR),
    "null": (500, b"null", FailureKind.UPSTREAM_ERROR),
    "odd message": (500, b'{"error":{"message":{"a":1},"details":[]}}', FailureKind.UPSTREAM_ERROR),
    "not UTF-8": (500, b'{"error":"\xff"}', FailureKind.UPSTREAM_ERROR),
}


@pytest.mark.parametrize("name", CASES)
def test_an_error_is_of_the_kind_its_status_says(name: str) -> None:
    status, body, kind = CASES[name]
    failure = failure_of(status, [], body)
    assert failure.kind is kind
    assert failure.status == status
    assert failure.message


def test_the_upstream_s_words_are_kept_and_marked_as_such() -> None:
    failure = failure_of(400, [], error("invalid_request_error", "no", details={"error_code": "odd_thing"}))
    assert (failure.message, failure.code, failure.quoted) == ("no", "odd_thing", True)


def test_a_key_that_was_refused_is_never_quoted() -> None:
    failure = failure_of(401, [], CASES["bad key"][1])
    assert "sk-ant" not in failure.message
    assert not failure.quoted


def test_a_message_of_any_length_is_kept_short() -> None:
    assert len(failure_of(400, [], error("x", "m" * 100_000)).message) <= 2000


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, FailureKind.OVERLOADED),
        ({"type": "api_error", "message": "x"}, FailureKind.UPSTREAM_ERROR),
        ({"type": "rate_limit_error"}, FailureKind.RATE_LIMITED),
        ({"type": "timeout_error"}, FailureKind.TIMEOUT),
        ({"code": 503, "message": "x"}, FailureKind.OVERLOADED),
        ({"type": "invalid_request_error", "message": "prompt is too long"}, FailureKind.CONTEXT_LENGTH),
        ("just words", FailureKind.UPSTREAM_ERROR),
        (None, FailureKind.UPSTREAM_ERROR),
    ],
)
def test_an_error_without_a_status_is_of_the_kind_its_type_says(wire: Any, kind: FailureKind) -> None:
    assert failure_of_error(wire).kind is kind


# Ours.

WRITTEN = {
    FailureKind.BAD_REQUEST: (400, "invalid_request_error", False),
    FailureKind.UNSUPPORTED: (400, "invalid_request_error", False),
    FailureKind.CONTEXT_LENGTH: (400, "invalid_request_error", False),
    FailureKind.PROMPT_CUT: (400, "invalid_request_error", False),
    FailureKind.TOO_LARGE: (413, "request_too_large", False),
    FailureKind.BAD_KEY: (401, "authentication_error", False),
    FailureKind.FORBIDDEN: (403, "permission_error", False),
    FailureKind.NO_SUCH_MODEL: (404, "not_found_error", False),
    FailureKind.NO_SUCH_PATH: (404, "not_found_error", False),
    FailureKind.METHOD_NOT_ALLOWED: (405, "invalid_request_error", False),
    FailureKind.CONFLICT: (409, "conflict_error", True),
    FailureKind.UPSTREAM_AUTH: (502, "api_error", False),
    FailureKind.PAYMENT: (402, "billing_error", False),
    FailureKind.RATE_LIMITED: (429, "rate_limit_error", True),
    FailureKind.OVERLOADED: (529, "overloaded_error", True),
    FailureKind.TIMEOUT: (504, "timeout_error", True),
    FailureKind.NO_TARGET: (503, "api_error", False),
    FailureKind.DRAINING: (503, "overloaded_error", True),
    FailureKind.INTERNAL: (500, "api_error", True),
    FailureKind.CLIENT_GONE: (499, "api_error", False),
}


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_a_status_a_type_and_says_whether_to_retry(kind: FailureKind) -> None:
    status, headers, body = write_failure(Failure(kind, "it went wrong"))
    expected = WRITTEN.get(kind, (502, "api_error", True))
    if kind in (FailureKind.LEDGER_DOWN, FailureKind.PROCESS_DIED):
        expected = ({FailureKind.LEDGER_DOWN: 503}.get(kind, 500), "api_error", True)
    wire = json.loads(body)
    assert wire["type"] == "error"
    assert "it went wrong" in wire["error"]["message"]
    assert (status, wire["error"]["type"], dict(headers)[b"x-should-retry"] == b"true") == expected


def test_the_request_is_named_where_the_sdk_looks_for_it() -> None:
    _, headers, body = write_failure(Failure(FailureKind.INTERNAL, "x"), request_id="req_1")
    assert dict(headers)[b"request-id"] == b"req_1"
    assert json.loads(body)["request_id"] == "req_1"
    assert "request_id" not in json.loads(write_failure(Failure(FailureKind.INTERNAL, "x"))[2])


def test_an_upstream_s_status_is_kept_where_it_means_the_same_to_our_caller() -> None:
    assert write_failure(Failure(FailureKind.OVERLOADED, "x", 503))[0] == 503
    assert write_failure(Failure(FailureKind.UPSTREAM_ERROR, "x", 500))[0] == 500
    assert write_failure(Failure(FailureKind.UPSTREAM_AUTH, "x", 401))[0] == 502
    assert write_failure(Failure(FailureKind.CONTEXT_LENGTH, "x", 413))[0] == 400


def test_a_context_that_is_too_long_is_said_in_the_words_that_clients_look_for() -> None:
    for message in ("9031 tokens are too many", "prompt is too long: 9031"):
        wire = json.loads(write_failure(Failure(FailureKind.CONTEXT_LENGTH, message))[2])
        assert wire["error"]["message"].startswith("prompt is too long: ")
        assert wire["error"]["message"].count("prompt is too long") == 1


def test_the_place_of_a_mistake_is_part_of_the_message() -> None:
    wire = json.loads(write_failure(Failure(FailureKind.BAD_REQUEST, "no", param="messages[1]"))[2])
    assert wire["error"]["message"] == "messages[1]: no"


def test_when_to_come_back_is_said_in_both_forms() -> None:
    headers = dict(write_failure(Failure(FailureKind.RATE_LIMITED, "x", retry_after=1.2))[1])
    assert (headers[b"retry-after"], headers[b"retry-after-ms"]) == (b"2", b"1200")


def test_an_error_of_ours_reads_back_as_what_it_was() -> None:
    failure = Failure(FailureKind.RATE_LIMITED, "slow down", retry_after=3)
    status, headers, body = write_failure(failure)
    found = failure_of(status, headers, body)
    assert (found.kind, found.message, found.retry_after) == (failure.kind, failure.message, 3)


def test_the_error_of_a_stream_has_the_name_that_makes_the_sdk_raise() -> None:
    (event,) = sse.Reader().feed(error_event(Failure(FailureKind.OVERLOADED, "x"), "req_1"))
    assert event.name == "error"
    assert json.loads(event.data) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "x"},
        "request_id": "req_1",
    }
