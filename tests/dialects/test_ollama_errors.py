"""Errors, both ways."""

import json

import msgspec
import pytest

from earthward.chat import Failed, Failure, FailureKind
from earthward.dialects.ollama import StreamReader, error_line, failure_of, write_failure
from earthward.dialects.ollama.errors import failure_of_error

CONTEXT = json.dumps(
    {
        "error": {
            "code": 400,
            "message": "request (9000 tokens) exceeds the available context size (4096 tokens)",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 9000,
            "n_ctx": 4096,
        }
    }
)


def error(text: object) -> bytes:
    return json.dumps({"error": text}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, error("missing request body"), FailureKind.BAD_REQUEST, None),
        (400, error('"llama3" does not support tools'), FailureKind.UNSUPPORTED, "unsupported"),
        (400, error('"llama3" does not support thinking'), FailureKind.UNSUPPORTED, "unsupported"),
        (400, error(CONTEXT), FailureKind.CONTEXT_LENGTH, "context_length_exceeded"),
        (500, error(CONTEXT), FailureKind.CONTEXT_LENGTH, "context_length_exceeded"),
        (400, CONTEXT.encode(), FailureKind.CONTEXT_LENGTH, "context_length_exceeded"),
        (400, error("the input length exceeds the context length"), FailureKind.CONTEXT_LENGTH, None),
        (401, b'{"error":"unauthorized","signin_url":"https://x/y?key=z"}', FailureKind.UPSTREAM_AUTH, None),
        (403, error("ollama cloud is disabled: remote inference is unavailable"), FailureKind.UPSTREAM_AUTH, None),
        (403, b"", FailureKind.UPSTREAM_AUTH, None),
        (404, error("model 'x' not found"), FailureKind.NO_SUCH_MODEL, None),
        (404, b"404 page not found", FailureKind.UPSTREAM_ERROR, None),
        (405, b"405 method not allowed", FailureKind.UPSTREAM_ERROR, None),
        (429, error("you have reached your weekly usage limit"), FailureKind.PAYMENT, "usage_limit"),
        (429, error("too many requests"), FailureKind.RATE_LIMITED, None),
        (499, error("request canceled"), FailureKind.UPSTREAM_ERROR, None),
        (500, error("timed out waiting for llama-server to start"), FailureKind.TIMEOUT, "load_timeout"),
        (500, error("llama runner process has terminated"), FailureKind.UPSTREAM_ERROR, "runner_crashed"),
        (500, error("model requires more system memory"), FailureKind.UPSTREAM_ERROR, "out_of_memory"),
        (500, error("cudaMalloc failed: out of memory"), FailureKind.UPSTREAM_ERROR, "out_of_memory"),
        (500, error("error parsing tool call: raw='{'"), FailureKind.UPSTREAM_ERROR, "bad_tool_call"),
        (502, error("remote unreachable"), FailureKind.UPSTREAM_ERROR, None),
        (503, error("server busy, please try again.  maximum pending requests exceeded"), FailureKind.OVERLOADED, None),
        (503, b"<html>", FailureKind.OVERLOADED, None),
        (504, b"", FailureKind.TIMEOUT, None),
    ],
)
def test_a_refusal_is_read_for_what_the_gateway_does_next(
    status: int, body: bytes, kind: FailureKind, code: str | None
) -> None:
    failure = failure_of(status, [], body)
    assert failure.kind is kind
    assert failure.status == status
    assert failure.message
    if code is not None:
        assert failure.code == code


def test_json_inside_the_text_is_unpacked() -> None:
    message = failure_of(400, [], error(CONTEXT)).message
    assert message == "request (9000 tokens) exceeds the available context size (4096 tokens)"


@pytest.mark.parametrize("text", ["{not json", '{"error":""}', "{}", '{"error":{"code":7}}'])
def test_text_that_only_looks_like_json_is_an_error_all_the_same(text: str) -> None:
    assert failure_of(500, [], error(text)).kind is FailureKind.UPSTREAM_ERROR


def test_neither_the_way_to_sign_in_nor_a_key_is_repeated() -> None:
    body = b'{"error":"unauthorized: key sk-1","signin_url":"https://ollama.com/connect?key=secret"}'
    failure = failure_of(401, [], body)
    assert "secret" not in failure.message
    assert "sk-1" not in failure.message
    assert not failure.quoted


def test_a_host_that_refuses_our_name_says_where_to_look() -> None:
    assert "OLLAMA_ORIGINS" in failure_of(403, [], b"").message


