"""What stands before the engine and spoils its answers when it is told to: fails, is slow, or cuts them off."""

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

Harm = Literal["none", "fails", "slow", "cut"]

SLOWNESS = 12.0
"""Seconds before the first byte."""
CUT = 1
"""Tokens of an answer that is cut off."""
PATIENCE = 60.0


class Spoiler:
    """`harm` may be changed at any time; it counts for requests that come from then on."""

    def __init__(self, engine_url: str) -> None:
        self.harm: Harm = "none"
        self._engine = urlsplit(engine_url).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        spoiler = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Whoever looks whether the engine is there."""
                self._pass_on(b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if spoiler.harm == "fails":
                    self._answer(500, b'{"error": {"message": "broken"}}')
                    return
                if spoiler.harm == "slow":
                    time.sleep(SLOWNESS)
                self._pass_on(_cut(body) if spoiler.harm == "cut" else body)

            def _pass_on(self, body: bytes) -> None:
                connection = http.client.HTTPConnection(spoiler._engine, timeout=PATIENCE)
                try:
                    connection.request(self.command, self.path, body, {"content-type": "application/json"})
                    answer = connection.getresponse()
                    self.send_response_only(answer.status)
                    self.send_header("content-type", answer.headers.get("content-type", "application/json"))
                    self.send_header("connection", "close")
                    self.end_headers()
                    while piece := answer.read1(65_536):
                        self.wfile.write(piece)
                except OSError:
                    # Whoever left first: there is nobody to tell.
                    self.close_connection = True
                finally:
                    connection.close()

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response_only(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _cut(body: bytes) -> bytes:
    return json.dumps({**json.loads(body), "max_tokens": CUT}).encode()
