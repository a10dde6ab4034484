"""Errors of every server that speaks the dialect, and our own, as the official SDK sees them."""

import json
from typing import Any

import httpx2
import openai
import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects.openai_chat import error_event, failure_of, write_failure
from earthward.dialects.openai_chat.errors import failure_of_error

Headers = list[tuple[bytes, bytes]]


def openai_error(message: str, type: str, code: Any = None, param: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": type, "param": param, "code": code}}).encode()


TOO_LONG_OPENAI = openai_error(
    "This model's maximum context length is 8192 tokens.",
    "invalid_request_error",
    "context_length_exceeded",
    "messages",
)
TOO_LONG_LLAMACPP = (
    b'{"error":{"code":400,"message":"request (5031 tokens) exceeds the available context size (1024 tokens), '
    b'try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5031,"n_ctx":1024}}'
)
TOO_LONG_OLLAMA = json.dumps({"error": TOO_LONG_LLAMACPP.decode()}).encode()
TOO_LONG_VLLM = openai_error("This model's maximum context length is 4096 tokens.", "BadRequestError", 400)

CASES: dict[str, tuple[int, bytes, FailureKind]] = {
    "malformed": (400, openai_error("Invalid 'n'", "invalid_request_error", None, "n"), FailureKind.BAD_REQUEST),
    "unprocessable": (422, b'{"detail":"no"}', FailureKind.BAD_REQUEST),
    "too long, OpenAI": (400, TOO_LONG_OPENAI, FailureKind.CONTEXT_LENGTH),
    "too long, llama.cpp": (400, TOO_LONG_LLAMACPP, FailureKind.CONTEXT_LENGTH),
    "too long, Ollama": (400, TOO_LONG_OLLAMA, FailureKind.CONTEXT_LENGTH),
    "too long, vLLM": (400, TOO_LONG_VLLM, FailureKind.CONTEXT_LENGTH),
    "bad key": (401, openai_error("Incorrect key sk-ab***yz", "x", "invalid_api_key"), FailureKind.UPSTREAM_AUTH),
    "bad key, vLLM": (401, b'{"error":"Unauthorized"}', FailureKind.UPSTREAM_AUTH),
    "payment": (402, b'{"error":{"message":"pay"}}', FailureKind.PAYMENT),
    "forbidden": (403, b"", FailureKind.UPSTREAM_AUTH),
    "no such model": (404, openai_error("no", "invalid_request_error", "model_not_found"), FailureKind.NO_SUCH_MODEL),
    "no such model, Ollama": (404, b'{"error":"model \'x\' not found"}', FailureKind.NO_SUCH_MODEL),
    "no such path, Ollama": (404, b"404 page not found", FailureKind.UPSTREAM_ERROR),
    "no such path, FastAPI": (404, b'{"detail":"Not Found"}', FailureKind.UPSTREAM_ERROR),
    "wrong method": (405, b'{"detail":"Method Not Allowed"}', FailureKind.UPSTREAM_ERROR),
    "request timeout": (408, b"", FailureKind.TIMEOUT),
    "conflict": (409, openai_error("conflict", "x"), FailureKind.CONFLICT),
    "too large": (413, b"<html>", FailureKind.TOO_LARGE),
    "rate limit": (429, openai_error("slow", "tokens", "rate_limit_exceeded"), FailureKind.RATE_LIMITED),
    "no quota": (429, openai_error("pay", "insufficient_quota", "insufficient_quota"), FailureKind.PAYMENT),
    "server fault": (500, openai_error("oops", "server_error"), FailureKind.UPSTREAM_ERROR),
    "a server fault that speaks of context": (500, TOO_LONG_OPENAI, FailureKind.UPSTREAM_ERROR),
    "bad gateway": (502, b"<html><h1>502</h1></html>", FailureKind.UPSTREAM_ERROR),
    "busy, Ollama": (503, b'{"error":"server busy, please try again."}', FailureKind.OVERLOADED),
    "loading, llama.cpp": (503, b'{"error":{"code":503,"message":"Loading model"}}', FailureKind.OVERLOADED),
    "gateway timeout": (504, b"", FailureKind.TIMEOUT),
    "overloaded": (529, b"{}", FailureKind.OVERLOADED),
    "redirect": (302, b"", FailureKind.UPSTREAM_ERROR),
    "older vLLM": (400, b'{"object":"error","message":"n > 1","type":"x","code":400}', FailureKind.BAD_REQUEST),
    "broken JSON": (500, b'{"error":', FailureKind.UPSTREAM_ERROR),
    "null": (500, b"null", FailureKind.UPSTREAM_ERROR),
    "odd message": (500, b'{"error":{"message":{"a":1}}}', FailureKind.UPSTREAM_ERROR),
    "not UTF-8": (500, b'{"error":"\xff"}', FailureKind.UPSTREAM_ERROR),
}


@pytest.mark.parametrize("name", CASES)
def test_an_error_is_of_the_kind_its_status_says(name: str) -> None:
    status, body, kind = CASES[name]
    failure = failure_of(status, [], body)
    assert failure.kind is kind
    assert failure.status == status
    assert failure.message


def test_the_upstream_s_words_are_kept() -> None:
    failure = failure_of(400, [], TOO_LONG_OPENAI)
    assert failure.message == "This model's maximum context length is 8192 tokens."
    assert (failure.code, failure.param) == ("context_length_exceeded", "messages")
    assert failure_of(404, [], b'{"error":"model \'x\' not found"}').message == "model 'x' not found"


@pytest.mark.parametrize("status", [401, 403])
def test_nothing_a_provider_says_about_a_key_is_passed_on(status: int) -> None:
    failure = failure_of(status, [], openai_error("Incorrect API key provided: sk-secret", "x", "sk-secret"))
    assert "secret" not in repr(failure)


def test_a_message_without_end_is_cut() -> None:
    assert len(failure_of(500, [], openai_error("x" * 1_000_000, "x")).message) == 2000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"0.5")], 0.5),
        ([(b"retry-after-ms", b"1500"), (b"retry-after", b"9")], 1.5),
        ([(b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"retry-after", b"Sun, 06 Nov 1994 08:50:07 GMT")], 30.0),
        ([(b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"retry-after", b"Sun, 06 Nov 1994 08:00:00 GMT")], 0.0),
        ([(b"retry-after", b"Sun, 06 Nov 1994 08:50:07 GMT")], None),
        ([(b"retry-after", b"7"), (b"retry-after", b"9")], 7.0),
        ([(b"retry-after", b"-1")], None),
        ([(b"retry-after", b"nan")], None),
        ([(b"retry-after", b"inf")], None),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"\xff")], None),
        ([], None),
    ],
)
def test_how_long_to_wait_is_in_seconds(headers: Headers, seconds: float | None) -> None:
    assert failure_of(429, headers, openai_error("slow", "x")).retry_after == seconds
    assert failure_of(503, headers, b"<html>").retry_after == seconds


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "no", "code": 503}, FailureKind.OVERLOADED),
        ({"message": "no", "code": "429"}, FailureKind.UPSTREAM_ERROR),
        ({"message": "no", "code": 7}, FailureKind.UPSTREAM_ERROR),
        ({"message": "no", "type": "invalid_request_error"}, FailureKind.BAD_REQUEST),
        ({"message": "no", "type": "rate_limit_error"}, FailureKind.RATE_LIMITED),
        ({"message": "no", "code": "context_length_exceeded"}, FailureKind.CONTEXT_LENGTH),
        ("runner stopped", FailureKind.UPSTREAM_ERROR),
        ({}, FailureKind.UPSTREAM_ERROR),
        ([1], FailureKind.UPSTREAM_ERROR),
        (True, FailureKind.UPSTREAM_ERROR),
    ],
)
def test_an_error_without_a_status_is_read_by_its_words(error: Any, kind: FailureKind) -> None:
    assert failure_of_error(error).kind is kind


