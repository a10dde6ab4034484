"""Anthropic's Python SDK, of whatever version is installed, as a program that does what it is told.

With the argument `vertex` it takes the gateway for Vertex AI.
"""

import inspect
import json
import sys
from functools import cache
from typing import Any

import anthropic
from loop import left_after, now, serve


@cache
def client_of(url: str, key: str) -> Any:
    if sys.argv[1:] == ["vertex"]:
        return anthropic.AnthropicVertex(
            base_url=f"{url}/v1", region="eu", project_id="acme", access_token=key, max_retries=0, timeout=240
        )
    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=240)


def take(task: dict[str, Any]) -> dict[str, Any]:
    client = client_of(task["url"], task["key"])
    ask = streamed if task["op"] == "streamed" else whole
    if task["op"] == "models":
        return {"models": [model.id for model in client.models.list()]}
    if task["op"] == "count":
        return {"tokens": client.messages.count_tokens(**task["request"]).input_tokens}
    request = known(client, task["request"])
    if task["op"] == "leave":
        return leave(client, request)
    told = ask(client, request)
    content = told.pop("content")
    if "results" not in task:
        return told
    calls = [block for block in content if block.type == "tool_use"]
    answered = [
        {"type": "tool_result", "tool_use_id": call.id, "content": result}
        for call, result in zip(calls, task["results"], strict=True)
    ]
    said = {"role": "assistant", "content": [json.loads(block.model_dump_json(exclude_none=True)) for block in content]}
    turns = [*request["messages"], said, {"role": "user", "content": answered}]
    second = ask(client, {**request, "messages": turns, "tool_choice": {"type": "none"}})
    del second["content"]
    return second


def known(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What this version has no name for goes into the body as it is."""
    names = inspect.signature(client.messages.create).parameters
    unknown = {name: value for name, value in request.items() if name not in names}
    kept = {name: value for name, value in request.items() if name in names}
    return {**kept, "extra_body": unknown} if unknown else kept


def whole(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    return told_of(client.messages.create(**request))


def streamed(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    pieces = arguments = 0
    with client.messages.stream(**request) as stream:
        for event in stream:
            pieces += event.type == "text"
            arguments += event.type == "input_json"
        final = stream.get_final_message()
    return {**told_of(final), "pieces": pieces, "argument_pieces": arguments}


def leave(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    with client.messages.stream(**request) as stream:
        told = left_after(stream.text_stream, 3)
    return {**told, "left": now()}


def told_of(answer: Any) -> dict[str, Any]:
    blocks = answer.content
    return {
        "content": blocks,
        "model": answer.model,
        "text": "".join(block.text for block in blocks if block.type == "text"),
        "reasoning": "".join(block.thinking for block in blocks if block.type == "thinking"),
        "finish": answer.stop_reason,
        "calls": [
            {"id": block.id, "name": block.name, "arguments": block.input}
            for block in blocks
            if block.type == "tool_use"
        ],
        "usage": [answer.usage.input_tokens, answer.usage.output_tokens],
    }


serve(take)
