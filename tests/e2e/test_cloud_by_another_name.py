"""A model of Ollama's cloud, copied to a name that tells nothing of it (`ollama cp gpt-oss:120b-cloud house`)."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import Gateway, running, until

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {{kind: ollama, base_url: "http://127.0.0.1:{port}"}}
targets:
  llama: {{provider: house, model: house}}
routes:
  - {{name: all, use: llama}}
"""
INSTALLED = {
    "models": [
        {
            "name": "house:latest",
            "model": "house:latest",
            "size": 384,
            "digest": "d",
            "remote_model": "gpt-oss:120b",
            "remote_host": "https://ollama.com:443",
        }
    ]
}
ANSWER = {
    "model": "house",
    "created_at": "2026-01-01T00:00:00Z",
    "done": True,
    "done_reason": "stop",
    "message": {"role": "assistant", "content": "hello"},
}


class Host(BaseHTTPRequestHandler):
    """As much of Ollama as it takes. What it is asked is kept in `asked`."""

    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = {"/api/tags": INSTALLED, "/api/ps": {"models": []}, "/api/version": {"version": "0.33.0"}}
        self._tell(told.get(self.path, {}))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.asked.append(body)
        self._tell(ANSWER)

    def _tell(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host():
    handler = type("ThisHost", (Host,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], handler.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_must_stay_does_not_go_to_a_model_that_its_host_sends_on_to_a_cloud(host, tmp_path):
    port, asked = host
    gateway = Gateway(tmp_path, CONFIG.format(port=port))
    with running(gateway):

        def is_found_out() -> bool:
            text = "what is not secret"
            return gateway.chat(text=text, headers={"x-earthward-data-class": "secret"})[0] == 403

        until(is_found_out, "the host's word on where its model runs")
        asked.clear()
        status, _, answer = gateway.chat(text="canary", headers={"x-earthward-data-class": "health"})
        assert (status, "may not leave for the cloud" in answer["error"]["message"]) == (403, True)
        assert not [body for body in asked if "canary" in body]
        assert gateway.chat(text="canary", headers={"x-earthward-data-class": "public"})[0] == 200
        assert [body for body in asked if "canary" in body]
