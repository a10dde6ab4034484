"""Google's Python SDK, of whatever version is installed, as a program that does what it is told.

Its first argument says which of Google's services it takes the gateway for: the Gemini API, or Vertex AI.
"""

import base64
import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials
from loop import left_after, now, serve


@cache
def client_of(url: str, key: str) -> genai.Client:
    options = types.HttpOptions(base_url=url, timeout=240_000)
    if sys.argv[1:] == ["vertex"]:
        token = Credentials(token=key)
        return genai.Client(vertexai=True, project="acme", location="eu", credentials=token, http_options=options)
    return genai.Client(api_key=key, http_options=options)


def take(task: dict[str, Any]) -> dict[str, Any]:
    client = client_of(task["url"], task["key"])
    if task["op"] == "models":
        return {"models": [str(model.name).removeprefix("models/") for model in client.models.list()]}
    if task["op"] == "embed":
        # Strings beside one another may be one content, by the model's name.
        texts = [types.Content(parts=[types.Part(text=text)]) for text in task["request"]["contents"]]
        found = client.models.embed_content(model=task["request"]["model"], contents=texts)
        return {"vectors": [one.values for one in found.embeddings]}
    if task["op"] == "count":
        return {"tokens": client.models.count_tokens(**task["request"]).total_tokens}
    request = prepared(task["request"])
    if task["op"] == "leave":
        return leave(client, request)
    ask = streamed if task["op"] == "streamed" else whole
    told = ask(client, request)
    parts = told.pop("parts")
    if "results" not in task:
        return told
    calls = [part.function_call for part in parts if part.function_call]
    answered = [
        types.Part(function_response=types.FunctionResponse(name=call.name, id=call.id, response={"result": result}))
        for call, result in zip(calls, task["results"], strict=True)
    ]
    turns = [types.Content(role="model", parts=parts), types.Content(role="user", parts=answered)]
    config = {**request["config"], "toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}
    second = ask(client, {**request, "contents": [*request["contents"], *turns], "config": config})
    del second["parts"]
    return second


def prepared(request: dict[str, Any]) -> dict[str, Any]:
    """Bytes are bytes here, not base64."""
    contents = json.loads(json.dumps(request["contents"]))
    for content in contents:
        for part in content["parts"]:
            if "inlineData" in part:
                part["inlineData"]["data"] = base64.b64decode(part["inlineData"]["data"])
    return {**request, "contents": contents}


def whole(client: genai.Client, request: dict[str, Any]) -> dict[str, Any]:
    return told_of([client.models.generate_content(**request)])


def streamed(client: genai.Client, request: dict[str, Any]) -> dict[str, Any]:
    answers = list(client.models.generate_content_stream(**request))
    return {**told_of(answers), "pieces": sum(bool(part.text) for part in parts_of(answers))}


def leave(client: genai.Client, request: dict[str, Any]) -> dict[str, Any]:
    stream = client.models.generate_content_stream(**request)
    told = left_after((piece for piece in stream if piece.text), 3)
    left = now()
    stream.close()
    return {**told, "left": left}


def parts_of(answers: list[Any]) -> Iterator[Any]:
    for answer in answers:
        for candidate in answer.candidates or ():
            yield from (candidate.content.parts if candidate.content else None) or ()


def told_of(answers: list[Any]) -> dict[str, Any]:
    parts, usage = list(parts_of(answers)), answers[-1].usage_metadata
    reasons = [candidate.finish_reason for answer in answers for candidate in answer.candidates or ()]
    reason = next(reason for reason in reversed(reasons) if reason is not None)
    return {
        # As people send them back: what was empty in the end of a stream carries nothing.
        "parts": [part for part in parts if part.text or part.function_call or part.thought_signature],
        "model": answers[-1].model_version,
        "text": "".join(part.text for part in parts if part.text and not part.thought),
        "reasoning": "".join(part.text for part in parts if part.text and part.thought),
        "finish": {"STOP": "stop", "MAX_TOKENS": "length"}.get(reason.name, reason.name),
        "calls": [{"name": call.name, "arguments": call.args} for part in parts if (call := part.function_call)],
        "usage": [usage.prompt_token_count, (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)],
    }


serve(take)
