"""OpenAI's Python SDK by its responses, as a program that does what it is told. Nothing is stored unasked."""

import json
from functools import cache
from typing import Any

import openai
from loop import left_after, now, serve


@cache
def client_of(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=240)


def take(task: dict[str, Any]) -> dict[str, Any]:
    client = client_of(task["url"], task["key"])
    ask = streamed if task["op"] == "streamed" else whole
    if task["op"] == "models":
        return {"models": [model.id for model in client.models.list()]}
    if task["op"] == "count":
        return {"tokens": client.responses.input_tokens.count(**task["request"]).input_tokens}
    if task["op"] == "stored":
        return stored(client, **task["request"])
    if task["op"] == "leave":
        return leave(client, task["request"])
    told = ask(client, task["request"])
    output = told.pop("output")
    if "results" not in task:
        return told
    calls = [item for item in output if item.type == "function_call"]
    answered = [
        {"type": "function_call_output", "call_id": call.call_id, "output": result}
        for call, result in zip(calls, task["results"], strict=True)
    ]
    turns = [*task["request"]["input"], *map(sent_back, output), *answered]
    second = ask(client, {**task["request"], "input": turns, "tool_choice": "none"})
    del second["output"]
    return second


def sent_back(item: Any) -> dict[str, Any]:
    """As it came, without what the helper has added."""
    fields = json.loads(item.model_dump_json(exclude_none=True))
    fields.pop("parsed_arguments", None)
    return dict(fields)


def whole(client: openai.OpenAI, request: dict[str, Any]) -> dict[str, Any]:
    return told_of(client.responses.create(**request))


def streamed(client: openai.OpenAI, request: dict[str, Any]) -> dict[str, Any]:
    pieces = arguments = 0
    with client.responses.stream(**request) as stream:
        for event in stream:
            pieces += event.type == "response.output_text.delta"
            arguments += event.type == "response.function_call_arguments.delta"
            if event.type in ("response.completed", "response.incomplete"):
                final = event.response
    return {**told_of(final), "pieces": pieces, "argument_pieces": arguments}


def leave(client: openai.OpenAI, request: dict[str, Any]) -> dict[str, Any]:
    with client.responses.stream(**request) as stream:
        told = left_after((event for event in stream if event.type == "response.output_text.delta"), 3)
    return {**told, "left": now()}


def stored(client: openai.OpenAI, first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """A conversation whose turns go on from what was stored, whole and streamed, until its first turn is deleted."""
    said = client.responses.create(**{**first, "store": True})
    then = {**then, "store": True}
    second = client.responses.create(**then, previous_response_id=said.id)
    with client.responses.stream(**then, previous_response_id=second.id) as stream:
        for event in stream:
            last = event
    fetched = client.responses.retrieve(said.id)
    items = list(client.responses.input_items.list(said.id))
    client.responses.delete(said.id)
    try:
        client.responses.retrieve(said.id)
    except openai.NotFoundError as missing:
        gone = missing.status_code
    return {
        "said": said.output_text,
        "fetched": fetched.output_text,
        "text": last.response.output_text,
        "items": len(items),
        "gone": gone,
    }


def told_of(answer: Any) -> dict[str, Any]:
    of = {kind: [item for item in answer.output if item.type == kind] for kind in ("reasoning", "function_call")}
    cut = answer.incomplete_details.reason if answer.incomplete_details else None
    return {
        "output": answer.output,
        "model": answer.model,
        "text": answer.output_text,
        "reasoning": "".join(part.text for item in of["reasoning"] for part in item.summary),
        "finish": "length" if cut == "max_output_tokens" else cut or ("tool_calls" if of["function_call"] else "stop"),
        "calls": [
            {"id": item.call_id, "name": item.name, "arguments": json.loads(item.arguments)}
            for item in of["function_call"]
        ],
        "usage": [answer.usage.input_tokens, answer.usage.output_tokens],
        "thought": answer.usage.output_tokens_details.reasoning_tokens,
    }


serve(take)
