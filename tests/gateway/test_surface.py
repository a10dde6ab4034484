"""What each path answers, without a socket."""

import json
import socket
from pathlib import Path

import pytest
import uvloop

from earthward.bench.exchange import worker
from earthward.http.reader import RequestReader
from earthward.http.refusal import Headers


class Connection:
    """Keeps the answer."""

    answer: tuple[int, Headers, bytes] | None = None

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.answer = status, headers, body


def answered(folder: Path, method: str, path: str, line: str = "") -> tuple[int, Headers, bytes]:
    """`line` is one more of the head."""

    async def ask() -> tuple[int, Headers, bytes]:
        with socket.socket() as listener:
            serving = worker(folder, "open", listener)
            head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n{line}\r\n".encode()
            request = RequestReader(serving.server.limits).take(head, 1.0)
            assert request is not None
            connection = Connection()
            serving.surface.answer(request, connection)  # type: ignore[arg-type]
            serving.spool.close()
            serving.board.close()
            assert connection.answer is not None
            return connection.answer

    return uvloop.run(ask())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_model_without_a_name_is_no_path(tmp_path: Path, method: str) -> None:
    status, _, body = answered(tmp_path, method, "/v1/models/")
    assert status == 404
    assert b"unknown_url" in body


def test_a_model_is_shown_by_its_name(tmp_path: Path) -> None:
    assert answered(tmp_path, "GET", "/v1/models/gpt-4o-mini")[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/readyz/mini", 200),
        ("/readyz?model=gpt-4o-mini", 200),
        ("/readyz/gpt%2D4o-mini", 200),
        ("/readyz/nothing", 404),
        ("/readyz?model=%ff", 404),
        ("/readyz/", 200),
        ("/readyz?model=", 200),
    ],
)
def test_readiness_may_be_asked_of_a_model_by_its_targets_name_or_its_own(
    tmp_path: Path, path: str, status: int
) -> None:
    assert answered(tmp_path, "GET", path)[0] == status


@pytest.mark.parametrize(
    ("path", "line", "shape"),
    [
        ("/v1/files", "anthropic-version: 2023-06-01\r\n", b'{"type":"error","error":{"type":"not_found_error"'),
        ("/v1/files", "x-goog-api-client: google-genai-sdk/3.4\r\n", b'{"error":{"code":404'),
        ("/v1/files", "", b'{"error":{"message":'),
        ("/upload/v1beta/files", "x-goog-api-key: k\r\n", b'{"error":{"code":404'),
    ],
)
def test_a_path_of_nobodys_is_refused_in_the_words_of_the_sdk_that_asks(
    tmp_path: Path, path: str, line: str, shape: bytes
) -> None:
    status, _, body = answered(tmp_path, "POST", path, line)
    assert (status, body[: len(shape)]) == (404, shape)


GOOGLE_S = "generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents, predict"


@pytest.mark.parametrize(
    "place",
    [
        *("/v1beta/models/x", "/v1/models/x", "/v1alpha/models/x"),
        *("/v1/publishers/google/models/x", "/v1beta1/projects/p/locations/l/publishers/google/models/x"),
    ],
)
@pytest.mark.parametrize("verb", ["frobnicate", "GenerateContent", "", "generateContent2"])
def test_a_verb_that_google_s_models_do_not_have_is_refused_in_its_words_with_those_they_have(
    tmp_path: Path, place: str, verb: str
) -> None:
    status, _, body = answered(tmp_path, "POST", f"{place}:{verb}")
    told = json.loads(body)["error"]
    assert (status, told["code"], told["status"]) == (404, 404, "NOT_FOUND")
    assert told["message"] == f"`models/x` has no method `{verb}`; there are {GOOGLE_S}"


def test_what_claude_on_vertex_ai_does_not_have_is_told_too(tmp_path: Path) -> None:
    status, _, body = answered(tmp_path, "POST", "/v1/projects/p/locations/l/publishers/anthropic/models/c:predict")
    assert (status, b"rawPredict, streamRawPredict" in body) == (404, True)
    status, _, body = answered(tmp_path, "POST", "/v1/projects/p/locations/l/publishers/acme/models/c:predict")
    assert (status, b"google, anthropic" in body) == (404, True)


@pytest.mark.parametrize("verb", GOOGLE_S.split(", "))
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_verb_of_google_s_is_asked_for_by_post_alone(tmp_path: Path, method: str, verb: str) -> None:
    status, headers, body = answered(tmp_path, method, f"/v1beta/models/x:{verb}")
    assert (status, dict(headers)[b"allow"]) == (405, b"POST")
    told = json.loads(body)
    assert (told[0] if isinstance(told, list) else told)["error"]["message"] == "this path takes POST"


def test_the_name_of_a_model_may_have_a_colon(tmp_path: Path) -> None:
    """Where a model is looked at, what stands behind the colon is no verb."""
    status, _, body = answered(tmp_path, "GET", "/v1/models/llama3.2:latest")
    assert (status, b"model_not_found" in body) == (404, True)
    status, _, body = answered(tmp_path, "GET", "/v1beta/models/llama3.2:latest")
    assert (status, b"NOT_FOUND" in body) == (404, True)


def test_other_paths_of_vertex_ai_are_refused_in_google_s_words(tmp_path: Path) -> None:
    status, _, body = answered(tmp_path, "POST", "/v1/projects/p/locations/l/cachedContents")
    assert (status, json.loads(body)["error"]["status"]) == (404, "NOT_FOUND")
