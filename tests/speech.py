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
        """As the simulator's test stage takes it. Google asks for a stream by the path."""
        path = self.path
        if stream:
            path = path.replace(":generateContent", ":streamGenerateContent?alt=sse").replace(":raw", ":streamRaw")
        said = {} if self.name == "gemini" else {"stream": stream}
        return {"path": path, "headers": self.headers, **said, **self.body} | more

    def events(self, text: bytes) -> list[Any]:
        """The payloads of a stream; OpenAI's `[DONE]` as it is."""
        if self.name == "ollama":
            return [json.loads(line) for line in text.decode().splitlines()]
        blocks = text.decode().replace("\r\n", "\n").split("\n\n")
        frames = [frame.rpartition("data: ")[2] for frame in blocks if "data: " in frame]
        return [frame if frame == "[DONE]" else json.loads(frame) for frame in frames]

    def whole(self, answer: Any) -> str:
        match self.name:
            case "openai" | "ollama_v1" | "azure":
                return str(answer["choices"][0]["message"]["content"])
            case "anthropic" | "claude_on_vertex":
                return "".join(block["text"] for block in answer["content"])
            case "gemini":
                return "".join(part["text"] for part in answer["candidates"][0]["content"]["parts"])
            case "responses":
                return str(answer["output"][0]["content"][0]["text"])
        return str(answer["message"]["content"])

    def said(self, events: list[Any]) -> str:
        return "".join(self._text(event) for event in events if isinstance(event, dict))

    def _text(self, event: dict[str, Any]) -> str:
        match self.name:
            case "openai" | "ollama_v1" | "azure":
                return "".join(choice["delta"].get("content") or "" for choice in event.get("choices", ()))
            case "gemini":
                candidates = event.get("candidates", ())
                return "".join(part["text"] for one in candidates for part in one.get("content", {}).get("parts", ()))
            case "responses":
                return str(event["delta"]) if event["type"] == "response.output_text.delta" else ""
            case "anthropic" | "claude_on_vertex":
                return str(event["delta"]["text"]) if event["type"] == "content_block_delta" else ""
        return str(event.get("message", {}).get("content", ""))

    def is_last(self, event: Any) -> bool:
        """Whether this event says that the answer is whole."""
        if not isinstance(event, dict):
            return bool(event == "[DONE]")
        if self.name == "gemini":
            return any("finishReason" in candidate for candidate in event.get("candidates", ()))
        return event.get("type") in ("message_stop", "response.completed") or event.get("done") is True

    def error(self, payload: Any) -> str | None:
        """The message of an error in this vendor's own shape, None if it is anything else."""
        found = payload.get("error") if isinstance(payload, dict) else None
        if self.name == "responses" and isinstance(payload, dict) and payload.get("type") == "error":
            return payload["message"] or None
        match self.name, found:
            case "gemini", {"code": int(), "message": str(message), "status": str()}:
                return message or None
            case "azure", {"code": str(), "message": str(message)}:
                return message or None
            case "ollama", str():
                return found or None
            case "anthropic" | "claude_on_vertex", {"type": str(), "message": str(message)} if (
                payload["type"] == "error"
            ):
                return message or None
            case "openai" | "ollama_v1" | "responses", {"type": str(), "message": str(message), "param": _, "code": _}:
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
GEMINI = Speech(
    "gemini",
    "/v1beta/models/gemini-2.5-flash:generateContent",
    {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    (("x-goog-api-key", "AIza"),),
)
CLAUDE_ON_VERTEX = Speech(
    "claude_on_vertex",
    "/v1/projects/acme/locations/eu/publishers/anthropic/models/claude-haiku-4-5:rawPredict",
    {"anthropic_version": "vertex-2023-10-16", "messages": ASKED, "max_tokens": 100},
    (("authorization", "Bearer ya29"),),
)
AZURE = Speech(
    "azure",
    "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21",
    {"messages": ASKED, "model": "gpt-4o-mini"},
    (("api-key", "k"),),
)
RESPONSES = Speech("responses", "/v1/responses", {"model": "gpt-4o-mini", "input": ASKED})
SPEECHES = (OPENAI, ANTHROPIC, OLLAMA, OLLAMA_V1, GEMINI, CLAUDE_ON_VERTEX, AZURE, RESPONSES)
"""All but the one that answers nothing: where Google's access tokens come from."""
