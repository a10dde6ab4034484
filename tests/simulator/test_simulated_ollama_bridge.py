"""Ollama's imitation of OpenAI, as OpenAI's own SDK sees it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from earthward.simulator import Hardware, Simulator
from speech import OLLAMA_V1

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def talk(stage: Any, play: Callable[[AsyncOpenAI], Awaitable[Any]], **options: Any) -> Any:
    async def whole_talk() -> Any:
        async with (
            Simulator(**options) as simulator,
            AsyncOpenAI(base_url=f"{simulator.url}/ollama/v1", api_key="ollama", max_retries=0) as client,
        ):
            return await play(client)

    return stage.run(whole_talk())


def asked(text: str = "hello", model: str = "llama3.2", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


async def chunks(client: AsyncOpenAI, **request: Any) -> list[Any]:
    return [chunk async for chunk in await client.chat.completions.create(stream=True, **request)]


def test_the_sdk_reads_a_whole_answer_and_a_stream(stage):
    async def play(client: AsyncOpenAI) -> Any:
        request = asked("sim:tokens=3")
        options = {"include_usage": True}
        return await client.chat.completions.create(**request), await chunks(client, **request, stream_options=options)

    whole, streamed = talk(stage, play)
    (choice,) = whole.choices
    assert (choice.message.content, choice.finish_reason, whole.model) == ("t0 t1 t2", "stop", "llama3.2")
    *parts, last, counted = streamed
    assert "".join(part.choices[0].delta.content for part in parts) == "t0 t1 t2"
    assert last.choices[0].finish_reason == "stop"
    assert counted.usage == whole.usage
    assert whole.usage.completion_tokens == 3


def test_thoughts_are_in_a_field_of_their_own(stage):
    async def play(client: AsyncOpenAI) -> Any:
        request = asked("sim:tokens=2,reasoning=2", "qwen3:8b")
        return await client.chat.completions.create(**request), await chunks(client, **request)

    whole, streamed = talk(stage, play)
    assert whole.choices[0].message.reasoning == "t0 t1"
    assert "".join(getattr(each.choices[0].delta, "reasoning", None) or "" for each in streamed) == "t0 t1"


def test_calls_come_whole_and_their_choice_is_ignored(stage):
    async def play(client: AsyncOpenAI) -> Any:
        free = await client.chat.completions.create(**asked(tools=[WEATHER]), tool_choice="required")
        called = await chunks(client, **asked("sim:calls=2", tools=[WEATHER]))
        return free, [each for chunk in called for each in chunk.choices[0].delta.tool_calls or ()], called[-1]

    free, calls, last = talk(stage, play)
    assert free.choices[0].message.tool_calls is None
    assert [(call.index, json.loads(call.function.arguments)) for call in calls] == [
        (0, {"city": "t0"}),
        (1, {"city": "t0"}),
    ]
    assert last.choices[0].finish_reason == "tool_calls"


def test_what_it_ignores_changes_nothing(stage):
    ignored = {"max_completion_tokens": 2, "n": 3, "options": {"num_ctx": 8}, "logit_bias": {"1": 1}}
    (seen,) = stage.answers(OLLAMA_V1.asked(False, sim={"tokens": 5}, **ignored))
    assert [choice["message"]["content"] for choice in seen.json["choices"]] == ["t0 t1 t2 t3 t4"]


def test_a_prompt_too_long_is_cut_and_nothing_can_forbid_it(stage):
    turns = [{"role": "user", "content": "old " * 1000}, {"role": "user", "content": "new"}]
    (seen,) = stage.answers(
        OLLAMA_V1.asked(False, messages=turns, truncate=False, options={"num_ctx": 99_999}),
        hardware=Hardware(context=512),
    )
    assert seen.json["usage"]["prompt_tokens"] < 20


def test_an_error_in_the_middle_of_a_stream_is_lost(stage):
    seen = talk(stage, lambda client: chunks(client, **asked("sim:fault=error_event,after=2")))
    assert "".join(each.choices[0].delta.content for each in seen) == "t0 t1"
    assert (seen[-1].model, seen[-1].choices[0].finish_reason) == ("", None)


def test_models_are_listed_and_found_by_their_whole_names(stage):
    async def play(client: AsyncOpenAI) -> Any:
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("qwen3")
        return [model.id async for model in client.models.list()], await client.models.retrieve("qwen3:8b")

    names, model = talk(stage, play)
    assert "llama3.2:latest" in names
    assert (model.id, model.owned_by) == ("qwen3:8b", "library")


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"raw_body": b"{"}, 400, "truncated"),
        ({"messages": []}, 400, "too short"),
        ({"messages": [{"role": "user", "content": None}]}, 400, "invalid message content type"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, 400, "invalid image input"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y"}}]}]},
            400,
            "invalid image input",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": ""}}]}]},
            400,
            "invalid tool call arguments",
        ),
        ({"reasoning_effort": "enormous"}, 400, "invalid reasoning value"),
        ({"model": "gpt-4o"}, 404, "model 'gpt-4o' not found"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(stage, change, status, message):
    (seen,) = stage.answers(OLLAMA_V1.asked(False, **change))
    error = seen.json["error"]
    assert (seen.status, error["code"], error["param"]) == (status, None, None)
    assert message in error["message"]


def test_other_paths_are_not_there(stage):
    (seen,) = stage.answers({"path": "/ollama/v1/messages/count_tokens"})
    assert (seen.status, seen.text) == (404, b"404 page not found")
