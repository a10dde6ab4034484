"""What stands before the engine and spoils its answers when it is told to: fails, is slow, cuts them off, or answers in
words that make no sentence."""

import http.client
import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import urlsplit

from earthward.bench.migration.completion import completion
from earthward.bench.migration.local_server import LocalServer
from earthward.simulator.text import words

Harm = Literal["none", "fails", "slow", "cut", "worse"]

SLOWNESS = 12.0
"""Seconds before the first byte."""
CUT = 1
"""Tokens of an answer that is cut off."""
SOUP = 20
"""Words of an answer that makes no sentence."""
PATIENCE = 240.0


class Spoiler(LocalServer):
    """`harm` may be changed at any time; it counts for requests that come from then on.

    `fields` go into each of them.
    """

    def __init__(self, engine_url: str, harm: Harm = "none", **fields: Any) -> None:
        self.harm: Harm = harm
        self._fields = fields
        self._engine = urlsplit(engine_url).netloc
        super().__init__(self._handler())

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
                asked = json.loads(body)
                if spoiler.harm == "worse":
                    self._answer(200, *_soup(asked))
                    return
                cut = {"max_tokens": CUT, "max_completion_tokens": CUT} if spoiler.harm == "cut" else {}
                self._pass_on(json.dumps({**asked, **spoiler._fields, **cut}).encode())

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

            def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response_only(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _soup(asked: dict[str, Any]) -> tuple[bytes, str]:
    """Words at random, the same for the same question, and no more than are asked for."""
    most = int(asked.get("max_tokens") or SOUP)
    text = "".join(words(min(SOUP, most), json.dumps(asked["messages"])))
    return completion(asked, text, "length" if most < SOUP else "stop")
