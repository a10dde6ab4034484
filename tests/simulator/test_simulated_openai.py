"""The wire format, by itself and as OpenAI's own SDK sees it."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from earthward.simulator import Simulator
from earthward.simulator.steps import Problem
from earthward.simulator.vendors import openai as openai_vendor

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}


@asynccontextmanager
async def sdk(**options: Any) -> AsyncIterator[tuple[AsyncOpenAI, Simulator]]:
    key = options.pop("key", "sk-simulated")
    async with (
        Simulator(**options) as simulator,
        AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key=key, max_retries=0) as client,
    ):
        yield client, simulator


def chat(stage: Any, talk: Callable[[AsyncOpenAI, Simulator], Awaitable[Any]], **options: Any) -> Any:
    async def play() -> Any:
        async with sdk(**options) as (client, simulator):
            return await talk(client, simulator)

    return stage.run(play())


def asked(text: str = "hello", model: str = "gpt-4o-mini", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


async def chunks(client: AsyncOpenAI, **request: Any) -> list[Any]:
    return [chunk async for chunk in await client.chat.completions.create(stream=True, **request)]


def test_the_sdk_reads_a_whole_answer(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> Any:
        return await client.chat.completions.create(**asked("hello sim:tokens=5"))

    answer = chat(stage, talk)
    (choice,) = answer.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == (
        "t0 t1 t2 t3 t4",
        "assistant",
        "stop",
    )
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.usage.completion_tokens == 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 5
    assert answer.id.startswith("chatcmpl-")
    assert answer._request_id.startswith("req_")


def test_the_sdk_reads_a_stream(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> Any:
        return await chunks(client, **asked("hello sim:tokens=5,rate=500"))

    seen = chat(stage, talk)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in seen) == "t0 t1 t2 t3 t4"
    assert seen[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in seen] == [None] * 6 + ["stop"]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in seen}) == 1
    assert all(chunk.usage is None for chunk in seen)


def test_usage_comes_last_and_only_when_asked_for(stage):
    plain, counted = stage.answers(
        asked(stream=True, sim={"tokens": 2}),
        asked(stream=True, stream_options={"include_usage": True}, sim={"tokens": 2, "cached": 3, "reasoning": 4}),
    )
    assert not any("usage" in event for event in plain.events[:-1])
    *before, last, done = counted.events
    assert done == "[DONE]"
    assert all(event["usage"] is None and event["choices"] for event in before)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 6
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == 3
    assert last["usage"]["completion_tokens_details"]["reasoning_tokens"] == 4


def test_several_answers_are_kept_apart(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> Any:
        request = asked("sim:text=words,tokens=6", n=3)
        return await client.chat.completions.create(**request), await chunks(client, **request)

    whole, streamed = chat(stage, talk)
    texts = [""] * 3
    for chunk in streamed:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert len({choice.message.content for choice in whole.choices}) == len(set(texts)) == 3
    assert whole.usage.completion_tokens == 18


def test_parallel_calls_come_whole_and_in_fragments(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> Any:
        request = asked('sim:{"calls": 2, "fragment": 3}', tools=[WEATHER, CLOCK])
        return await client.chat.completions.create(**request), await chunks(client, **request)

    whole, streamed = chat(stage, talk)
    (choice,) = whole.choices
    assert choice.finish_reason == streamed[-1].choices[0].finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [call.function.name for call in choice.message.tool_calls] == ["weather", "clock"]
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"city": "t0"}
    spelt: dict[int, list[str]] = {}
    for chunk in streamed:
        for call in chunk.choices[0].delta.tool_calls or ():
            if call.id:
                assert call.index == len(spelt)
                spelt[call.index] = [call.function.name, ""]
            spelt[call.index][1] += call.function.arguments
    assert spelt == {0: ["weather", '{"city": "t0"}'], 1: ["clock", "{}"]}
    assert sum(bool(chunk.choices[0].delta.tool_calls) for chunk in streamed) > 6


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ("none", []),
        ("auto", []),
        ("required", ["weather"]),
        ({"type": "function", "function": {"name": "clock"}}, ["clock"]),
    ],
)
def test_the_tool_choice_is_obeyed(stage, choice, named):
    (seen,) = stage.answers(asked(tools=[WEATHER, CLOCK], tool_choice=choice))
    calls = seen.json["choices"][0]["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == named


def test_structured_output_obeys_the_schema(stage):
    shape = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    whole, streamed, free = stage.answers(
        asked(response_format=shape),
        asked(response_format=shape, stream=True),
        asked(response_format={"type": "json_object"}),
    )
    assert json.loads(whole.json["choices"][0]["message"]["content"]) == {"name": "t0"}
    assert json.loads(streamed.content) == {"name": "t0"}
    assert json.loads(free.json["choices"][0]["message"]["content"]) == {}


def test_images_are_counted_and_charged(stage):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

    async def play() -> Any:
        async with Simulator() as simulator:
            plain = await stage.ask(
                simulator, messages=[{"role": "user", "content": [{"type": "text", "text": "look"}]}]
            )
            content = [{"type": "text", "text": "look"}, image, image]
            seen = await stage.ask(simulator, messages=[{"role": "user", "content": content}])
            return plain.json["usage"]["prompt_tokens"], seen.json["usage"]["prompt_tokens"], simulator.stats()

    before, after, stats = stage.run(play())
    assert after - before >= 2 * 85
    assert stats["images"] == 2


def test_log_probabilities_come_when_asked_for(stage):
    whole, streamed = stage.answers(
        asked(logprobs=True, sim={"tokens": 2}), asked(logprobs=True, stream=True, sim={"tokens": 2})
    )
    assert [each["token"] for each in whole.json["choices"][0]["logprobs"]["content"]] == ["t0", " t1"]
    spelt = [event["choices"][0]["logprobs"] for event in streamed.events[1:3]]
    assert [each["content"][0]["token"] for each in spelt] == ["t0", " t1"]


def test_a_refusal_is_told_in_its_own_field(stage):
    whole, streamed = stage.answers(
        asked(sim={"refusal": "I won't say"}), asked(sim={"refusal": "I won't say"}, stream=True)
    )
    assert whole.json["choices"][0]["message"]["refusal"] == "I won't say"
    assert whole.json["choices"][0]["message"]["content"] is None
    deltas = [event["choices"][0]["delta"] for event in streamed.events[:-1]]
    assert "".join(delta.get("refusal") or "" for delta in deltas) == "I won't say"


def test_chunks_may_hold_several_tokens_each_with_its_stamp(stage):
    (seen,) = stage.answers(asked(stream=True, sim={"tokens": 5, "chunk": 2, "stamp": True}))
    texts = [event["choices"][0]["delta"].get("content") for event in seen.events[1:-2]]
    assert [text.count("@") for text in texts] == [2, 2, 1]
    stamps = [int(token.partition("@")[2]) for token in "".join(texts).split(" ")]
    assert stamps == sorted(stamps)
    assert stamps[0] > 0


def test_the_sdk_lists_and_gets_models(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> Any:
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-9")
        return [model.id async for model in client.models.list()], await client.models.retrieve("gpt-4o")

    names, model = chat(stage, talk)
    assert {"gpt-4o", "gpt-4o-mini"} <= set(names)
    assert (model.id, model.object, model.owned_by) == ("gpt-4o", "model", "openai")


ERRORS = [
    ("400", openai.BadRequestError),
    ("401", openai.AuthenticationError),
    ("403", openai.PermissionDeniedError),
    ("404", openai.NotFoundError),
    ("429", openai.RateLimitError),
    ("500", openai.InternalServerError),
    ("503", openai.InternalServerError),
    ("529", openai.InternalServerError),
    ("reset_before_head", openai.APIConnectionError),
    ("closed_before_head", openai.APIConnectionError),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("fault", "raised"), ERRORS)
def test_the_sdk_raises_the_class_of_the_status(stage, fault, raised, stream):
    async def talk(client: AsyncOpenAI, _: Simulator) -> None:
        with pytest.raises(raised):
            await client.chat.completions.create(**asked(f"sim:fault={fault}"), stream=stream)

    chat(stage, talk)


def test_the_sdk_raises_on_an_error_event(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> None:
        with pytest.raises(openai.APIError, match="The server had an error"):
            await chunks(client, **asked("sim:fault=error_event"))

    chat(stage, talk)


def test_an_unknown_key_is_refused_and_only_its_ends_are_shown(stage):
    async def talk(client: AsyncOpenAI, _: Simulator) -> Any:
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.chat.completions.create(**asked())
        return caught.value

    error = chat(stage, talk, keys=["sk-right"], key="sk-wrong-0123456789")
    assert error.code == "invalid_api_key"
    assert "sk-wrong" in error.message
    assert "0123456789" not in error.message
    assert chat(stage, lambda client, _: client.models.list(), keys=["sk-right"], key="sk-right").data


def test_without_a_key_the_error_says_how_to_send_one(stage):
    (seen,) = stage.answers(asked(), keys=["sk-right"])
    assert seen.status == 401
    assert "Authorization header" in seen.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"{", 400, None, None),
        (b'{"messages":[{"role":"user"}]}', 400, "missing_required_parameter", "model"),
        (b'{"model":"gpt-4o"}', 400, "missing_required_parameter", "messages"),
        (b'{"model":"gpt-4o","messages":[{}]}', 400, "missing_required_parameter", "messages[0].role"),
        (b'{"model":"gpt-4o","messages":"hi"}', 400, "invalid_type", "messages"),
        (b'{"model":"gpt-4o","messages":[]}', 400, "empty_array", "messages"),
        (b'{"model":"gpt-4o","messages":[{"role":"user"}],"n":500}', 400, None, "n"),
        (b'{"model":"gpt-4o","messages":[{"role":"user"}],"stream_options":{}}', 400, None, "stream_options"),
        (b'{"model":"gpt-9","messages":[{"role":"user"}]}', 404, "model_not_found", None),
        (b'{"model":"gpt-4o sim:tokns=5","messages":[{"role":"user"}]}', 400, "bad_script", None),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(stage, body, status, code, param):
    (seen,) = stage.answers({"raw_body": body})
    error = seen.json["error"]
    assert (seen.status, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]


def test_a_conversation_longer_than_the_context_is_refused(stage):
    (seen,) = stage.answers(asked("word " * 110_000))
    assert seen.json["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/audio/speech"), ("GET", "/v1/chat/completions"), ("GET", "/v2")]
)
def test_an_unknown_path_is_told_so(stage, method, path):
    (seen,) = stage.answers({"method": method, "path": path})
    assert (seen.status, seen.json["error"]["code"]) == (404, "unknown_url")
    assert path in seen.json["error"]["message"]


def test_texts_become_directions_as_numbers_or_as_base64(stage):
    asked = {"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 8, "path": "/v1/embeddings"}
    plain, packed, unknown = stage.answers(
        asked, {**asked, "encoding_format": "base64"}, {**asked, "model": "gpt-4o-mini"}
    )
    vectors = [one["embedding"] for one in plain.json["data"]]
    assert [len(vector) for vector in vectors] == [8, 8]
    assert vectors[0] != vectors[1]
    assert len(base64.b64decode(packed.json["data"][0]["embedding"])) == 32
    assert plain.json["usage"]["prompt_tokens"] == packed.json["usage"]["prompt_tokens"] > 0
    assert unknown.status == 404


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("temperature", 0.2, "unsupported_value"),
        ("top_p", 0.5, "unsupported_parameter"),
        ("stop", ["END"], "unsupported_parameter"),
        ("max_tokens", 9, "unsupported_parameter"),
    ],
)
def test_models_that_reason_let_nobody_tell_them_how_to_draw(field, value, code):
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}], field: value}
    refused = openai_vendor.VENDOR.read(b"/v1/chat/completions", json.dumps(body).encode(), "d")
    assert isinstance(refused, Problem)
    assert (refused.status, refused.param, refused.code) == (400, field, code)
    for other in ({**body, "model": "gpt-4o"}, {**body, field: 1} if field in ("temperature", "top_p") else {}):
        if other:
            read = openai_vendor.VENDOR.read(b"/v1/chat/completions", json.dumps(other).encode(), "d")
            assert not isinstance(read, Problem)


RUN = {"type": "custom", "custom": {"name": "run"}}


def test_tools_that_take_free_text_are_called_with_it_whole_and_streamed(stage):
    async def talk(client: AsyncOpenAI, simulator: Simulator) -> Any:
        request: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "tools": [RUN]}
        whole = await client.chat.completions.create(
            **request, tool_choice={"type": "custom", "custom": {"name": "run"}}
        )
        chunks = await client.chat.completions.create(**request, tool_choice="required", stream=True)
        streamed = [call async for chunk in chunks for call in (chunk.choices[0].delta.tool_calls or ())]
        flat: Any = {"type": "custom", "name": "run"}
        response = await client.responses.create(model="gpt-4o", input="Hi", tools=[flat], tool_choice="required")
        async with client.responses.stream(model="gpt-4o", input="Hi", tools=[flat], tool_choice="required") as stream:
            final = await stream.get_final_response()
        return whole, streamed, response, final

    whole, streamed, response, final = chat(stage, talk)
    (call,) = whole.choices[0].message.tool_calls
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "run", "print(1)")
    assert "".join(piece.custom["input"] for piece in streamed) == "print(1)"
    for found in (response, final):
        (item,) = found.output
        assert (item.type, item.name, item.input) == ("custom_tool_call", "run", "print(1)")