# As the official SDK sees them.

CLASSES: dict[FailureKind, type[openai.APIStatusError]] = {
    FailureKind.BAD_REQUEST: openai.BadRequestError,
    FailureKind.UNSUPPORTED: openai.BadRequestError,
    FailureKind.CONTEXT_LENGTH: openai.BadRequestError,
    FailureKind.PROMPT_CUT: openai.BadRequestError,
    FailureKind.TOO_LARGE: openai.APIStatusError,
    FailureKind.BAD_KEY: openai.AuthenticationError,
    FailureKind.FORBIDDEN: openai.PermissionDeniedError,
    FailureKind.NO_SUCH_MODEL: openai.NotFoundError,
    FailureKind.NO_SUCH_PATH: openai.NotFoundError,
    FailureKind.METHOD_NOT_ALLOWED: openai.APIStatusError,
    FailureKind.CONFLICT: openai.ConflictError,
    FailureKind.PAYMENT: openai.RateLimitError,
    FailureKind.RATE_LIMITED: openai.RateLimitError,
    FailureKind.CLIENT_GONE: openai.APIStatusError,
}
FOR_EVER = {
    *(set(CLASSES) - {FailureKind.CONFLICT, FailureKind.RATE_LIMITED}),
    FailureKind.UPSTREAM_AUTH,
    FailureKind.NO_TARGET,
}


