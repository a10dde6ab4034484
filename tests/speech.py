"""How each vendor's answers read to a client that only knows JSON, for tests that run for every vendor."""

import json
from typing import Any, NamedTuple

ASKED = [{"role": "user", "content": "hello"}]


class Speech(NamedTuple):
    """One vendor: how it is asked, and where its answers keep what they say."""

    name: str
    path: str
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()

    def asked(self, stream: bool, **more: Any) -> dict[str, Any]:
        """As the simulator's test stage takes it."""
        return {"path": self.path, "headers": self.headers, "stream": stream, **self.body} | more

    def events(self, text: bytes) -> list[Any]:
        """The payloads of a stream; OpenAI's `[DONE]` as it is."""
        if self.name == "ollama":
            return [json.loads(line) for line in text.decode().splitlines()]
        frames = [frame.rpartition("data: ")[2] for frame in text.decode().split("\n\n") if "data: " in frame]
        return [frame if frame == "[DONE]" else json.loads(frame) for frame in frames]

    def whole(self, answer: Any) -> str:
        match self.name:
            case "openai" | "ollama_v1":
                return str(answer["choices"][0]["message"]["content"])
            case "anthropic":
                return "".join(block["text"] for block in answer["content"])
        return str(answer["message"]["content"])

    def said(self, events: list[Any]) -> str:
        return "".join(self._text(event) for event in events if isinstance(event, dict))

    def _text(self, event: dict[str, Any]) -> str:
        match self.name:
            case "openai" | "ollama_v1":
                return "".join(choice["delta"].get("content") or "" for choice in event.get("choices", ()))
            case "anthropic":
                return str(event["delta"]["text"]) if event["type"] == "content_block_delta" else ""
        return str(event.get("message", {}).get("content", ""))

    def is_last(self, event: Any) -> bool:
        """Whether this event says that the answer is whole."""
        if not isinstance(event, dict):
            return bool(event == "[DONE]")
        return event.get("type") == "message_stop" or event.get("done") is True

    def error(self, payload: Any) -> str | None:
        """The message of an error in this vendor's own shape, None if it is anything else."""
        found = payload.get("error") if isinstance(payload, dict) else None
        match self.name, found:
            case "ollama", str():
                return found or None
            case "anthropic", {"type": str(), "message": str(message)} if payload["type"] == "error":
                return message or None
            case "openai" | "ollama_v1", {"type": str(), "message": str(message), "param": _, "code": _}:
                return message or None
        return None


OPENAI = Speech("openai", "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": ASKED})
ANTHROPIC = Speech(
    "anthropic",
    "/v1/messages",
    {"model": "claude-haiku-4-5", "messages": ASKED, "max_tokens": 100},
    (("anthropic-version", "2023-06-01"),),
)
OLLAMA = Speech("ollama", "/api/chat", {"model": "llama3.2", "messages": ASKED})
OLLAMA_V1 = Speech("ollama_v1", "/ollama/v1/chat/completions", {"model": "llama3.2", "messages": ASKED})
SPEECHES = (OPENAI, ANTHROPIC, OLLAMA, OLLAMA_V1)
