"""A given text as an answer in OpenAI's dialect."""

import json
from typing import Any


def completion(asked: dict[str, Any], text: str, finish: str = "stop") -> tuple[bytes, str]:
    """The body, as a stream where one was asked for, and its content type."""
    base = {"id": "said", "created": 0, "model": asked.get("model", "")}
    message = {"role": "assistant", "content": text}
    if not asked.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return json.dumps({**base, "object": "chat.completion", "choices": [choice]}).encode(), "application/json"
    chunks = [
        json.dumps({**base, "object": "chat.completion.chunk", "choices": [{"index": 0, **told}]})
        for told in ({"delta": message, "finish_reason": None}, {"delta": {}, "finish_reason": finish})
    ]
    return "".join(f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"]).encode(), "text/event-stream"
