"""What each path answers, without a socket."""

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