def raised(failure: Failure, retries: int = 0) -> tuple[openai.APIStatusError, int]:
    """What the SDK raises for it, and how often it asked."""
    asked = 0

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal asked
        asked += 1
        status, headers, body = write_failure(failure)
        return httpx2.Response(status, headers=headers, content=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=http, max_retries=retries) as client,
        pytest.raises(openai.APIStatusError) as error,
    ):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    return error.value, asked


@pytest.mark.parametrize("kind", FailureKind)
def test_the_sdk_raises_the_class_it_has_for_this_kind(kind: FailureKind) -> None:
    error, _ = raised(Failure(kind, "what happened", param="n"))
    assert type(error) is CLASSES.get(kind, openai.InternalServerError)
    assert "what happened" in error.message
    assert error.param == "n"
    assert error.type


@pytest.mark.parametrize("kind", FailureKind)
def test_the_sdk_asks_again_only_where_that_may_help(kind: FailureKind) -> None:
    _, asked = raised(Failure(kind, "what happened", retry_after=0.001), retries=1)
    assert asked == (1 if kind in FOR_EVER else 2)


def test_codes_are_the_upstream_s_where_it_gave_one() -> None:
    assert raised(Failure(FailureKind.BAD_REQUEST, "x", code="own_code"))[0].code == "own_code"
    assert raised(Failure(FailureKind.NO_SUCH_MODEL, "x"))[0].code == "model_not_found"


@pytest.mark.parametrize(
    ("kind", "upstream", "ours"),
    [
        (FailureKind.BAD_REQUEST, 422, 422),
        (FailureKind.BAD_REQUEST, 400, 400),
        (FailureKind.UPSTREAM_ERROR, 500, 500),
        (FailureKind.OVERLOADED, 529, 529),
        (FailureKind.UPSTREAM_ERROR, 404, 502),
        (FailureKind.UPSTREAM_ERROR, 302, 502),
        (FailureKind.UPSTREAM_ERROR, 405, 502),
        (FailureKind.UPSTREAM_AUTH, 401, 502),
        (FailureKind.PAYMENT, 402, 429),
        (FailureKind.CONTEXT_LENGTH, 400, 400),
        (FailureKind.MALFORMED, 200, 502),
    ],
)
def test_the_upstream_s_status_is_kept_where_it_says_the_same_to_our_caller(
    kind: FailureKind, upstream: int, ours: int
) -> None:
    assert write_failure(Failure(kind, "x", status=upstream))[0] == ours


def test_how_long_to_wait_is_said_in_both_ways() -> None:
    _, headers, _ = write_failure(Failure(FailureKind.RATE_LIMITED, "x", retry_after=1.2))
    assert (b"retry-after", b"2") in headers
    assert (b"retry-after-ms", b"1200") in headers


@pytest.mark.parametrize("kind", FailureKind)
def test_what_is_written_reads_back_as_a_failure_with_the_same_words(kind: FailureKind) -> None:
    status, headers, body = write_failure(Failure(kind, "what happened", retry_after=2.0))
    read = failure_of(status, headers, body)
    assert read.retry_after == 2.0
    if kind not in (FailureKind.BAD_KEY, FailureKind.FORBIDDEN):
        assert read.message == "what happened"


def test_an_error_in_a_stream_makes_the_sdk_raise() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        body = error_event(Failure(FailureKind.BROKEN_STREAM, "it broke off"))
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=http) as client,
    ):
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        with pytest.raises(openai.APIError, match="it broke off"):
            list(stream)
