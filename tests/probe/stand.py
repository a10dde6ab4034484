"""A small server on loopback that answers each path with what a test says, and keeps what it was asked."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Stand:
    """`answers` maps a path to JSON, to bytes, or to a status; `asked` holds the heads of all requests."""

    def __init__(self, answers: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.answers = answers
        self.headers = headers or {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def standing(answers: dict[str, Any], headers: dict[str, str] | None = None) -> Iterator[Stand]:
    stand = Stand(answers, headers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = {name.lower(): value for name, value in self.headers.items()}
            stand.asked.append((self.command, self.path, names))
            answer = stand.answers.get(self.path, 404)
            status = answer if isinstance(answer, int) else 200
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response_only(status)
            for name, value in stand.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stand
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
