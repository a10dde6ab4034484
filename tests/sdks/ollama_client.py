"""Ollama's Python SDK as a program that does what it is told."""

import json
from functools import cache
from typing import Any

import ollama
from loop import left_after, now, serve


@cache
def client_of(url: str, key: str) -> ollama.Client:
    return ollama.Client(host=url, headers={"authorization": f"Bearer {key}"}, timeout=240)


def take(task: dict[str, Any]) -> dict[str, Any]:
    client = client_of(task["url"], task["key"])
    ask = streamed if task["op"] == "streamed" else whole
    if task["op"] == "models":
        return {"models": [model.model for model in client.list().models]}
    if task["op"] == "embed":
        return {"vectors": [list(vector) for vector in client.embed(**task["request"]).embeddings]}
    if task["op"] == "leave":
        return leave(client, task["request"])
    told = ask(client, task["request"])
    message = told.pop("message")
    if "results" not in task:
        return told
    turns = [json.loads(message.model_dump_json(exclude_none=True))]
    for call, result in zip(message.tool_calls, task["results"], strict=True):
        turns.append({"role": "tool", "tool_name": call.function.name, "content": result})
    # There is no telling it not to call again but to offer nothing.
    request = {name: value for name, value in task["request"].items() if name != "tools"}
    second = ask(client, {**request, "messages": [*request["messages"], *turns]})
    del second["message"]
    return second


def whole(client: ollama.Client, request: dict[str, Any]) -> dict[str, Any]:
    answer = client.chat(**request)
    return told_of(answer, answer.message)


def streamed(client: ollama.Client, request: dict[str, Any]) -> dict[str, Any]:
    pieces, text, thoughts, calls, last = 0, "", "", [], None
    for last in client.chat(**request, stream=True):
        pieces += bool(last.message.content)
        text += last.message.content or ""
        thoughts += last.message.thinking or ""
        calls += last.message.tool_calls or []
    assert last is not None, "a stream has lines"
    message = ollama.Message(role="assistant", content=text, thinking=thoughts or None, tool_calls=calls or None)
    return {**told_of(last, message), "pieces": pieces}


def leave(client: ollama.Client, request: dict[str, Any]) -> dict[str, Any]:
    stream = client.chat(**request, stream=True)
    told = left_after((part for part in stream if part.message.content), 3)
    stream.close()
    return {**told, "left": now()}


def told_of(answer: Any, message: Any) -> dict[str, Any]:
    return {
        "message": message,
        "model": answer.model,
        "text": message.content or "",
        "reasoning": message.thinking or "",
        "finish": answer.done_reason,
        "calls": [
            {"name": call.function.name, "arguments": dict(call.function.arguments)}
            for call in message.tool_calls or ()
        ],
        "usage": [answer.prompt_eval_count, answer.eval_count],
    }


serve(take)