def test_what_upstream_said_is_marked_as_its_own_words() -> None:
    assert failure_of(400, [], error("bad")).quoted
    assert len(failure_of(400, [], error("x" * 9000)).message) == 2000


def test_a_proxy_s_retry_after_is_kept() -> None:
    assert failure_of(503, [(b"retry-after", b"7")], error("server busy")).retry_after == 7
    assert failure_of(503, [(b"retry-after", b"soon")], b"").retry_after is None


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ("anything else", FailureKind.UPSTREAM_ERROR),
        ("server busy, please try again", FailureKind.OVERLOADED),
        (CONTEXT, FailureKind.CONTEXT_LENGTH),
        ("model 'x' not found", FailureKind.NO_SUCH_MODEL),
        ("file not found", FailureKind.UPSTREAM_ERROR),
        ("unauthorized", FailureKind.UPSTREAM_AUTH),
        ("you have reached your session usage limit", FailureKind.PAYMENT),
        ({"code": 503, "message": "Loading model", "type": "unavailable_error"}, FailureKind.OVERLOADED),
        ({"code": True, "message": "odd"}, FailureKind.UPSTREAM_ERROR),
        ([1], FailureKind.UPSTREAM_ERROR),
    ],
)
def test_in_a_stream_the_words_decide(wire: object, kind: FailureKind) -> None:
    assert failure_of_error(wire).kind is kind


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_a_status_and_a_text_for_ollama_s_clients(kind: FailureKind) -> None:
    status, headers, body = write_failure(Failure(kind, "What happened."))
    assert 400 <= status <= 599
    assert (b"content-type", b"application/json; charset=utf-8") in headers
    assert json.loads(body) == {"error": "What happened."}


def test_a_failure_is_never_without_words() -> None:
    """ollama-python goes by whether `error` is there and not empty."""
    assert json.loads(write_failure(Failure(FailureKind.TIMEOUT, ""))[2])["error"]
    assert json.loads(error_line(Failure(FailureKind.TIMEOUT, "")))["error"]


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Failure(FailureKind.UPSTREAM_ERROR, "x", 500), 500),
        (Failure(FailureKind.BAD_REQUEST, "x", 422), 422),
        (Failure(FailureKind.UPSTREAM_AUTH, "x", 401), 502),
        (Failure(FailureKind.PAYMENT, "x", 402), 429),
        (Failure(FailureKind.CONTEXT_LENGTH, "x", 500), 400),
        (Failure(FailureKind.NO_SUCH_MODEL, "x"), 404),
        (Failure(FailureKind.UPSTREAM_ERROR, "x", 200), 502),
    ],
)
def test_upstream_s_status_stays_where_it_says_the_same_to_our_caller(failure: Failure, status: int) -> None:
    assert write_failure(failure)[0] == status


def test_how_long_to_wait_is_told() -> None:
    headers = write_failure(Failure(FailureKind.OVERLOADED, "x", retry_after=1.2))[1]
    assert (b"retry-after", b"2") in headers


def test_an_error_line_is_read_back_as_a_failure() -> None:
    line = error_line(Failure(FailureKind.OVERLOADED, "server busy\nplease"))
    assert line.count(b"\n") == 1
    (failed,) = StreamReader().feed(line)
    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.OVERLOADED


@pytest.mark.parametrize(
    "text",
    [
        "llama runner process has terminated: exit status 2",
        "failed to encode response: json: unsupported value: NaN",
        'do embedding request: Post "http://127.0.0.1:1/embedding": EOF',
        "model requires more system memory (9 GiB) than is available",
    ],
)
def test_gotcha_47_a_crash_that_is_called_a_bad_request_is_a_crash(text: str) -> None:
    body = msgspec.json.encode({"error": text})
    assert failure_of(400, [], body).kind is FailureKind.UPSTREAM_ERROR


def test_gotcha_47_a_request_that_is_at_fault_stays_so() -> None:
    body = b'{"error":"the input length exceeds the context length"}'
    assert failure_of(400, [], body).kind is FailureKind.CONTEXT_LENGTH
    assert failure_of(400, [], b'{"error":"invalid input type"}').kind is FailureKind.BAD_REQUEST


@pytest.mark.parametrize("status", [400, 500])
def test_gotcha_57_a_text_that_fits_into_no_batch_is_too_long(status: int) -> None:
    text = "input (700 tokens) is too large to process. increase the physical batch size (current batch size: 512)"
    found = failure_of(status, [], msgspec.json.encode({"error": text}))
    assert (found.kind, found.code) == (FailureKind.CONTEXT_LENGTH, "context_length_exceeded")
