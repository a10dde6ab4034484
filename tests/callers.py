"""Callers of the three dialects without an SDK: the same question on the wire, and whether an answer is whole."""

import json
from typing import Any, NamedTuple

from harness import http
from sdks.asking import Question, request

DIALECTS = ("openai", "anthropic", "ollama")
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "ollama": "/api/chat"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["x-earthward-id"]


def ask(
    url: str,
    dialect: str,
    model: str,
    say: str,
    *,
    stream: bool,
    headers: dict[str, str] | None = None,
    **asked: Any,
) -> Answer:
    """`asked` is what else `Question` knows."""
    body = {**request(dialect, Question(say=say, model=model, **asked)), "stream": stream}
    return Answer(*http("POST", url + PATHS[dialect], body, headers))


def events(dialect: str, body: bytes) -> list[dict[str, Any]]:
    """What a stream says, in order, without the frames around it."""
    if dialect == "ollama":
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    payloads = (line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: "))
    return [json.loads(payload) for payload in payloads if payload != b"[DONE]"]


def error_of(dialect: str, answer: Answer) -> dict[str, Any]:
    """The error of an answer with another status than 200. Fails if it has not the shape of its dialect."""
    return _error(dialect, json.loads(answer.body))


def _error(dialect: str, told: dict[str, Any]) -> dict[str, Any]:
    if dialect == "ollama":
        assert isinstance(told["error"], str)
        return {"message": told["error"]}
    if dialect == "anthropic":
        assert told["type"] == "error"
    else:
        assert set(told["error"]) == {"message", "type", "param", "code"}
    return dict(told["error"])


def ends_well(dialect: str, body: bytes) -> bool:
    """Whether a stream has the event that says it is over."""
    if dialect == "ollama":
        return any(json.loads(line).get("done") for line in body.splitlines() if line.strip())
    return b"data: [DONE]" in body if dialect == "openai" else b"event: message_stop" in body


def error_in_stream(dialect: str, body: bytes) -> dict[str, Any] | None:
    """The error in which a stream ends, if it does."""
    last = body.rstrip().rpartition(b"\n")[2]
    if dialect == "anthropic" and b"event: error\n" not in body:
        return None
    told = json.loads(last.removeprefix(b"data: ")) if last.removeprefix(b"data: ").startswith(b"{") else {}
    return _error(dialect, told) if "error" in told else None
