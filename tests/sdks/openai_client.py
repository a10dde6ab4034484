"""OpenAI's Python SDK, of whatever version is installed, as a program that does what it is told.

With the argument `azure` it takes the gateway for an Azure OpenAI.
"""

import json
import sys
from functools import cache
from typing import Any

import openai
from loop import left_after, now, serve


@cache
def client_of(url: str, key: str) -> openai.OpenAI:
    if sys.argv[1:] == ["azure"]:
        return openai.AzureOpenAI(azure_endpoint=url, api_version="2024-10-21", api_key=key, max_retries=0, timeout=240)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=240)


def take(task: dict[str, Any]) -> dict[str, Any]:
    client = client_of(task["url"], task["key"])
    ask = streamed if task["op"] == "streamed" else whole
    if task["op"] == "models":
        return {"models": [model.id for model in client.models.list()]}
    if task["op"] == "embed":
        return {"vectors": [one.embedding for one in client.embeddings.create(**task["request"]).data]}
    if task["op"] == "leave":
        return leave(client, task["request"])
    told = ask(client, task["request"])
    message = told.pop("message")
    if "results" not in task:
        return told
    turns = [json.loads(message.model_dump_json(exclude_none=True))]
    for call, result in zip(message.tool_calls, task["results"], strict=True):
        turns.append({"role": "tool", "tool_call_id": call.id, "content": result})
    again = {**task["request"], "messages": [*task["request"]["messages"], *turns], "tool_choice": "none"}
    second = ask(client, again)
    del second["message"]
    return second


def whole(client: openai.OpenAI, request: dict[str, Any]) -> dict[str, Any]:
    return told_of(client.chat.completions.create(**request))


def streamed(client: openai.OpenAI, request: dict[str, Any]) -> dict[str, Any]:
    pieces = arguments = 0
    with client.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
        try:
            for event in stream:
                pieces += event.type == "content.delta"
                arguments += event.type == "tool_calls.function.arguments.delta"
            final = stream.get_final_completion()
        except openai.LengthFinishReasonError as cut:
            final = cut.completion
    return {**told_of(final), "pieces": pieces, "argument_pieces": arguments}


def leave(client: openai.OpenAI, request: dict[str, Any]) -> dict[str, Any]:
    with client.chat.completions.stream(**request) as stream:
        told = left_after((event for event in stream if event.type == "content.delta"), 3)
    return {**told, "left": now()}


def told_of(answer: Any) -> dict[str, Any]:
    (choice,) = answer.choices
    message, usage = choice.message, answer.usage
    details = usage and usage.completion_tokens_details
    return {
        "message": message,
        "model": answer.model,
        "text": message.content or "",
        "reasoning": (message.model_extra or {}).get("reasoning_content") or "",
        "finish": choice.finish_reason,
        "calls": [
            {"id": call.id, "name": call.function.name, "arguments": json.loads(call.function.arguments)}
            for call in message.tool_calls or ()
        ],
        "usage": usage and [usage.prompt_tokens, usage.completion_tokens],
        "thought": (details and details.reasoning_tokens) or 0,
    }


serve(take)
